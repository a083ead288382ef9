"""Reads of the copy of stores."""

from sqlalchemy import ColumnElement, SQLColumnExpression, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from contracts.catalog import Audience
from orders.errors import StoreUnknown
from orders.store.domain import StoreFacts
from orders.store.tables import StoreRow


async def find_store(source: AsyncConnection | AsyncSession, key: str) -> StoreFacts | None:
    """The store of that key, if the copy has it."""
    row = StoreRow
    found = await source.execute(
        select(
            row.currencies, row.locales, row.countries, row.audience, row.default_assortment
        ).where(row.key == key)
    )
    store = found.one_or_none()
    if store is None:
        return None
    return StoreFacts(
        key=key,
        currencies=tuple(store.currencies),
        locales=tuple(store.locales),
        countries=tuple(store.countries),
        audience=Audience(store.audience),
        default_assortment=store.default_assortment,
    )


async def get_store(source: AsyncConnection | AsyncSession, key: str) -> StoreFacts:
    """The store of that key. Raises StoreUnknown."""
    store = await find_store(source, key)
    if store is None:
        raise StoreUnknown(key)
    return store


def is_narrowed(key: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """For another query: whether not all that is published is sold in the store of that key."""
    row = StoreRow
    narrows = or_(row.audience == Audience.B2B, row.default_assortment.is_not(None))
    return func.coalesce(select(narrows).where(row.key == key).scalar_subquery(), false())
