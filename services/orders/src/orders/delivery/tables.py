"""The table of delivery methods."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ARRAY, CheckConstraint, Index, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base


class DeliveryMethodRow(Base):
    """A way to have an order brought."""

    __tablename__ = "delivery_methods"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price_not_negative"),
        Index(None, "position", "key"),
    )

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    name: Mapped[dict[str, str]] = mapped_column(JSONB)
    description: Mapped[dict[str, str]] = mapped_column(JSONB)
    stores: Mapped[list[str]] = mapped_column(ARRAY(Text))
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text))
    price: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    currency: Mapped[str] = mapped_column(Text)
    is_tax_included: Mapped[bool]
    tax_class: Mapped[str] = mapped_column(Text)
    position: Mapped[int]
    version: Mapped[int]
    updated_at: Mapped[datetime]
