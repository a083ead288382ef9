"""Reads of stock. Changes to a level or a sum are only made under `lock_items`."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis.paging import decode_cursor, encode_cursor
from contracts.orders import StockFacts, StockLevel, Warehouse
from contracts.paging import Page
from orders.db import texts
from orders.errors import StockNotFound, WarehouseNotFound
from orders.stock.domain import Level, Share
from orders.stock.tables import (
    StockItemRow,
    StockLevelRow,
    StockReservationLineRow,
    StockReservationRow,
    WarehouseRow,
)
from orders.stock.views import as_stock_facts, as_stock_level, as_warehouse

Source = AsyncConnection | AsyncSession
_SNAPSHOT_ROWS = 1_000


async def get_warehouse(source: Source, key: str) -> Warehouse:
    """One warehouse. Raises WarehouseNotFound."""
    row = (await source.execute(_warehouses().where(WarehouseRow.key == key))).one_or_none()
    if row is None:
        raise WarehouseNotFound(key)
    return as_warehouse(row)


async def list_warehouses(source: Source, *, limit: int, after: str | None) -> Page[Warehouse]:
    """Warehouses by key."""
    statement = _warehouses()
    if after is not None:
        (key,) = decode_cursor(after, str)
        statement = statement.where(WarehouseRow.key > key)
    rows = (await source.execute(statement.order_by(WarehouseRow.key).limit(limit + 1))).all()
    more = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page(items=[as_warehouse(row) for row in rows[:limit]], next=more)


def _warehouses() -> Select[*tuple[Any, ...]]:
    return select(*WarehouseRow.__table__.columns)


async def has_warehouse(source: Source, key: str) -> bool:
    """Whether there is such a warehouse."""
    found = await source.execute(select(WarehouseRow.key).where(WarehouseRow.key == key))
    return found.first() is not None


async def get_stock_level(source: Source, warehouse: str, sku: str) -> StockLevel:
    """The stock of a SKU in a warehouse. Raises StockNotFound."""
    found = await source.execute(
        _levels().where(StockLevelRow.warehouse_key == warehouse, StockLevelRow.sku == sku)
    )
    row = found.one_or_none()
    if row is None:
        raise StockNotFound(warehouse, sku)
    return as_stock_level(row)


async def list_stock_levels(
    source: Source, warehouse: str, *, limit: int, after: str | None
) -> Page[StockLevel]:
    """The stock of a warehouse by SKU. Raises WarehouseNotFound."""
    if not await has_warehouse(source, warehouse):
        raise WarehouseNotFound(warehouse)
    statement = _levels().where(StockLevelRow.warehouse_key == warehouse)
    if after is not None:
        (sku,) = decode_cursor(after, str)
        statement = statement.where(StockLevelRow.sku > sku)
    rows = (await source.execute(statement.order_by(StockLevelRow.sku).limit(limit + 1))).all()
    more = encode_cursor(rows[limit - 1].sku) if len(rows) > limit else None
    return Page(items=[as_stock_level(row) for row in rows[:limit]], next=more)


def _levels() -> Select[*tuple[Any, ...]]:
    return select(
        StockLevelRow.warehouse_key,
        StockLevelRow.sku,
        StockLevelRow.on_hand,
        StockLevelRow.reserved,
        StockLevelRow.updated_at,
        StockItemRow.sequence,
    ).join(StockItemRow, StockItemRow.sku == StockLevelRow.sku)


async def find_available(source: Source, skus: Collection[str]) -> dict[str, int]:
    """What can be promised of each SKU now; one that was never counted is left out."""
    if not skus:
        return {}
    item = StockItemRow
    found = await source.execute(
        select(item.sku, item.on_hand - item.reserved).where(item.sku == func.any(texts(skus)))
    )
    return {row[0]: row[1] for row in found}


async def stream_stock(connection: AsyncConnection) -> AsyncIterator[StockFacts]:
    """The present stock of every SKU, for a copy to begin with."""
    item = StockItemRow
    statement = select(item.sku, item.on_hand, item.reserved, item.sequence).order_by(item.sku)
    rows = await connection.stream(statement.execution_options(yield_per=_SNAPSHOT_ROWS))
    async for row in rows:
        yield as_stock_facts(row)


async def lock_items(
    session: AsyncSession, skus: Collection[str]
) -> Mapping[str, Row[*tuple[Any, ...]]]:
    """Lock the stock of SKUs for this transaction, in sorted order, and read it."""
    item = StockItemRow
    found = await session.execute(
        select(item.sku, item.on_hand, item.reserved, item.sequence)
        .where(item.sku == func.any(texts(skus)))
        .order_by(item.sku)
        .with_for_update()
    )
    return {row[0]: row for row in found}


async def list_levels_to_take(session: AsyncSession, skus: Collection[str]) -> list[Level]:
    """Levels that have something to give, in the order in which warehouses are taken from."""
    level = StockLevelRow
    found = await session.execute(
        select(level.sku, level.warehouse_key, level.on_hand, level.reserved)
        .join(WarehouseRow, WarehouseRow.key == level.warehouse_key)
        .where(level.sku == func.any(texts(skus)), level.on_hand > level.reserved)
        .order_by(WarehouseRow.priority.desc(), WarehouseRow.key, level.sku)
    )
    return [Level(*row) for row in found]


async def find_levels(
    session: AsyncSession, warehouse: str, skus: Collection[str]
) -> dict[str, Level]:
    """The levels of SKUs in one warehouse."""
    level = StockLevelRow
    found = await session.execute(
        select(level.sku, level.warehouse_key, level.on_hand, level.reserved).where(
            level.warehouse_key == warehouse, level.sku == func.any(texts(skus))
        )
    )
    return {row.sku: Level(*row) for row in found}


async def get_reservation_for_update(
    session: AsyncSession, hold_id: str
) -> StockReservationRow | None:
    """A reservation, locked."""
    return await session.get(StockReservationRow, hold_id, with_for_update=True)


async def list_shares(session: AsyncSession, hold_id: str) -> list[Share]:
    """What a reservation still holds, by SKU: what was shipped is left out."""
    line = StockReservationLineRow
    found = await session.execute(
        select(line.sku, line.warehouse_key, line.quantity - line.shipped)
        .where(line.hold_id == hold_id, line.quantity > line.shipped)
        .order_by(line.sku, line.warehouse_key)
    )
    return [Share(*row) for row in found]
