"""Tandem: accounts."""
