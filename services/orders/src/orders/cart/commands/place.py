"""A cart is placed: frozen while a process has it in hand, then open again or ordered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.orders import CartStatus
from orders.cart import domain, queries
from orders.cart.domain import CartState
from orders.cart.tables import CartRow


async def begin_placing(
    session: AsyncSession, cart_id: UUID, *, placement_id: UUID, now: datetime
) -> CartState:
    """Freeze an open cart: from now on a process has it in hand.

    Raises CartBeingPlaced, CartAlreadyOrdered.
    """
    await session.execute(select(CartRow.id).where(CartRow.id == cart_id).with_for_update())
    cart = await queries.get_cart_of_placing(session, cart_id)
    domain.require_open(cart)
    await _set_status(
        session, cart_id, now=now, status=CartStatus.PLACING, placement_id=placement_id
    )
    return cart


async def reopen_cart(
    session: AsyncSession, cart_id: UUID, *, placement_id: UUID, now: datetime
) -> None:
    """Give a cart back that this process had in hand; again changes nothing."""
    await _set_status(
        session,
        cart_id,
        _is_placed_by(placement_id),
        now=now,
        status=CartStatus.OPEN,
        placement_id=None,
    )


async def end_placing(
    session: AsyncSession, cart_id: UUID, *, placement_id: UUID, order_number: str, now: datetime
) -> None:
    """Note which order a cart became."""
    await _set_status(
        session,
        cart_id,
        _is_placed_by(placement_id),
        now=now,
        status=CartStatus.ORDERED,
        order_number=order_number,
    )


def _is_placed_by(placement_id: UUID) -> Any:
    return (CartRow.placement_id == placement_id) & (CartRow.status == CartStatus.PLACING)


async def _set_status(
    session: AsyncSession, cart_id: UUID, *conditions: Any, now: datetime, **values: Any
) -> None:
    await session.execute(
        update(CartRow)
        .where(CartRow.id == cart_id, *conditions)
        .values(version=CartRow.version + 1, updated_at=now, **values)
        .execution_options(synchronize_session=False)
    )
