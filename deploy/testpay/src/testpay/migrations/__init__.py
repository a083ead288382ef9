"""Alembic revisions of the test provider."""
