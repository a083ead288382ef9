"""Alembic revisions of orders."""
