"""Tables of orders. The database itself guards that an order's sums add up."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Numeric,
    Sequence,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base

ORDER_SERIALS = Sequence("order_serials", start=1_000_001, metadata=Base.metadata)
"""Gives order numbers; one that was taken by a transaction that failed is never given again."""


class OrderRow(Base):
    """An order as it was placed, and where it stands."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("items_net_minor + items_tax_minor = items_gross_minor", name="items"),
        CheckConstraint(
            "delivery_net_minor + delivery_tax_minor = delivery_gross_minor", name="delivery"
        ),
        CheckConstraint(
            "total_net_minor = items_net_minor + delivery_net_minor"
            " AND total_tax_minor = items_tax_minor + delivery_tax_minor"
            " AND total_gross_minor = items_gross_minor + delivery_gross_minor",
            name="total",
        ),
        CheckConstraint("status IN ('placed')", name="status_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    serial: Mapped[int] = mapped_column(unique=True)
    cart_id: Mapped[UUID] = mapped_column(unique=True)
    placement_id: Mapped[UUID] = mapped_column(unique=True)
    payment_key: Mapped[str] = mapped_column(Text)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[int]
    status: Mapped[str] = mapped_column(Text)
    store: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    delivery_address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    billing_address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    delivery_method: Mapped[str] = mapped_column(Text)
    delivery_name: Mapped[str] = mapped_column(Text)
    items_net_minor: Mapped[int]
    items_tax_minor: Mapped[int]
    items_gross_minor: Mapped[int]
    delivery_net_minor: Mapped[int]
    delivery_tax_minor: Mapped[int]
    delivery_gross_minor: Mapped[int]
    total_net_minor: Mapped[int]
    total_tax_minor: Mapped[int]
    total_gross_minor: Mapped[int]
    taxes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    placed_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderLineRow(Base):
    """A line of an order; it never changes."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("net_minor + tax_minor = gross_minor", name="total"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index(None, "order_id", "position"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey(OrderRow.id))
    position: Mapped[int]
    sku: Mapped[str] = mapped_column(Text)
    product_key: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
