"""Tandem: tandem."""
