"""Tandem: chassis."""
