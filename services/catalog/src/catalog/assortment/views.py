"""Assortments as they cross the border."""

from typing import Any

from sqlalchemy import Row

from catalog.assortment.tables import AssortmentRow
from contracts.catalog import Assortment


def as_assortment(row: AssortmentRow | Row[Any]) -> Assortment:
    """An assortment as catalog keeps it."""
    return Assortment.model_validate(
        {
            "key": row.key,
            "name": row.name,
            "stores": row.stores,
            "include": row.include,
            "exclude": row.exclude,
            "assignments": row.assignments,
            "version": row.version,
            "updated_at": row.updated_at,
        }
    )
