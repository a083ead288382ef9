"""Alembic revisions of catalog."""
