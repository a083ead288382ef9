"""Payments and movements as they cross the border."""

from typing import Any

from contracts.money import Money
from contracts.orders import MovementKind, MovementStatus, Payment, PaymentMovement
from orders.payment.domain import status_of


def as_payment(row: Any) -> Payment:
    """How an order is paid."""
    return Payment(
        method=row.method,
        status=status_of(captured=row.captured_minor, refunded=row.refunded_minor),
        amount=Money(row.amount_minor, row.currency),
        captured=Money(row.captured_minor, row.currency),
        refunded=Money(row.refunded_minor, row.currency),
        reference=row.reference,
    )


def as_movement(row: Any) -> PaymentMovement:
    """Money taken or given back. One that the provider refused is told as a problem instead."""
    return PaymentMovement(
        id=row.id,
        kind=MovementKind(row.kind),
        status=MovementStatus(row.status),
        amount=Money(row.amount_minor, row.currency),
    )
