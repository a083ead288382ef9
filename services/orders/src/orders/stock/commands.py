"""Writes of stock: warehouses, counts, and holds on what lies there.

Everything that changes a SKU's stock first locks its item, SKUs in sorted order; so changes of
one SKU follow each other, and its version grows by one with each.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, column, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox, versions
from contracts.bulk import LineOutcome, LineResult
from contracts.orders import PutStock, PutStockLine, PutWarehouse, StockChanged, Warehouse
from contracts.problems import FieldError
from orders.db import numbers, texts
from orders.errors import CountBelowReserved, HoldReleased, NotEnoughStock, WarehouseNotFound
from orders.stock import queries
from orders.stock.domain import (
    Counted,
    Level,
    MovementKind,
    ReservationStatus,
    Share,
    allocate,
    book_count,
    find_shortages,
    sum_demand,
    take,
)
from orders.stock.tables import (
    StockItemRow,
    StockLevelRow,
    StockMovementRow,
    StockReservationLineRow,
    StockReservationRow,
    WarehouseRow,
)
from orders.stock.views import as_stock_facts, as_warehouse


async def put_warehouse(
    session: AsyncSession,
    key: str,
    body: PutWarehouse,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Warehouse, LineOutcome]:
    """Make or change a warehouse; the same again changes nothing. Raises VersionNotCurrent."""
    row = await session.get(WarehouseRow, key, with_for_update=True)
    versions.check(row.version if row else None, if_match)
    if row is None:
        row = WarehouseRow(key=key, version=1, updated_at=now, **body.model_dump())
        session.add(row)
        await session.flush()
        return as_warehouse(row), LineOutcome.CREATED
    wanted = body.model_dump()
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return as_warehouse(row), LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await session.flush()
    return as_warehouse(row), LineOutcome.UPDATED


async def count_stock(
    session: AsyncSession,
    warehouse: str,
    sku: str,
    body: PutStock,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> LineOutcome:
    """Set what lies of a SKU in a warehouse; the difference becomes a movement.

    Emits StockChanged. Raises WarehouseNotFound, CountBelowReserved, VersionNotCurrent.
    """
    await _require_warehouse(session, warehouse)
    (counted,) = await _count(session, warehouse, {sku: body.on_hand}, if_match=if_match, now=now)
    if counted.outcome is LineOutcome.REFUSED:
        raise CountBelowReserved(sku, reserved=counted.level.reserved)
    return counted.outcome


async def count_stock_lines(
    session: AsyncSession,
    warehouse: str,
    lines: Sequence[tuple[int, PutStockLine]],
    *,
    now: datetime,
) -> list[LineResult]:
    """Book a batch of counts, each SKU once, in a handful of statements however many there are.

    Emits StockChanged. Raises WarehouseNotFound; a count below what is reserved is a refused line.
    """
    await _require_warehouse(session, warehouse)
    counts = {line.sku: line.on_hand for _, line in lines}
    booked = {one.level.sku: one for one in await _count(session, warehouse, counts, now=now)}
    return [_line_result(number, booked[line.sku]) for number, line in lines]


def _line_result(number: int, counted: Counted) -> LineResult:
    errors: list[FieldError] = []
    if counted.outcome is LineOutcome.REFUSED:
        refusal = CountBelowReserved(counted.level.sku, reserved=counted.level.reserved)
        errors = list(refusal.errors)
    return LineResult(line=number, key=counted.level.sku, outcome=counted.outcome, errors=errors)


async def _require_warehouse(session: AsyncSession, warehouse: str) -> None:
    if not await queries.has_warehouse(session, warehouse):
        raise WarehouseNotFound(warehouse)


async def _count(
    session: AsyncSession,
    warehouse: str,
    counts: Mapping[str, int],
    *,
    now: datetime,
    if_match: frozenset[str] | None = None,
) -> list[Counted]:
    """Book counts by SKU under the items' locks, in sorted order."""
    skus = sorted(counts)
    made = await _make_items(session, skus)
    items = await queries.lock_items(session, skus)
    if if_match is not None:
        (sku,) = skus
        versions.check(None if sku in made else items[sku].sequence, if_match)
    levels = await queries.find_levels(session, warehouse, skus)
    booked = [book_count(levels.get(sku), Level(sku, warehouse, counts[sku], 0)) for sku in skus]
    changed = [one for one in booked if one.outcome in (LineOutcome.CREATED, LineOutcome.UPDATED)]
    if changed:
        await _put_levels(session, warehouse, changed, now=now)
        await _add_movements(session, warehouse, changed, now=now)
        await _change_items(session, {one.level.sku: (one.difference, 0) for one in changed})
    return booked


async def _make_items(session: AsyncSession, skus: Collection[str]) -> set[str]:
    """Make the items of SKUs that were never counted, in the order given; which they were."""
    new = func.unnest(texts(skus)).table_valued(column("sku", Text)).render_derived(name="new")
    zero = literal(0, BigInteger)
    empty = select(new.c.sku, zero, zero, zero)
    made = await session.execute(
        insert(StockItemRow)
        .from_select(["sku", "on_hand", "reserved", "sequence"], empty)
        .on_conflict_do_nothing()
        .returning(StockItemRow.sku)
    )
    return set(made.scalars())


async def _put_levels(
    session: AsyncSession, warehouse: str, changed: Sequence[Counted], *, now: datetime
) -> None:
    statement = insert(StockLevelRow).values(
        [
            {
                "sku": one.level.sku,
                "warehouse_key": warehouse,
                "on_hand": one.level.on_hand,
                "reserved": one.level.reserved,
                "updated_at": now,
            }
            for one in changed
        ]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[StockLevelRow.sku, StockLevelRow.warehouse_key],
            set_={
                "on_hand": statement.excluded.on_hand,
                "updated_at": statement.excluded.updated_at,
            },
        )
    )


async def _add_movements(
    session: AsyncSession, warehouse: str, changed: Sequence[Counted], *, now: datetime
) -> None:
    moved = [
        {
            "sku": one.level.sku,
            "warehouse_key": warehouse,
            "kind": MovementKind.ADJUSTED,
            "quantity": one.difference,
            "recorded_at": now,
        }
        for one in changed
        if one.difference
    ]
    if moved:
        await session.execute(insert(StockMovementRow).values(moved))


async def reserve_stock(
    session: AsyncSession, hold_id: str, lines: Iterable[tuple[str, int]], *, now: datetime
) -> None:
    """Hold all that is wanted, or nothing. The same hold again changes nothing.

    Emits StockChanged. Raises NotEnoughStock, naming every SKU that falls short, and HoldReleased
    when the hold was released before it arrived.
    """
    if not await _open_reservation(session, hold_id, ReservationStatus.GRANTED, now=now):
        known = await queries.get_reservation_for_update(session, hold_id)
        if known is not None and known.status == ReservationStatus.RELEASED:
            raise HoldReleased
        return
    demand = sum_demand(lines)
    # Looked at before the locks too, so that nobody queues for what is sold out.
    _require(demand, await queries.find_available(session, demand))
    items = await queries.lock_items(session, demand)
    _require(demand, {sku: row.on_hand - row.reserved for sku, row in items.items()})
    shares = allocate(demand, await queries.list_levels_to_take(session, demand))
    await session.execute(
        insert(StockReservationLineRow).values(
            [
                {
                    "hold_id": hold_id,
                    "sku": share.sku,
                    "warehouse_key": share.warehouse,
                    "quantity": share.quantity,
                }
                for share in shares
            ]
        )
    )
    await _change_levels(session, shares, on_hand=0, reserved=1, now=now)


def _require(demand: Mapping[str, int], available: Mapping[str, int]) -> None:
    short = find_shortages(demand, available)
    if short:
        raise NotEnoughStock([(one.sku, one.wanted, one.left) for one in short])


async def release_stock(session: AsyncSession, hold_id: str, *, now: datetime) -> None:
    """Give back what a hold holds; again, or for a hold never seen, changes nothing.

    A hold never seen leaves a tombstone, so that it is refused should it still arrive. What is
    bound to an order stays. Emits StockChanged.
    """
    if await _open_reservation(session, hold_id, ReservationStatus.RELEASED, now=now):
        return
    reservation = await queries.get_reservation_for_update(session, hold_id)
    if reservation is None or reservation.status != ReservationStatus.GRANTED:
        return
    shares = await queries.list_shares(session, hold_id)
    await queries.lock_items(session, {share.sku for share in shares})
    await _change_levels(session, shares, on_hand=0, reserved=-1, now=now)
    reservation.status = ReservationStatus.RELEASED
    reservation.updated_at = now


async def bind_reservation(
    session: AsyncSession, hold_id: str, *, order_id: UUID, now: datetime
) -> None:
    """Bind what a hold holds to the order it was for; it is no longer released."""
    bound = await session.execute(
        update(StockReservationRow)
        .where(
            StockReservationRow.hold_id == hold_id,
            StockReservationRow.status == ReservationStatus.GRANTED,
        )
        .values(status=ReservationStatus.BOUND, order_id=order_id, updated_at=now)
        .returning(StockReservationRow.hold_id)
    )
    if bound.first() is None:
        raise HoldReleased


async def ship_stock(
    session: AsyncSession, hold_id: str, packed: Mapping[str, int], *, now: datetime
) -> None:
    """Take what was shipped off the shelves where a hold has it reserved.

    On hand and reserved fall alike, so what can be promised stays. Emits StockChanged. The caller
    has the order locked that the hold is bound to.
    """
    await queries.lock_items(session, packed)
    shares = take(packed, await queries.list_shares(session, hold_id))
    await _note_shipped(session, hold_id, shares)
    await session.execute(
        insert(StockMovementRow).values(
            [
                {
                    "sku": share.sku,
                    "warehouse_key": share.warehouse,
                    "kind": MovementKind.SHIPPED,
                    "quantity": -share.quantity,
                    "recorded_at": now,
                }
                for share in shares
            ]
        )
    )
    await _change_levels(session, shares, on_hand=-1, reserved=-1, now=now)


async def _note_shipped(session: AsyncSession, hold_id: str, shares: Sequence[Share]) -> None:
    sent, line = _as_table(shares, "sent"), StockReservationLineRow
    await session.execute(
        update(line)
        .where(
            line.hold_id == hold_id,
            line.sku == sent.c.sku,
            line.warehouse_key == sent.c.warehouse_key,
        )
        .values(shipped=line.shipped + sent.c.quantity)
        .execution_options(synchronize_session=False)
    )


async def _open_reservation(
    session: AsyncSession, hold_id: str, status: ReservationStatus, *, now: datetime
) -> bool:
    """Write a hold down; False when it is known. A twin still at it is waited for."""
    made = await session.execute(
        insert(StockReservationRow)
        .values(hold_id=hold_id, status=status, created_at=now, updated_at=now)
        .on_conflict_do_nothing()
        .returning(StockReservationRow.hold_id)
    )
    return made.first() is not None


async def _change_levels(
    session: AsyncSession, shares: Sequence[Share], *, on_hand: int, reserved: int, now: datetime
) -> None:
    """Add each share, times these signs, to what lies there and to what is reserved of it."""
    changed, level = _as_table(shares, "changed"), StockLevelRow
    await session.execute(
        update(level)
        .where(level.sku == changed.c.sku, level.warehouse_key == changed.c.warehouse_key)
        .values(
            on_hand=level.on_hand + on_hand * changed.c.quantity,
            reserved=level.reserved + reserved * changed.c.quantity,
            updated_at=now,
        )
    )
    sums = sum_demand((share.sku, share.quantity) for share in shares)
    await _change_items(
        session,
        {sku: (on_hand * quantity, reserved * quantity) for sku, quantity in sums.items()},
    )


def _as_table(shares: Sequence[Share], name: str) -> Any:
    """Shares as a table of a statement."""
    return (
        func.unnest(
            texts([share.sku for share in shares]),
            texts([share.warehouse for share in shares]),
            numbers([share.quantity for share in shares]),
        )
        .table_valued(
            column("sku", Text), column("warehouse_key", Text), column("quantity", BigInteger)
        )
        .render_derived(name=name)
    )


async def _change_items(session: AsyncSession, changes: Mapping[str, tuple[int, int]]) -> None:
    """Add to what lies there and to what is reserved of locked SKUs, and tell of it."""
    change: Any = (
        func.unnest(
            texts(changes),
            numbers([on_hand for on_hand, _ in changes.values()]),
            numbers([reserved for _, reserved in changes.values()]),
        )
        .table_valued(
            column("sku", Text), column("on_hand", BigInteger), column("reserved", BigInteger)
        )
        .render_derived(name="change")
    )
    item = StockItemRow
    changed = await session.execute(
        update(item)
        .where(item.sku == change.c.sku)
        .values(
            on_hand=item.on_hand + change.c.on_hand,
            reserved=item.reserved + change.c.reserved,
            sequence=item.sequence + 1,
        )
        .returning(item.sku, item.on_hand, item.reserved, item.sequence)
    )
    facts = sorted((as_stock_facts(row) for row in changed), key=lambda one: one.sku)
    outbox.add_items(session, StockChanged, facts, subject=lambda one: one.sku)
