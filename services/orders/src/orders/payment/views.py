"""A payment as it crosses the border."""

from typing import Any

from contracts.money import Money
from contracts.orders import Payment, PaymentStatus


def as_payment(row: Any) -> Payment:
    """How an order is paid."""
    return Payment(
        method=row.method,
        status=PaymentStatus(row.status),
        amount=Money(row.amount_minor, row.currency),
        reference=row.reference,
    )
