"""The table of units."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class UnitRow(Base):
    """A part of a company. Its company is locked by whoever changes the tree."""

    __tablename__ = "units"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("parent <> key", name="not_below_itself"),
        Index("ix_units_company", "company", "key"),
        Index("ix_units_root", "company", unique=True, postgresql_where="parent IS NULL"),
    )

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    company: Mapped[str] = mapped_column(CODE, ForeignKey("companies.key"))
    name: Mapped[str] = mapped_column(Text)
    parent: Mapped[str | None] = mapped_column(CODE, ForeignKey("units.key"))
    version: Mapped[int]
    updated_at: Mapped[datetime]
