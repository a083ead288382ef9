"""Tandem: orders."""
