"""How a cart becomes rows: whole when it is new, else what differs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, column, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from orders.cart.domain import CartState, Line
from orders.cart.tables import CartLineRow, CartRow
from orders.db import numbers, uuids


async def write_cart(
    session: AsyncSession, before: CartState, after: CartState, *, now: datetime
) -> bool:
    """Write what differs, if the cart is still at the version that was read; whether it was."""
    written = await session.execute(
        update(CartRow)
        .where(CartRow.id == before.id, CartRow.version == before.version)
        .values(version=before.version + 1, **_values(after, now=now))
        .returning(CartRow.id)
        .execution_options(synchronize_session=False)
    )
    if written.first() is None:
        return False
    old = {line.id: line for line in before.lines}
    new = {line.id: line for line in after.lines}
    await _delete_lines(session, [line_id for line_id in old if line_id not in new])
    await _insert_lines(session, after.id, [new[line_id] for line_id in new if line_id not in old])
    await _update_lines(
        session, [line for line in after.lines if line.id in old and old[line.id] != line]
    )
    return True


def _values(cart: CartState, *, now: datetime) -> dict[str, Any]:
    buyer, delivery_to, billed_to = cart.buyer, cart.delivery_address, cart.billing_address
    return {
        "member_id": cart.member_id,
        "company": None if buyer is None else buyer.company,
        "unit": None if buyer is None else buyer.unit,
        "store": cart.store,
        "currency": cart.currency,
        "country": cart.country,
        "locale": cart.locale,
        "email": cart.email,
        "delivery_address": None if delivery_to is None else delivery_to.model_dump(mode="json"),
        "billing_address": None if billed_to is None else billed_to.model_dump(mode="json"),
        "delivery_method": cart.delivery_method,
        "updated_at": now,
    }


async def _insert_lines(session: AsyncSession, cart_id: UUID, lines: Sequence[Line]) -> None:
    if lines:
        await session.execute(
            insert(CartLineRow),
            [
                {"id": line.id, "cart_id": cart_id, "sku": line.sku, "quantity": line.quantity}
                for line in lines
            ],
        )


async def _update_lines(session: AsyncSession, lines: Sequence[Line]) -> None:
    if not lines:
        return
    changed = (
        func.unnest(
            uuids([line.id for line in lines]),
            numbers([line.quantity for line in lines]),
        )
        .table_valued(column("id", Uuid()), column("quantity", BigInteger))
        .render_derived(name="changed")
    )
    await session.execute(
        update(CartLineRow)
        .where(CartLineRow.id == changed.c.id)
        .values(quantity=changed.c.quantity)
        .execution_options(synchronize_session=False)
    )


async def _delete_lines(session: AsyncSession, line_ids: Sequence[UUID]) -> None:
    if line_ids:
        await session.execute(
            delete(CartLineRow)
            .where(CartLineRow.id == func.any(uuids(line_ids)))
            .execution_options(synchronize_session=False)
        )


async def insert_cart(
    session: AsyncSession, cart: CartState, *, secret_hash: bytes | None, now: datetime
) -> None:
    """Write a new cart: a guest's with the hash of its secret, or a member's without."""
    await session.execute(
        insert(CartRow).values(
            id=cart.id,
            secret_hash=secret_hash,
            version=cart.version,
            status=cart.status,
            created_at=now,
            **_values(cart, now=now),
        )
    )
    await _insert_lines(session, cart.id, cart.lines)
