"""Tables of payments, and of what was captured and refunded of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base


class PaymentRow(Base):
    """A payment that a provider authorised, under our idempotency key.

    `captured_minor` and `refunded_minor` count what the provider has done; what it is still asked
    for is in the movements.
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("status IN ('authorised', 'voided')", name="status_known"),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        CheckConstraint(
            "captured_minor BETWEEN refunded_minor AND amount_minor AND refunded_minor >= 0",
            name="moved_at_most_all",
        ),
    )

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    method: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    captured_minor: Mapped[int] = mapped_column(server_default="0")
    refunded_minor: Mapped[int] = mapped_column(server_default="0")
    currency: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PaymentMovementRow(Base):
    """Money captured or refunded, or being so; in the payment's currency."""

    __tablename__ = "payment_movements"
    __table_args__ = (
        CheckConstraint("kind IN ('capture', 'refund')", name="kind_known"),
        CheckConstraint("status IN ('pending', 'done', 'refused')", name="status_known"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index(None, "payment_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_key: Mapped[str] = mapped_column(ForeignKey(PaymentRow.key))
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
