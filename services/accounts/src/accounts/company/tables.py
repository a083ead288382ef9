"""The table of companies."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class CompanyRow(Base):
    """A company. Its lock comes before that of anything that is the company's, and of groups."""

    __tablename__ = "companies"
    __table_args__ = (CheckConstraint("version > 0", name="version"),)

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    industry: Mapped[str | None] = mapped_column(Text)
    tier: Mapped[str | None] = mapped_column(Text)
    vat_id: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_active: Mapped[bool]
    customer_since: Mapped[datetime]
    version: Mapped[int]
    updated_at: Mapped[datetime]
