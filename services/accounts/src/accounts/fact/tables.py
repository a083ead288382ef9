"""Tables of what orders say of companies: each order once, and the sums of a company."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class OrderFactRow(Base):
    """An order that a company placed; `spend_minor` is 0 for one in another currency than its."""

    __tablename__ = "order_facts"
    __table_args__ = (
        CheckConstraint("spend_minor >= 0", name="spend_not_negative"),
        Index(None, "company", "placed_at", postgresql_include=["spend_minor"]),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(CODE)
    placed_at: Mapped[datetime]
    spend_minor: Mapped[int]


class CompanyFactsRow(Base):
    """The sums of a company's orders; changed only together with an order that is new."""

    __tablename__ = "company_facts"
    __table_args__ = (
        CheckConstraint("orders > 0", name="orders_positive"),
        CheckConstraint("lifetime_spend_minor >= 0", name="spend_not_negative"),
    )

    company: Mapped[str] = mapped_column(CODE, primary_key=True)
    orders: Mapped[int]
    lifetime_spend_minor: Mapped[int]
    last_order_at: Mapped[datetime]
