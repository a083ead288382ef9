"""The table of stores."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.db import Base


class StoreRow(Base):
    """One portal. The first currency, locale and country are its defaults."""

    __tablename__ = "stores"
    __table_args__ = (
        CheckConstraint("audience IN ('d2c', 'b2b')", name="audience"),
        CheckConstraint("tax_display IN ('gross', 'net')", name="tax_display"),
    )

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    name: Mapped[dict[str, str]] = mapped_column(JSONB)
    audience: Mapped[str] = mapped_column(Text)
    currencies: Mapped[list[str]] = mapped_column(ARRAY(Text))
    locales: Mapped[list[str]] = mapped_column(ARRAY(Text))
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text))
    tax_display: Mapped[str] = mapped_column(Text)
    default_assortment: Mapped[str | None] = mapped_column(
        Text(collation="C"), ForeignKey("assortments.key")
    )
    version: Mapped[int]
    updated_at: Mapped[datetime]
