"""The alembic revisions of pricing's database."""
