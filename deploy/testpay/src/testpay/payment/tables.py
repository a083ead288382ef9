"""Tables of payments. The ledger is only ever added to; the database itself guards that."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from testpay.db import Base


class PaymentRow(Base):
    """A payment. Without an amount it was voided before it came, and is refused for good."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'authorised', 'declined', 'voided')", name="status_known"
        ),
        CheckConstraint("(status = 'pending') = (settles_at IS NOT NULL)", name="pending_settles"),
        Index(None, "settles_at", postgresql_where="settles_at IS NOT NULL"),
    )

    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(Text)
    token: Mapped[str | None] = mapped_column(Text)
    settles_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class EntryRow(Base):
    """A movement of the ledger, in the payment's currency."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("kind IN ('authorise', 'capture', 'void', 'refund')", name="kind_known"),
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        Index(None, "reference"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    reference: Mapped[str] = mapped_column(ForeignKey(PaymentRow.reference))
    kind: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    booked_at: Mapped[datetime]


class RequestRow(Base):
    """An idempotency key that was used, and the hash of what it was used for."""

    __tablename__ = "requests"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class NoticeRow(Base):
    """A webhook that is to be sent `times` times, until each was taken."""

    __tablename__ = "notices"
    __table_args__ = (Index(None, "next_attempt_at", postgresql_where="times > 0"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(ForeignKey(PaymentRow.reference))
    settled_at: Mapped[datetime]
    times: Mapped[int]
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
