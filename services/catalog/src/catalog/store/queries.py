"""Reads of stores."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.assortment import queries as assortments
from catalog.errors import StoreNotFound
from catalog.store.tables import StoreRow
from catalog.store.views import as_store
from contracts.catalog import Audience, Store

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


def is_open(key: ColumnElement[str]) -> ColumnElement[bool | None]:
    """Whether everybody sees all that is published in the store of this key; NULL: no such store.

    It is one look-up by the primary key, so that a question for a guest can carry it along.
    """
    open_to_all = and_(
        StoreRow.audience == Audience.D2C.value, StoreRow.default_assortment.is_(None)
    )
    return select(open_to_all).where(StoreRow.key == key).scalar_subquery()


_TAGS = assortments.tags()
_RANGE = (
    select(StoreRow.audience, StoreRow.default_assortment, _TAGS.c.id.label("tag"))
    .outerjoin(_TAGS, _TAGS.c.key == StoreRow.default_assortment)
    .where(StoreRow.key == bindparam("store", type_=Text))
)


async def find_range(connection: AsyncConnection, key: str) -> Row[Any] | None:
    """A store's audience, and its assortment with its tag (None: all that is published)."""
    return (await connection.execute(_RANGE, {"store": key})).one_or_none()


async def stream_stores(connection: AsyncConnection) -> AsyncIterator[Store]:
    """Every store, for the snapshot."""
    async with connection.stream(_STORES.order_by(StoreRow.key)) as rows:
        async for row in rows:
            yield as_store(row)
