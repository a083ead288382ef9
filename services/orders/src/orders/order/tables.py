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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base

ORDER_SERIALS = Sequence("order_serials", start=1_000_001, metadata=Base.metadata)
"""Gives order numbers; one that was taken by a transaction that failed is never given again."""


class OrderRow(Base):
    """An order as it was placed, and where it stands.

    A guest's is opened by a secret; a member's is seen by them, by approvers of any of `units`
    (their unit and those above it, as they were), and by admins of the company.
    """

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
        CheckConstraint(
            "status IN ('placed', 'partially_shipped', 'shipped')", name="status_known"
        ),
        CheckConstraint("num_nulls(member_id, company, unit, units) IN (0, 4)", name="whole_buyer"),
        CheckConstraint(
            "member_id IS NOT NULL OR secret_hash IS NOT NULL", name="somebody_opens_it"
        ),
        CheckConstraint(
            "(payment_key IS NULL) = (agreement IS NOT NULL)"
            " AND (agreement IS NULL) = (payment_days IS NULL)",
            name="paid_at_once_or_on_terms",
        ),
        Index(None, "company", "serial"),
        Index(None, "member_id", "serial"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    serial: Mapped[int] = mapped_column(unique=True)
    cart_id: Mapped[UUID] = mapped_column(unique=True)
    placement_id: Mapped[UUID] = mapped_column(unique=True)
    payment_key: Mapped[str | None] = mapped_column(Text)
    agreement: Mapped[str | None] = mapped_column(Text)
    payment_days: Mapped[int | None]
    purchase_order_number: Mapped[str | None] = mapped_column(Text)
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    member_id: Mapped[UUID | None]
    company: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str | None] = mapped_column(Text)
    units: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
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
    """A line of an order; nothing of it changes but how many of its pieces were shipped."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("net_minor + tax_minor = gross_minor", name="total"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("shipped BETWEEN 0 AND quantity", name="shipped_at_most_all"),
        Index(None, "order_id", "position"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey(OrderRow.id))
    position: Mapped[int]
    sku: Mapped[str] = mapped_column(Text)
    product_key: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    shipped: Mapped[int] = mapped_column(server_default="0")
    unit_price: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]


class PlacementRow(Base):
    """The placing of a member's order as they see it: written with the steps of its process.

    It stays when the process is forgotten. `total_*` are known once they were checked.
    """

    __tablename__ = "placements"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'awaiting_approval', 'placed', 'refused')", name="status_known"
        ),
        CheckConstraint(
            "(status = 'placed') = (order_number IS NOT NULL)", name="placed_has_a_number"
        ),
        CheckConstraint("(status = 'refused') = (problem IS NOT NULL)", name="refused_says_why"),
        CheckConstraint(
            "status <> 'awaiting_approval' OR approval_request_id IS NOT NULL",
            name="awaits_a_request",
        ),
        CheckConstraint(
            "num_nulls(total_net_minor, total_tax_minor, total_gross_minor) IN (0, 3)",
            name="whole_total",
        ),
        CheckConstraint("total_net_minor + total_tax_minor = total_gross_minor", name="total"),
        Index(None, "company", "id"),
        Index(None, "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    cart_id: Mapped[UUID]
    version: Mapped[int]
    status: Mapped[str] = mapped_column(Text)
    member_id: Mapped[UUID]
    company: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    units: Mapped[list[str]] = mapped_column(ARRAY(Text))
    purchase_order_number: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    total_net_minor: Mapped[int | None]
    total_tax_minor: Mapped[int | None]
    total_gross_minor: Mapped[int | None]
    approval_request_id: Mapped[str | None] = mapped_column(Text)
    order_number: Mapped[str | None] = mapped_column(Text)
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
