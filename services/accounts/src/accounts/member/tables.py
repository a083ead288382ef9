"""The table of members. A password is kept nowhere, only its argon2id hash."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class MemberRow(Base):
    """A person who acts for a unit. `profile_version` counts what other services are told.

    `order_limit_minor` is in the company's currency. `email_folded` is the address without its
    case: two people never share one.
    """

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("version > 0 AND profile_version > 0", name="version"),
        CheckConstraint("order_limit_minor >= 0", name="order_limit"),
        CheckConstraint("roles <@ '{buyer,approver,admin}' AND roles <> '{}'", name="roles"),
        Index("ix_members_company", "company", "key"),
        Index("ix_members_unit", "unit"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(CODE, unique=True)
    company: Mapped[str] = mapped_column(CODE, ForeignKey("companies.key"))
    unit: Mapped[str] = mapped_column(CODE, ForeignKey("units.key"))
    email: Mapped[str] = mapped_column(Text)
    email_folded: Mapped[str] = mapped_column(CODE, unique=True)
    name: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    order_limit_minor: Mapped[int | None]
    is_active: Mapped[bool]
    password_hash: Mapped[str | None] = mapped_column(Text)
    profile_version: Mapped[int]
    version: Mapped[int]
    updated_at: Mapped[datetime]
