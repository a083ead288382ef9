"""Rows of quantity rules."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from pricing.db import CODE, Base


class QuantityRuleRow(Base):
    """A rule for a SKU, in some stores or all of them."""

    __tablename__ = "quantity_rules"
    __table_args__ = (
        CheckConstraint("minimum >= 1 AND multiple >= 1 AND maximum >= 1", name="whole_pieces"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_quantity_rules_sku", "sku"),
    )

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    sku: Mapped[str] = mapped_column(CODE)
    stores: Mapped[list[str]] = mapped_column(ARRAY(CODE))
    minimum: Mapped[int]
    maximum: Mapped[int | None]
    multiple: Mapped[int]
    version: Mapped[int]
    updated_at: Mapped[datetime]
