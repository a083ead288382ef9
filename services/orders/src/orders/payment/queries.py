"""Reads of payments."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from contracts.orders import Payment
from orders.db import texts
from orders.payment.tables import PaymentRow
from orders.payment.views import as_payment


async def find_payments(
    source: AsyncConnection | AsyncSession, keys: Collection[str]
) -> dict[str, Payment]:
    """Payments by their key."""
    if not keys:
        return {}
    row = PaymentRow
    found = await source.execute(
        select(
            row.key, row.method, row.status, row.amount_minor, row.currency, row.reference
        ).where(row.key == func.any(texts(keys)))
    )
    return {payment.key: as_payment(payment) for payment in found}
