"""Stores as they cross the border."""

from typing import Any

from sqlalchemy import Row

from catalog.store.tables import StoreRow
from contracts.catalog import Store


def as_store(row: StoreRow | Row[Any]) -> Store:
    """A store as catalog keeps it."""
    return Store.model_validate(
        {
            "key": row.key,
            "name": row.name,
            "audience": row.audience,
            "currencies": row.currencies,
            "locales": row.locales,
            "countries": row.countries,
            "tax_display": row.tax_display,
            "default_assortment": row.default_assortment,
            "version": row.version,
            "updated_at": row.updated_at,
        }
    )
