"""Tables of carts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base


class CartRow(Base):
    """A cart: what was chosen, no price.

    A guest's has a secret, of which only the SHA-256 is kept; a member's says whose it is and for
    which unit they act.
    """

    __tablename__ = "carts"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'placing', 'ordered')", name="status_known"),
        CheckConstraint(
            "(status = 'placing') <= (placement_id IS NOT NULL)", name="placing_by_a_process"
        ),
        CheckConstraint(
            "(status = 'ordered') = (order_number IS NOT NULL)", name="ordered_has_a_number"
        ),
        CheckConstraint("num_nonnulls(secret_hash, member_id) = 1", name="guests_or_members"),
        CheckConstraint(
            "num_nonnulls(member_id, company, unit) IN (0, 3)", name="member_of_a_company"
        ),
        Index(
            "ix_carts_open_of_member",
            "member_id",
            "id",
            postgresql_where="status = 'open' AND member_id IS NOT NULL",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    member_id: Mapped[UUID | None]
    company: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int]
    status: Mapped[str] = mapped_column(Text)
    store: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    delivery_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    delivery_method: Mapped[str | None] = mapped_column(Text)
    placement_id: Mapped[UUID | None]
    order_number: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CartLineRow(Base):
    """A SKU in a cart; a SKU stands in one line only."""

    __tablename__ = "cart_lines"
    __table_args__ = (
        UniqueConstraint("cart_id", "sku"),
        CheckConstraint("quantity BETWEEN 1 AND 1000000", name="quantity_allowed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    cart_id: Mapped[UUID] = mapped_column(ForeignKey(CartRow.id, ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    sku: Mapped[str] = mapped_column(Text(collation="C"))
    quantity: Mapped[int]
