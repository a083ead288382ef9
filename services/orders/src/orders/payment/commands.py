"""Writes of payments: what a provider answered, and what it is asked to move."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.money import Money
from contracts.orders import MovementKind, Payment
from orders.errors import MovementTooLarge
from orders.payment.domain import Authorised, MovementState, StoredStatus, left_of
from orders.payment.tables import PaymentMovementRow, PaymentRow
from orders.payment.views import as_payment


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
            status=StoredStatus.AUTHORISED,
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
        .values(status=StoredStatus.VOIDED, updated_at=now)
    )


async def book_movement(
    session: AsyncSession,
    movement_id: UUID,
    key: str,
    *,
    kind: MovementKind,
    amount: Money | None,
    now: datetime,
) -> None:
    """Set aside what is to be captured or refunded, all that is left without an amount.

    What is set aside already counts as moved, so that two at once never ask for more than there
    is. Raises MovementTooLarge.
    """
    payment = await session.get_one(PaymentRow, key, with_for_update=True)
    under_way = select(func.coalesce(func.sum(PaymentMovementRow.amount_minor), 0)).where(
        PaymentMovementRow.payment_key == key,
        PaymentMovementRow.kind == kind,
        PaymentMovementRow.status == MovementState.PENDING,
    )
    minor = left_of(
        kind,
        amount=payment.amount_minor,
        captured=payment.captured_minor,
        refunded=payment.refunded_minor,
    ) - int(await session.scalar(under_way) or 0)
    left = Money(minor, payment.currency)
    wanted = left if amount is None else amount
    if wanted.currency != left.currency or not 0 < wanted.minor <= left.minor:
        raise MovementTooLarge(kind, left)
    session.add(
        PaymentMovementRow(
            id=movement_id,
            payment_key=key,
            kind=kind,
            status=MovementState.PENDING,
            amount_minor=wanted.minor,
            currency=wanted.currency,
            created_at=now,
            updated_at=now,
        )
    )


async def note_moved(session: AsyncSession, movement_id: UUID, *, now: datetime) -> Payment:
    """Keep that the provider captured or refunded; the payment as it is then."""
    movement = await session.get_one(PaymentMovementRow, movement_id)
    payment = await session.get_one(PaymentRow, movement.payment_key, with_for_update=True)
    movement.status, movement.updated_at = MovementState.DONE, now
    if movement.kind == MovementKind.CAPTURE:
        payment.captured_minor += movement.amount_minor
    else:
        payment.refunded_minor += movement.amount_minor
    payment.updated_at = now
    return as_payment(payment)


async def note_refused(
    session: AsyncSession, movement_id: UUID, reason: str, *, now: datetime
) -> None:
    """Keep that the provider would not capture or refund."""
    movement = await session.get_one(PaymentMovementRow, movement_id)
    movement.status, movement.reason, movement.updated_at = MovementState.REFUSED, reason, now
