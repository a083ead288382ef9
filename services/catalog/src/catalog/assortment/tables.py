"""Tables of assortments: the assortment as it was put, and its rules and targets to look up by."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.db import Base


class AssortmentRow(Base):
    """An assortment. `id` is its tag on products; `include` is NULL where it takes everything."""

    __tablename__ = "assortments"

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    id: Mapped[int] = mapped_column(Integer, Identity(always=True), unique=True)
    name: Mapped[str] = mapped_column(Text)
    stores: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    include: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    exclude: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    assignments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    version: Mapped[int]
    updated_at: Mapped[datetime]


class ClauseRow(Base):
    """One thing that an assortment's rules name, found by that thing when products are written."""

    __tablename__ = "assortment_clauses"
    __table_args__ = (
        CheckConstraint("side IN ('include', 'exclude')", name="side"),
        CheckConstraint("kind IN ('category', 'product', 'sku')", name="kind"),
        Index("ix_assortment_clauses_key", "kind", "key"),
    )

    assortment_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("assortments.id"), primary_key=True
    )
    side: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)


class AssignmentRow(Base):
    """Whom an assortment is for, found by the buyer. `company` is that of a unit, else empty."""

    __tablename__ = "assortment_assignments"
    __table_args__ = (
        CheckConstraint("level IN ('group', 'company', 'unit', 'agreement')", name="level"),
        CheckConstraint("effect IN ('narrow', 'widen', 'exclude')", name="effect"),
    )

    level: Mapped[str] = mapped_column(Text, primary_key=True)
    company: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    assortment_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("assortments.id"), primary_key=True, index=True
    )
    effect: Mapped[str] = mapped_column(Text, primary_key=True)
