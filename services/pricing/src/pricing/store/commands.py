"""Keeping the copy of catalog's stores."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import apply_newer
from contracts.catalog import Store
from pricing.store.tables import StoreRow


async def keep_stores(session: AsyncSession, stores: Sequence[Store]) -> None:
    """Take what is newer than what is kept; the order in which it comes does not matter."""
    rows = [
        {
            "key": store.key,
            "sequence": store.version,
            "currencies": list(store.currencies),
            "countries": list(store.countries),
            "tax_display": store.tax_display.value,
            "audience": store.audience.value,
        }
        for store in stores
    ]
    await apply_newer(session, StoreRow, rows, keys=["key"])
