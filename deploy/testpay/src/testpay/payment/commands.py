"""Writes of payments. Each is done once under its key; a repeat changes nothing."""

import hashlib
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.ids import new_id
from contracts.money import Money
from contracts.testpay import (
    AuthorisePayment,
    LedgerEntryKind,
    ProviderPaymentStatus,
)
from testpay.errors import (
    KeyReused,
    NotCapturable,
    NotRefundable,
    NotVoidable,
    PaymentKnown,
    PaymentUnknown,
)
from testpay.payment.domain import card_of, left_to_capture, left_to_refund
from testpay.payment.queries import sum_entries
from testpay.payment.tables import EntryRow, NoticeRow, PaymentRow, RequestRow


async def authorise_payment(
    session: AsyncSession, asked: AuthorisePayment, *, key: str, pending: timedelta, now: datetime
) -> bool:
    """Reserve the amount, refuse it, or leave it pending for a while; whether this was no repeat.

    A reference that was voided before it came stays voided. Raises KeyReused, PaymentKnown.
    """
    if not await _is_new(session, key, f"authorise {asked.model_dump_json()}", now):
        return False
    card = card_of(asked.token)
    status = ProviderPaymentStatus.PENDING if card.is_late else card.result
    made = await session.scalar(
        insert(PaymentRow)
        .values(
            reference=asked.reference,
            status=status,
            amount_minor=asked.amount.minor,
            currency=asked.amount.currency,
            token=asked.token,
            settles_at=now + pending if card.is_late else None,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(PaymentRow)
    )
    if made is None:
        there = await _lock(session, asked.reference)
        if there.amount_minor is not None:
            raise PaymentKnown(asked.reference)
    elif status is ProviderPaymentStatus.AUTHORISED:
        _book(session, made, LedgerEntryKind.AUTHORISE, asked.amount.minor, now)
    return True


async def move_payment(
    session: AsyncSession,
    reference: str,
    amount: Money,
    *,
    kind: Literal[LedgerEntryKind.CAPTURE, LedgerEntryKind.REFUND],
    key: str,
    now: datetime,
) -> None:
    """Capture some of what was authorised, or refund some of what was captured.

    Raises PaymentUnknown, NotCapturable, NotRefundable, KeyReused.
    """
    if not await _is_new(session, key, f"{kind} {reference} {amount}", now):
        return
    row = await _lock(session, reference)
    sums = await sum_entries(session, reference)
    is_capture = kind is LedgerEntryKind.CAPTURE
    minor = left_to_capture(sums) if is_capture else left_to_refund(sums)
    left = Money(minor, row.currency or amount.currency)
    if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
        raise NotCapturable(left) if is_capture else NotRefundable(left)
    _book(session, row, kind, amount.minor, now)


async def void_payment(session: AsyncSession, reference: str, *, key: str, now: datetime) -> None:
    """Give back what was authorised; one that never came is refused from now on.

    Raises NotVoidable when some of it was captured, KeyReused.
    """
    if not await _is_new(session, key, f"void {reference}", now):
        return
    await session.execute(
        insert(PaymentRow)
        .values(reference=reference, status=ProviderPaymentStatus.VOIDED, created_at=now)
        .on_conflict_do_nothing()
    )
    row = await _lock(session, reference)
    sums = await sum_entries(session, reference)
    if sums[LedgerEntryKind.CAPTURE]:
        raise NotVoidable
    if row.status == ProviderPaymentStatus.DECLINED:
        return
    row.status = ProviderPaymentStatus.VOIDED
    row.settles_at = None
    if left_to_capture(sums):
        _book(session, row, LedgerEntryKind.VOID, left_to_capture(sums), now)


async def settle_payments(session: AsyncSession, *, now: datetime) -> int:
    """Give every payment whose time has come its result, and note to tell it; how many."""
    due = select(PaymentRow).where(PaymentRow.settles_at <= now).with_for_update(skip_locked=True)
    rows = (await session.scalars(due)).all()
    for row in rows:
        card = card_of(row.token or "")
        row.status, row.settles_at = card.result, None
        if card.result is ProviderPaymentStatus.AUTHORISED:
            _book(session, row, LedgerEntryKind.AUTHORISE, row.amount_minor or 0, now)
        notice = NoticeRow(
            id=new_id(),
            reference=row.reference,
            settled_at=now,
            times=card.notices,
            attempts=0,
            next_attempt_at=now,
        )
        session.add(notice)
    return len(rows)


async def _is_new(session: AsyncSession, key: str, request: str, now: datetime) -> bool:
    """Whether the key was never used; a twin at the same moment is waited for."""
    fingerprint = hashlib.sha256(request.encode()).digest()
    claimed = await session.scalar(
        insert(RequestRow)
        .values(key=key, fingerprint=fingerprint, created_at=now)
        .on_conflict_do_nothing()
        .returning(RequestRow.key)
    )
    if claimed is not None:
        return True
    used = await session.scalar(select(RequestRow.fingerprint).where(RequestRow.key == key))
    if used != fingerprint:
        raise KeyReused
    return False


async def _lock(session: AsyncSession, reference: str) -> PaymentRow:
    row = await session.get(PaymentRow, reference, with_for_update=True, populate_existing=True)
    if row is None:
        raise PaymentUnknown(reference)
    return row


def _book(
    session: AsyncSession, row: PaymentRow, kind: LedgerEntryKind, minor: int, now: datetime
) -> None:
    entry = EntryRow(reference=row.reference, kind=kind, amount_minor=minor, booked_at=now)
    session.add(entry)
