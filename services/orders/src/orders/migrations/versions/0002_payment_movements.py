"""What was captured and refunded of payments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Payments know what was moved of them, and by what."""
    for name in ("captured_minor", "refunded_minor"):
        op.add_column(
            "payments", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        )
    op.create_check_constraint(
        op.f("ck_payments_moved_at_most_all"),
        "payments",
        "captured_minor BETWEEN refunded_minor AND amount_minor AND refunded_minor >= 0",
    )
    op.create_table(
        "payment_movements",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("payment_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('capture', 'refund')", name=op.f("ck_payment_movements_kind_known")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'done', 'refused')",
            name=op.f("ck_payment_movements_status_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_movements_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_key"], ["payments.key"], name="fk_payment_movements_payment_key_payments"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_movements"),
    )
    op.create_index(
        "ix_payment_movements_payment_key", "payment_movements", ["payment_key"], unique=False
    )
