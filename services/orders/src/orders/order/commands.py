"""Writes of orders."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.orders import OrderLine, OrderStatus, Payment, Totals
from orders.cart.domain import CartState
from orders.order.domain import Agreed
from orders.order.tables import ORDER_SERIALS, OrderLineRow, OrderRow
from orders.order.views import as_order_placed, as_payment_changed


async def write_order(
    session: AsyncSession,
    order_id: UUID,
    *,
    placement_id: UUID,
    cart: CartState,
    secret_hash: bytes,
    agreed: Agreed,
    payment_key: str,
    now: datetime,
) -> int:
    """Write an order as it was agreed; its serial. Emits OrderPlaced."""
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
        secret_hash=secret_hash,
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
