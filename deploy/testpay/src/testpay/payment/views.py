"""A payment as it crosses the border."""

from collections.abc import Sequence
from typing import Any

from contracts.money import Money
from contracts.testpay import (
    LedgerEntry,
    LedgerEntryKind,
    PaymentNotice,
    ProviderPayment,
    ProviderPaymentStatus,
)
from testpay.payment.domain import card_of
from testpay.payment.tables import NoticeRow, PaymentRow


def as_payment(row: PaymentRow, entries: Sequence[Any]) -> ProviderPayment:
    """A payment with its ledger."""
    status = ProviderPaymentStatus(row.status)
    is_declined = status is ProviderPaymentStatus.DECLINED
    currency = row.currency or ""
    return ProviderPayment(
        reference=row.reference,
        status=status,
        amount=None if row.amount_minor is None else Money(row.amount_minor, currency),
        reason=card_of(row.token or "").reason if is_declined else None,
        entries=[
            LedgerEntry(
                kind=LedgerEntryKind(entry.kind),
                amount=Money(entry.amount_minor, currency),
                booked_at=entry.booked_at,
            )
            for entry in entries
        ],
    )


def as_notice(row: NoticeRow) -> PaymentNotice:
    """The body of a webhook."""
    return PaymentNotice(type="payment.settled", timestamp=row.settled_at, reference=row.reference)
