"""Table of holds. What a hold took of which ledger stands in the ledgers' entries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class HoldRow(Base):
    """A hold as it was asked for and what came of it.

    One that was released before it came has no `request`: it stays as a tombstone, so that the
    late hold is refused.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('granted', 'needs_approval', 'refused', 'released', 'settled')",
            name="outcome_known",
        ),
        CheckConstraint("request IS NOT NULL OR outcome = 'released'", name="asked_or_tombstone"),
        CheckConstraint("(outcome = 'settled') = (order_number IS NOT NULL)", name="order_settles"),
        CheckConstraint("(outcome = 'refused') = (problem IS NOT NULL)", name="refused_has_reason"),
    )

    id: Mapped[str] = mapped_column(CODE, primary_key=True)
    request: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    member_id: Mapped[UUID | None]
    company: Mapped[str | None] = mapped_column(CODE)
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(CODE)
    outcome: Mapped[str] = mapped_column(Text)
    over: Mapped[list[str]] = mapped_column(ARRAY(Text))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    agreement: Mapped[str | None] = mapped_column(CODE)
    payment_days: Mapped[int | None]
    order_number: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
