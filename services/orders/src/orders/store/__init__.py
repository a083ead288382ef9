"""Stores as catalog tells of them: a local copy."""
