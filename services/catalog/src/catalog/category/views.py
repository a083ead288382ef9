"""Categories as they cross the border."""

from typing import Any

from sqlalchemy import Row

from catalog.category.tables import CategoryRow
from contracts.catalog import Category


def as_category(row: CategoryRow | Row[Any]) -> Category:
    """A category as catalog keeps it."""
    return Category.model_validate(
        {
            "id": row.id,
            "key": row.key,
            "name": row.name,
            "parent": row.parent,
            "position": row.position,
            "path": row.path,
            "version": row.version,
            "updated_at": row.updated_at,
        }
    )
