"""Tandem: contracts."""
