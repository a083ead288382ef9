"""Keeping the copy of catalog's stores."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import apply_newer
from contracts.catalog import Store
from orders.store.tables import StoreRow


async def keep_stores(session: AsyncSession, stores: Sequence[Store]) -> None:
    """Take what is newer than what is kept; the order in which it comes does not matter."""
    rows = [
        {
            "key": store.key,
            "sequence": store.version,
            "currencies": list(store.currencies),
            "locales": list(store.locales),
            "countries": list(store.countries),
            "audience": store.audience,
            "default_assortment": store.default_assortment,
        }
        for store in stores
    ]
    await apply_newer(session, StoreRow, rows, keys=["key"])
