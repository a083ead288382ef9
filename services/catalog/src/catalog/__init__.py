"""Tandem: catalog."""
