"""Tables of customer groups and of who is, or was, in them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class CustomerGroupRow(Base):
    """A group. Its lock comes after those of companies.

    `evaluated_to` is null where everybody is where the group says; otherwise it was changed, and
    companies up to that key have been tried so far.
    """

    __tablename__ = "customer_groups"
    __table_args__ = (
        CheckConstraint("rule IS NULL OR companies = '{}'", name="by_rule_or_by_hand"),
        CheckConstraint("version > 0", name="version"),
    )

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    rule: Mapped[str | None] = mapped_column(Text)
    companies: Mapped[list[str]] = mapped_column(ARRAY(CODE))
    evaluated_to: Mapped[str | None] = mapped_column(CODE)
    version: Mapped[int]
    updated_at: Mapped[datetime]


class GroupMembershipRow(Base):
    """That a company is in a group, or was once: `version` counts its entries and exits."""

    __tablename__ = "group_memberships"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint(
            "reason IN ('rule_changed', 'facts_changed', 'by_hand')", name="reason_known"
        ),
        Index("ix_group_memberships_members", "group_key", "company", postgresql_where="is_member"),
    )

    company: Mapped[str] = mapped_column(CODE, primary_key=True)
    group_key: Mapped[str] = mapped_column(CODE, ForeignKey(CustomerGroupRow.key), primary_key=True)
    is_member: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    changed_at: Mapped[datetime]
