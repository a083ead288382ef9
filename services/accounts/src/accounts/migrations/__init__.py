"""Alembic revisions of accounts."""
