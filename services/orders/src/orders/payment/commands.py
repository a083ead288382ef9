"""Writes of payments: what a provider answered."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.money import Money
from orders.payment.domain import Authorised, PaymentStatus
from orders.payment.tables import PaymentRow


async def note_authorised(
    session: AsyncSession,
    key: str,
    *,
    method: str,
    amount: Money,
    authorised: Authorised,
    now: datetime,
) -> None:
    """Keep that a payment was authorised."""
    await session.execute(
        insert(PaymentRow).values(
            key=key,
            method=method,
            status=PaymentStatus.AUTHORISED,
            amount_minor=amount.minor,
            currency=amount.currency,
            reference=authorised.reference,
            created_at=now,
            updated_at=now,
        )
    )


async def note_voided(session: AsyncSession, key: str, *, now: datetime) -> None:
    """Keep that a payment was voided; one that was never authorised is not kept at all."""
    await session.execute(
        update(PaymentRow)
        .where(PaymentRow.key == key)
        .values(status=PaymentStatus.VOIDED, updated_at=now)
    )
