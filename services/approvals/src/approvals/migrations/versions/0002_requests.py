"""Requests and how they stand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")
TIME = postgresql.TIMESTAMP(timezone=True)
ENDED = "('approved', 'rejected', 'withdrawn', 'timed_out')"


def upgrade() -> None:
    op.create_table(
        "approval_requests",
        sa.Column("id", CODE, nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("company", CODE, nullable=True),
        sa.Column("units", postgresql.ARRAY(CODE), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_escalated", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.CheckConstraint(
            "status IN ('not_needed', 'pending', 'approved', 'rejected', 'withdrawn', 'timed_out')",
            name=op.f("ck_approval_requests_status_known"),
        ),
        sa.CheckConstraint(
            f"(status IN {ENDED}) = (decided_at IS NOT NULL)",
            name=op.f("ck_approval_requests_ended_when"),
        ),
        sa.CheckConstraint(
            "(status IN ('approved', 'rejected')) = (decided_by IS NOT NULL)",
            name=op.f("ck_approval_requests_by_somebody"),
        ),
        sa.CheckConstraint(
            "decided_by <> member_id", name=op.f("ck_approval_requests_by_somebody_else")
        ),
        sa.CheckConstraint(
            "asked IS NOT NULL OR status = 'withdrawn'", name=op.f("ck_approval_requests_tombstone")
        ),
        sa.CheckConstraint(
            "(asked IS NULL) = (member_id IS NULL)",
            name=op.f("ck_approval_requests_asked_by_a_member"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approval_requests"),
    )
    op.create_index(
        "ix_approval_requests_pending",
        "approval_requests",
        ["expires_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_approval_requests_company", "approval_requests", ["company", "created_at", "id"]
    )
    op.create_index("ix_approval_requests_created_at", "approval_requests", ["created_at", "id"])
