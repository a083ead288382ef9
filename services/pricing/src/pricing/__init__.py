"""Tandem: pricing."""
