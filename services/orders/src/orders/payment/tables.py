"""The table of payments."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base


class PaymentRow(Base):
    """A payment that a provider authorised, under our idempotency key."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("status IN ('authorised', 'voided')", name="status_known"),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    )

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    method: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
