"""Reads of orders."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis.paging import decode_cursor, encode_cursor
from chassis.process import DONE, ProcessRow
from chassis.runtime import Runtime
from contracts.orders import Order, Placement, PlacementStatus
from contracts.paging import Page
from orders.cart import queries as carts
from orders.cart.secret import opens
from orders.db import uuids
from orders.errors import OrderNotFound, PlacementNotFound
from orders.order.domain import serial_of
from orders.order.tables import OrderLineRow, OrderRow
from orders.order.views import as_order, as_placement, refusal_of
from orders.payment import queries as payments

Source = AsyncConnection | AsyncSession
_ORDERS = select(*OrderRow.__table__.columns)
_LINES = select(*OrderLineRow.__table__.columns).order_by(
    OrderLineRow.order_id, OrderLineRow.position
)


async def get_order(
    source: Source, number: str, *, secret: str | None, may_read_all: bool
) -> Order:
    """An order that the secret opens, or any for who may read all. Raises OrderNotFound."""
    serial = serial_of(number)
    if serial is None:
        raise OrderNotFound
    row = (await source.execute(_ORDERS.where(OrderRow.serial == serial))).one_or_none()
    if row is None or not (may_read_all or opens(secret, row.secret_hash)):
        raise OrderNotFound
    return (await _whole(source, [row]))[0]


async def get_placement(runtime: Runtime, placement_id: UUID, *, secret: str | None) -> Placement:
    """A placing whose cart the secret opens. Raises PlacementNotFound.

    Its process is forgotten some months after its end; an order it came to tells it for ever.
    """
    async with runtime.sessions() as session:
        row = await session.get(ProcessRow, placement_id)
        if row is None:
            return await _get_placement_of_order(session, placement_id, secret=secret)
        secret_hash = await carts.get_secret_hash(session, UUID(row.data["cart_id"]))
        if not opens(secret, secret_hash):
            raise PlacementNotFound
        order = await find_order_of_placing(session, row.id)
    return as_placement(row, order)


async def get_placed(runtime: Runtime, row: ProcessRow) -> Placement:
    """How a placing stands. Raises the problem that it was refused for."""
    if (problem := refusal_of(row)) is not None:
        raise problem
    if row.status != DONE:
        return as_placement(row, None)
    async with runtime.reader.connect() as connection:
        return as_placement(row, await find_order_of_placing(connection, row.id))


async def _get_placement_of_order(
    session: AsyncSession, placement_id: UUID, *, secret: str | None
) -> Placement:
    found = await session.execute(_ORDERS.where(OrderRow.placement_id == placement_id))
    row = found.one_or_none()
    if row is None or not opens(secret, row.secret_hash):
        raise PlacementNotFound
    order = (await _whole(session, [row]))[0]
    return Placement(id=placement_id, status=PlacementStatus.PLACED, order=order)


async def find_order_of_placing(source: Source, placement_id: UUID) -> Order | None:
    """The order that a placing came to, if it did."""
    found = await source.execute(_ORDERS.where(OrderRow.placement_id == placement_id))
    row = found.one_or_none()
    return None if row is None else (await _whole(source, [row]))[0]


@dataclass(frozen=True, slots=True)
class Paid:
    """An order and its payment."""

    order_id: UUID
    payment_key: str


async def get_paid(source: Source, number: str) -> Paid:
    """Which payment an order has. Raises OrderNotFound."""
    statement = select(OrderRow.id, OrderRow.payment_key).where(
        OrderRow.serial == serial_of(number)
    )
    row = (await source.execute(statement)).one_or_none()
    if row is None:
        raise OrderNotFound
    return Paid(*row)


async def list_orders(source: Source, *, limit: int, after: str | None) -> Page[Order]:
    """All orders, the newest first."""
    statement = _ORDERS.order_by(OrderRow.serial.desc()).limit(limit + 1)
    if after is not None:
        (serial,) = decode_cursor(after, int)
        statement = statement.where(OrderRow.serial < serial)
    rows = (await source.execute(statement)).all()
    more = encode_cursor(rows[limit - 1].serial) if len(rows) > limit else None
    return Page(items=await _whole(source, rows[:limit]), next=more)


async def _whole(source: Source, rows: Sequence[Row[Any]]) -> list[Order]:
    lines = defaultdict(list)
    order_ids = uuids([row.id for row in rows])
    for line in await source.execute(_LINES.where(OrderLineRow.order_id == func.any(order_ids))):
        lines[line.order_id].append(line)
    paid = await payments.find_payments(source, [row.payment_key for row in rows])
    return [as_order(row, lines[row.id], paid[row.payment_key]) for row in rows]
