"""Reads of stores."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.errors import StoreNotFound
from catalog.store.tables import StoreRow
from catalog.store.views import as_store
from contracts.catalog import Store

_STORES = select(*StoreRow.__table__.c)


async def get_store(connection: AsyncConnection, key: str) -> Store:
    """One store. Raises StoreNotFound."""
    row = (await connection.execute(_STORES.where(StoreRow.key == key))).one_or_none()
    if row is None:
        raise StoreNotFound(key)
    return as_store(row)


async def list_stores(connection: AsyncConnection, *, after: str, limit: int) -> Sequence[Row[Any]]:
    """Stores by key, from behind `after`."""
    page = _STORES.where(StoreRow.key > after).order_by(StoreRow.key).limit(limit)
    return (await connection.execute(page)).all()


def is_known(key: ColumnElement[str]) -> ColumnElement[bool]:
    """Condition: there is a store of this key."""
    return exists().where(StoreRow.key == key)


async def stream_stores(connection: AsyncConnection) -> AsyncIterator[Store]:
    """Every store, for the snapshot."""
    async with connection.stream(_STORES.order_by(StoreRow.key)) as rows:
        async for row in rows:
            yield as_store(row)
