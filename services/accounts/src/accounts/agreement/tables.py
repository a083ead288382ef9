"""Table of agreements."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class AgreementRow(Base):
    """An agreement with a company; its credit limit is in the company's currency."""

    __tablename__ = "agreements"
    __table_args__ = (
        CheckConstraint("credit_limit_minor >= 0", name="credit_limit_not_negative"),
        CheckConstraint("payment_days BETWEEN 0 AND 365", name="payment_days_in_a_year"),
        CheckConstraint("over_credit IN ('refuse', 'approve')", name="over_credit_known"),
        CheckConstraint("valid_from < valid_to", name="window"),
        CheckConstraint("version > 0", name="version"),
        Index(None, "company", "key"),
    )

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    company: Mapped[str] = mapped_column(CODE)
    payment_days: Mapped[int]
    credit_limit_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(CODE)
    over_credit: Mapped[str] = mapped_column(Text)
    requires_purchase_order: Mapped[bool]
    priority: Mapped[int]
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    version: Mapped[int]
    updated_at: Mapped[datetime]
