"""Revisions, one file each, in order."""
