"""Writes of orders, of their parcels, and of what members see of their placing."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, column, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.orders import (
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PlacementStatus,
    ShipOrder,
    Totals,
)
from contracts.pricing import TaxedAmount
from orders.cart.domain import CartState
from orders.db import numbers, texts
from orders.order import queries
from orders.order.domain import Agreed, Submitter, Terms, stock_hold_id
from orders.order.tables import ORDER_SERIALS, OrderLineRow, OrderRow, PlacementRow
from orders.order.views import (
    as_order_placed,
    as_order_shipped,
    as_payment_changed,
    as_placement_changed,
)
from orders.shipment import commands as shipments
from orders.shipment.domain import Ordered, pack, status_after
from orders.stock import commands as stock

_TOLD = (PlacementStatus.AWAITING_APPROVAL, PlacementStatus.PLACED, PlacementStatus.REFUSED)


async def write_order(
    session: AsyncSession,
    order_id: UUID,
    *,
    placement_id: UUID,
    cart: CartState,
    secret_hash: bytes | None,
    agreed: Agreed,
    payment_key: str | None,
    now: datetime,
    submitter: Submitter | None = None,
    terms: Terms | None = None,
    purchase_order_number: str | None = None,
) -> int:
    """Write an order as it was agreed; its serial. Emits OrderPlaced.

    A guest's has the hash of a secret, a member's its submitter; it is paid by a payment or on
    terms.
    """
    email, address = cart.email, cart.delivery_address
    if email is None or address is None:
        raise ValueError("a cart without an address passed the check")
    serial: int = await session.scalar(ORDER_SERIALS.next_value())
    row = OrderRow(
        id=order_id,
        serial=serial,
        cart_id=cart.id,
        placement_id=placement_id,
        payment_key=payment_key,
        agreement=None if terms is None else terms.agreement,
        payment_days=None if terms is None else terms.payment_days,
        purchase_order_number=purchase_order_number,
        secret_hash=secret_hash,
        **_buyer_values(submitter),
        version=1,
        status=OrderStatus.PLACED,
        store=cart.store,
        currency=cart.currency,
        country=cart.country,
        locale=cart.locale,
        email=email,
        delivery_address=address.model_dump(mode="json"),
        billing_address=(cart.billing_address or address).model_dump(mode="json"),
        delivery_method=agreed.delivery.delivery_method,
        delivery_name=agreed.delivery.name,
        **_sums(agreed.totals),
        taxes=[tax.model_dump(mode="json") for tax in agreed.totals.taxes],
        placed_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    await session.execute(
        insert(OrderLineRow),
        [
            _line_values(line, order_id=order_id, position=position)
            for position, line in enumerate(agreed.lines)
        ],
    )
    placed = as_order_placed(row, agreed.lines, agreed.totals)
    outbox.add(session, placed, subject=str(order_id), sequence=row.version)
    return serial


async def note_payment_changed(
    session: AsyncSession, order_id: UUID, payment: Payment, *, now: datetime
) -> None:
    """An order's payment is another than before. Emits PaymentChanged."""
    order = await session.get_one(OrderRow, order_id, with_for_update=True)
    order.version += 1
    order.updated_at = now
    changed = as_payment_changed(order, payment)
    outbox.add(session, changed, subject=str(order_id), sequence=order.version)


async def ship_order(
    session: AsyncSession, number: str, body: ShipOrder, *, shipment_id: UUID, now: datetime
) -> Order:
    """Ship a parcel of an order, as far as its pieces are left. Emits OrderShipped, StockChanged.

    Two at once follow each other: the order is locked first. Raises OrderNotFound,
    OrderAlreadyShipped and LinesNotShippable.
    """
    order = await queries.get_order_for_update(session, number)
    lines = await queries.list_lines(session, order.id)
    ordered = [Ordered(line.sku, line.quantity, line.shipped) for line in lines]
    packed = pack(ordered, body.lines)
    await _note_shipped(session, order.id, packed)
    await stock.ship_stock(session, stock_hold_id(order.placement_id), packed, now=now)
    shipment = await shipments.write_shipment(
        session, shipment_id, order_id=order.id, packed=packed, body=body, now=now
    )
    order.status = status_after(ordered, packed)
    order.version += 1
    order.updated_at = now
    await session.flush()
    shipped = as_order_shipped(order, shipment)
    outbox.add(session, shipped, subject=str(order.id), sequence=order.version)
    return await queries.get_whole_order(session, order.id)


async def _note_shipped(session: AsyncSession, order_id: UUID, packed: Mapping[str, int]) -> None:
    sent = (
        func.unnest(texts(packed), numbers(packed.values()))
        .table_valued(column("sku", Text), column("quantity", BigInteger))
        .render_derived(name="sent")
    )
    await session.execute(
        update(OrderLineRow)
        .where(OrderLineRow.order_id == order_id, OrderLineRow.sku == sent.c.sku)
        .values(shipped=OrderLineRow.shipped + sent.c.quantity)
        .execution_options(synchronize_session=False)
    )


async def open_placement(
    session: AsyncSession,
    placement_id: UUID,
    *,
    cart: CartState,
    submitter: Submitter,
    purchase_order_number: str | None,
    now: datetime,
) -> None:
    """Keep that a member's order is being placed."""
    await session.execute(
        insert(PlacementRow).values(
            id=placement_id,
            cart_id=cart.id,
            version=1,
            status=PlacementStatus.PENDING,
            **_buyer_values(submitter),
            purchase_order_number=purchase_order_number,
            currency=cart.currency,
            created_at=now,
            updated_at=now,
        )
    )


async def note_placement_total(
    session: AsyncSession, placement_id: UUID, total: TaxedAmount, *, now: datetime
) -> None:
    """Keep what a member's order comes to."""
    row = await session.get_one(PlacementRow, placement_id, with_for_update=True)
    row.total_net_minor = total.net.minor
    row.total_tax_minor = total.tax.minor
    row.total_gross_minor = total.gross.minor
    row.version += 1
    row.updated_at = now


async def note_placement(
    session: AsyncSession,
    placement_id: UUID,
    status: PlacementStatus,
    *,
    now: datetime,
    **facts: Any,
) -> None:
    """Keep where the placing of a member's order stands; the same again changes nothing.

    `facts` are the columns that go with the status. Emits PlacementChanged, save for what is
    pending again.
    """
    row = await session.get_one(PlacementRow, placement_id, with_for_update=True)
    if row.status == status:
        return
    row.status = status
    for name, value in facts.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await session.flush()
    if status in _TOLD:
        changed = as_placement_changed(row)
        outbox.add(session, changed, subject=str(placement_id), sequence=row.version)


def _buyer_values(submitter: Submitter | None) -> dict[str, Any]:
    if submitter is None:
        return {}
    return {
        "member_id": submitter.member_id,
        "company": submitter.company,
        "unit": submitter.units[0],
        "units": submitter.units,
    }


def _sums(totals: Totals) -> dict[str, int]:
    parts = {"items": totals.items, "delivery": totals.delivery, "total": totals.total}
    return {
        f"{name}_{kind}_minor": getattr(amount, kind).minor
        for name, amount in parts.items()
        for kind in ("net", "tax", "gross")
    }


def _line_values(line: OrderLine, *, order_id: UUID, position: int) -> dict[str, object]:
    return {
        "id": line.id,
        "order_id": order_id,
        "position": position,
        "sku": line.sku,
        "product_key": line.product_key,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": Decimal(line.unit_price.amount),
        "net_minor": line.total.net.minor,
        "tax_minor": line.total.tax.minor,
        "gross_minor": line.total.gross.minor,
    }
