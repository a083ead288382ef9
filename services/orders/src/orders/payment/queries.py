"""Reads of payments."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from contracts.orders import Payment
from orders.db import texts
from orders.payment.tables import PaymentMovementRow, PaymentRow
from orders.payment.views import as_payment

_PAYMENTS = select(*PaymentRow.__table__.columns)


async def find_payments(
    source: AsyncConnection | AsyncSession, keys: Collection[str]
) -> dict[str, Payment]:
    """Payments by their key."""
    if not keys:
        return {}
    found = await source.execute(_PAYMENTS.where(PaymentRow.key == func.any(texts(keys))))
    return {payment.key: as_payment(payment) for payment in found}


async def get_movement(session: AsyncSession, movement_id: UUID) -> PaymentMovementRow:
    """A movement that was booked."""
    return await session.get_one(PaymentMovementRow, movement_id)
