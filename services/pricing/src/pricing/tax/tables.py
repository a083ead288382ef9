"""Rows of tax rates."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from pricing.db import CODE, Base


class TaxRateRow(Base):
    """A rate. For one country, class and moment there is at most one: writers take turns."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint("valid_from < valid_to", name="window"),
        CheckConstraint("rate BETWEEN 0 AND 1", name="rate"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_tax_rates_country", "country", "tax_class"),
    )

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    country: Mapped[str] = mapped_column(CODE)
    tax_class: Mapped[str] = mapped_column(CODE)
    rate: Mapped[Decimal] = mapped_column(Numeric(7, 6))
    name: Mapped[str]
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    version: Mapped[int]
    updated_at: Mapped[datetime]
