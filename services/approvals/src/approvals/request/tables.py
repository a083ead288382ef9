"""The table of requests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from approvals.db import Base

_ENDED = "('approved', 'rejected', 'withdrawn', 'timed_out')"


class RequestRow(Base):
    """A request and where it stands.

    `asked` is what was sent, word for word, to know a repeat by. Null: it was withdrawn before it
    came (a tombstone), and nothing else is known of it.
    """

    __tablename__ = "approval_requests"
    __table_args__ = (
        CheckConstraint(
            "status IN ('not_needed', 'pending', 'approved', 'rejected', 'withdrawn', 'timed_out')",
            name="status_known",
        ),
        CheckConstraint(f"(status IN {_ENDED}) = (decided_at IS NOT NULL)", name="ended_when"),
        CheckConstraint(
            "(status IN ('approved', 'rejected')) = (decided_by IS NOT NULL)", name="by_somebody"
        ),
        CheckConstraint("decided_by <> member_id", name="by_somebody_else"),
        CheckConstraint("asked IS NOT NULL OR status = 'withdrawn'", name="tombstone"),
        CheckConstraint("(asked IS NULL) = (member_id IS NULL)", name="asked_by_a_member"),
        Index("ix_approval_requests_pending", "expires_at", postgresql_where="status = 'pending'"),
        Index("ix_approval_requests_company", "company", "created_at", "id"),
        Index("ix_approval_requests_created_at", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    asked: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    company: Mapped[str | None] = mapped_column(Text(collation="C"))
    units: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    member_id: Mapped[UUID | None]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_escalated: Mapped[bool]
    status: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[UUID | None]
    comment: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
