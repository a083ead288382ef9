"""Tandem: gateway."""
