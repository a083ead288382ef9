"""Reads of orders and of their placing. What a viewer may not see is as if it were not there."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis.paging import decode_cursor, encode_cursor
from chassis.process import DONE, ProcessRow
from chassis.runtime import Runtime
from contracts.buyers import Role
from contracts.orders import Order, OrderStatus, Placement, PlacementStatus
from contracts.paging import Page
from contracts.problems import kind_of
from orders.cart import queries as carts
from orders.cart.secret import opens
from orders.db import texts, uuids
from orders.errors import OrderNotFound, OrderOnTerms, PlacementNotFound
from orders.order.domain import GUEST_PLACING, Viewer, serial_of
from orders.order.tables import OrderLineRow, OrderRow, PlacementRow
from orders.order.views import (
    as_guest_placement,
    as_order,
    as_placement,
    as_placement_of_order,
    refusal_of,
)
from orders.payment import queries as payments
from orders.shipment import queries as shipments

Source = AsyncConnection | AsyncSession
_ORDERS = select(*OrderRow.__table__.columns)
_PLACEMENTS = select(*PlacementRow.__table__.columns)
_LINES = select(*OrderLineRow.__table__.columns).order_by(
    OrderLineRow.order_id, OrderLineRow.position
)


def _is_visible(row: type[OrderRow] | type[PlacementRow], viewer: Viewer) -> ColumnElement[bool]:
    """Whom a member's orders are shown to: them, approvers of their unit or one above it, and
    admins of the company. Nobody else sees what a secret does not open, save who may see all.
    """
    if viewer.sees_all:
        return true()
    buyer = viewer.buyer
    if buyer is None:
        return literal(False)
    is_own_company = row.company == buyer.company
    if Role.ADMIN in buyer.roles:
        return is_own_company
    is_seen: ColumnElement[bool] = row.member_id == buyer.member_id
    if Role.APPROVER in buyer.roles:
        is_seen = or_(is_seen, row.units.contains(texts(buyer.units[:1])))
    return is_own_company & is_seen


async def get_order(source: Source, number: str, viewer: Viewer) -> Order:
    """An order that the viewer sees or their secret opens. Raises OrderNotFound."""
    serial = serial_of(number)
    if serial is None:
        raise OrderNotFound
    seen = _ORDERS.add_columns(_is_visible(OrderRow, viewer).label("is_visible"))
    row = (await source.execute(seen.where(OrderRow.serial == serial))).one_or_none()
    if row is None or not (row.is_visible or _opens(viewer, row.secret_hash)):
        raise OrderNotFound
    return (await _whole(source, [row]))[0]


def _opens(viewer: Viewer, secret_hash: bytes | None) -> bool:
    return secret_hash is not None and opens(viewer.secret, secret_hash)


async def list_orders(
    source: Source,
    viewer: Viewer,
    *,
    limit: int,
    after: str | None,
    status: OrderStatus | None = None,
    company: str | None = None,
    unit: str | None = None,
) -> Page[Order]:
    """Orders that the viewer sees, the newest first."""
    statement = _ORDERS.where(_is_visible(OrderRow, viewer)).order_by(OrderRow.serial.desc())
    statement = _filter(statement, OrderRow, status=status, company=company, unit=unit)
    if after is not None:
        (serial,) = decode_cursor(after, int)
        statement = statement.where(OrderRow.serial < serial)
    rows = (await source.execute(statement.limit(limit + 1))).all()
    more = encode_cursor(rows[limit - 1].serial) if len(rows) > limit else None
    return Page(items=await _whole(source, rows[:limit]), next=more)


def _filter(
    statement: Select[*tuple[Any, ...]],
    row: type[OrderRow] | type[PlacementRow],
    *,
    status: str | None,
    company: str | None,
    unit: str | None,
) -> Select[*tuple[Any, ...]]:
    wanted = ((row.status, status), (row.company, company), (row.unit, unit))
    return statement.where(*(column == value for column, value in wanted if value is not None))


async def get_placement(runtime: Runtime, placement_id: UUID, viewer: Viewer) -> Placement:
    """A placing that the viewer sees, or whose cart their secret opens. Raises PlacementNotFound.

    A guest's process is forgotten some months after its end; an order it came to tells it for ever.
    """
    async with runtime.sessions() as session:
        found = await find_placement(session, placement_id, viewer)
        if found is not None:
            return found
        row = await session.get(ProcessRow, placement_id)
        if row is None or row.kind != GUEST_PLACING:
            return await _get_placement_of_order(session, placement_id, viewer)
        if not _opens(viewer, await carts.get_secret_hash(session, UUID(row.data["cart_id"]))):
            raise PlacementNotFound
        order = await find_order_of_placing(session, row.id)
    return as_guest_placement(row, order)


async def find_placement(source: Source, placement_id: UUID, viewer: Viewer) -> Placement | None:
    """The placing of a member's order, if the viewer sees it."""
    statement = _PLACEMENTS.where(
        PlacementRow.id == placement_id, _is_visible(PlacementRow, viewer)
    )
    row = (await source.execute(statement)).one_or_none()
    return None if row is None else (await _with_orders(source, [row]))[0]


async def list_placements(
    source: Source,
    viewer: Viewer,
    *,
    limit: int,
    after: str | None,
    status: PlacementStatus | None = None,
    company: str | None = None,
    unit: str | None = None,
) -> Page[Placement]:
    """Placings of members' orders that the viewer sees, the newest first."""
    statement = _PLACEMENTS.where(_is_visible(PlacementRow, viewer))
    statement = _filter(statement, PlacementRow, status=status, company=company, unit=unit)
    if after is not None:
        (placement_id,) = decode_cursor(after, UUID)
        statement = statement.where(PlacementRow.id < placement_id)
    found = await source.execute(statement.order_by(PlacementRow.id.desc()).limit(limit + 1))
    rows = found.all()
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=await _with_orders(source, rows[:limit]), next=more)


async def _with_orders(source: Source, rows: Sequence[Row[Any]]) -> list[Placement]:
    placed = [row.id for row in rows if row.order_number is not None]
    orders: dict[UUID, Order] = {}
    if placed:
        wanted = _ORDERS.where(OrderRow.placement_id == func.any(uuids(placed)))
        found = (await source.execute(wanted)).all()
        whole = await _whole(source, found)
        orders = {row.placement_id: order for row, order in zip(found, whole, strict=True)}
    return [as_placement(row, orders.get(row.id)) for row in rows]


async def get_outcome(runtime: Runtime, row: ProcessRow) -> Placement:
    """How a placing stands, for who submits. Raises the problem that it was refused for."""
    async with runtime.reader.connect() as connection:
        placement = await find_placement(connection, row.id, Viewer(sees_all=True))
        if placement is None:
            if (refusal := refusal_of(row)) is not None:
                raise refusal
            is_placed = row.status == DONE
            order = await find_order_of_placing(connection, row.id) if is_placed else None
            return as_guest_placement(row, order)
    if (told := placement.problem) is not None:
        raise kind_of(told.status)(
            told.detail, code=told.code, errors=told.errors, extra=told.model_extra
        )
    return placement


async def _get_placement_of_order(
    session: AsyncSession, placement_id: UUID, viewer: Viewer
) -> Placement:
    found = await session.execute(_ORDERS.where(OrderRow.placement_id == placement_id))
    row = found.one_or_none()
    if row is None or not _opens(viewer, row.secret_hash):
        raise PlacementNotFound
    order = (await _whole(session, [row]))[0]
    return as_placement_of_order(row, order)


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
    """Which payment an order has. Raises OrderNotFound and OrderOnTerms."""
    statement = select(OrderRow.id, OrderRow.payment_key).where(
        OrderRow.serial == serial_of(number)
    )
    row = (await source.execute(statement)).one_or_none()
    if row is None:
        raise OrderNotFound
    if row.payment_key is None:
        raise OrderOnTerms
    return Paid(row.id, row.payment_key)


async def get_order_for_update(session: AsyncSession, number: str) -> OrderRow:
    """An order, locked. Raises OrderNotFound."""
    statement = select(OrderRow).where(OrderRow.serial == serial_of(number)).with_for_update()
    row = await session.scalar(statement)
    if row is None:
        raise OrderNotFound
    return row


async def list_lines(session: AsyncSession, order_id: UUID) -> Sequence[Row[Any]]:
    """The lines of an order."""
    return (await session.execute(_LINES.where(OrderLineRow.order_id == order_id))).all()


async def get_whole_order(source: Source, order_id: UUID) -> Order:
    """An order as it is now."""
    row = (await source.execute(_ORDERS.where(OrderRow.id == order_id))).one()
    return (await _whole(source, [row]))[0]


async def _whole(source: Source, rows: Sequence[Row[Any]]) -> list[Order]:
    lines = defaultdict(list)
    order_ids = [row.id for row in rows]
    wanted = _LINES.where(OrderLineRow.order_id == func.any(uuids(order_ids)))
    for line in await source.execute(wanted):
        lines[line.order_id].append(line)
    keys = [row.payment_key for row in rows if row.payment_key is not None]
    paid = await payments.find_payments(source, keys)
    parcels = await shipments.list_shipments(source, order_ids)
    return [
        as_order(row, lines[row.id], paid.get(row.payment_key), parcels.get(row.id, ()))
        for row in rows
    ]
