"""Table of budgets; where one stands is in its ledger."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class BudgetRow(Base):
    """A budget of a unit, in the currency of its company. `version` counts its own changes."""

    __tablename__ = "budgets"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
        CheckConstraint("over_budget IN ('refuse', 'approve')", name="over_budget_known"),
        CheckConstraint("valid_from < valid_to", name="window"),
        CheckConstraint("version > 0", name="version"),
        Index(None, "company", "key"),
        Index(None, "unit"),
    )

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    company: Mapped[str] = mapped_column(CODE)
    unit: Mapped[str] = mapped_column(CODE)
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(CODE)
    over_budget: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    version: Mapped[int]
    updated_at: Mapped[datetime]
