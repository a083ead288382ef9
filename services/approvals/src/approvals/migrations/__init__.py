"""Alembic revisions of approvals."""
