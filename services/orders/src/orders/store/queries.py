"""Reads of the copy of stores."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from orders.store.domain import StoreFacts
from orders.store.tables import StoreRow


async def find_store(source: AsyncConnection | AsyncSession, key: str) -> StoreFacts | None:
    """The store of that key, if the copy has it."""
    row = StoreRow
    found = await source.execute(
        select(row.currencies, row.locales, row.countries).where(row.key == key)
    )
    store = found.one_or_none()
    if store is None:
        return None
    return StoreFacts(
        key=key,
        currencies=tuple(store.currencies),
        locales=tuple(store.locales),
        countries=tuple(store.countries),
    )
