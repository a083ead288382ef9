"""Agreements, budgets, ledgers, holds, what orders say of companies, and customer groups."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; what moved a ledger is never changed."""
    op.create_table(
        "agreements",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("company", sa.Text(collation="C"), nullable=False),
        sa.Column("payment_days", sa.BigInteger(), nullable=False),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("over_credit", sa.Text(), nullable=False),
        sa.Column("requires_purchase_order", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("valid_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "over_credit IN ('refuse', 'approve')", name=op.f("ck_agreements_over_credit_known")
        ),
        sa.CheckConstraint(
            "credit_limit_minor >= 0", name=op.f("ck_agreements_credit_limit_not_negative")
        ),
        sa.CheckConstraint(
            "payment_days BETWEEN 0 AND 365", name=op.f("ck_agreements_payment_days_in_a_year")
        ),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_agreements_window")),
        sa.CheckConstraint("version > 0", name=op.f("ck_agreements_version")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_agreements")),
    )
    op.create_index(
        op.f("ix_agreements_company_key"), "agreements", ["company", "key"], unique=False
    )
    op.create_table(
        "budgets",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("company", sa.Text(collation="C"), nullable=False),
        sa.Column("unit", sa.Text(collation="C"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("over_budget", sa.Text(), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("valid_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "over_budget IN ('refuse', 'approve')", name=op.f("ck_budgets_over_budget_known")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_budgets_amount_not_negative")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_budgets_window")),
        sa.CheckConstraint("version > 0", name=op.f("ck_budgets_version")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budgets")),
    )
    op.create_index(op.f("ix_budgets_company_key"), "budgets", ["company", "key"], unique=False)
    op.create_index(op.f("ix_budgets_unit"), "budgets", ["unit"], unique=False)
    op.create_table(
        "company_facts",
        sa.Column("company", sa.Text(collation="C"), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("lifetime_spend_minor", sa.BigInteger(), nullable=False),
        sa.Column("last_order_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "lifetime_spend_minor >= 0", name=op.f("ck_company_facts_spend_not_negative")
        ),
        sa.CheckConstraint("orders > 0", name=op.f("ck_company_facts_orders_positive")),
        sa.PrimaryKeyConstraint("company", name=op.f("pk_company_facts")),
    )
    op.create_table(
        "customer_groups",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("companies", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("evaluated_to", sa.Text(collation="C"), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "rule IS NULL OR companies = '{}'", name=op.f("ck_customer_groups_by_rule_or_by_hand")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_customer_groups_version")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_customer_groups")),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "request", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("company", sa.Text(collation="C"), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("over", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "problem", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
        sa.Column("agreement", sa.Text(collation="C"), nullable=True),
        sa.Column("payment_days", sa.BigInteger(), nullable=True),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(outcome = 'refused') = (problem IS NOT NULL)",
            name=op.f("ck_holds_refused_has_reason"),
        ),
        sa.CheckConstraint(
            "(outcome = 'settled') = (order_number IS NOT NULL)",
            name=op.f("ck_holds_order_settles"),
        ),
        sa.CheckConstraint(
            "outcome IN ('granted', 'needs_approval', 'refused', 'released', 'settled')",
            name=op.f("ck_holds_outcome_known"),
        ),
        sa.CheckConstraint(
            "request IS NOT NULL OR outcome = 'released'", name=op.f("ck_holds_asked_or_tombstone")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_table(
        "ledgers",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("owner", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('credit', 'budget')", name=op.f("ck_ledgers_kind_known")),
        sa.CheckConstraint("held_minor >= 0", name=op.f("ck_ledgers_held_not_negative")),
        sa.CheckConstraint("used_minor >= 0", name=op.f("ck_ledgers_used_not_negative")),
        sa.PrimaryKeyConstraint("kind", "owner", name=op.f("pk_ledgers")),
    )
    op.create_table(
        "order_facts",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("company", sa.Text(collation="C"), nullable=False),
        sa.Column("placed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("spend_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("spend_minor >= 0", name=op.f("ck_order_facts_spend_not_negative")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_facts")),
    )
    op.create_index(
        op.f("ix_order_facts_company_placed_at"),
        "order_facts",
        ["company", "placed_at"],
        unique=False,
        postgresql_include=["spend_minor"],
    )
    op.create_table(
        "group_memberships",
        sa.Column("company", sa.Text(collation="C"), nullable=False),
        sa.Column("group_key", sa.Text(collation="C"), nullable=False),
        sa.Column("is_member", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('rule_changed', 'facts_changed', 'by_hand')",
            name=op.f("ck_group_memberships_reason_known"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_group_memberships_version")),
        sa.ForeignKeyConstraint(
            ["group_key"],
            ["customer_groups.key"],
            name=op.f("fk_group_memberships_group_key_customer_groups"),
        ),
        sa.PrimaryKeyConstraint("company", "group_key", name=op.f("pk_group_memberships")),
    )
    op.create_index(
        "ix_group_memberships_members",
        "group_memberships",
        ["group_key", "company"],
        unique=False,
        postgresql_where="is_member",
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("ledger", sa.Text(collation="C"), nullable=False),
        sa.Column("owner", sa.Text(collation="C"), nullable=False),
        sa.Column("hold_id", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'settled') = (order_number IS NOT NULL)",
            name=op.f("ck_ledger_entries_settled_by_order"),
        ),
        sa.CheckConstraint(
            "CASE kind"
            " WHEN 'held' THEN held_minor > 0 AND used_minor = 0"
            " WHEN 'released' THEN held_minor < 0 AND used_minor = 0"
            " WHEN 'settled' THEN held_minor < 0 AND used_minor = -held_minor"
            " ELSE false END",
            name=op.f("ck_ledger_entries_moves_as_its_kind_says"),
        ),
        sa.ForeignKeyConstraint(
            ["ledger", "owner"],
            ["ledgers.kind", "ledgers.owner"],
            name=op.f("fk_ledger_entries_ledger_owner_ledgers"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint(
            "hold_id",
            "ledger",
            "owner",
            "kind",
            name=op.f("uq_ledger_entries_hold_id_ledger_owner_kind"),
        ),
    )
    op.create_index(
        op.f("ix_ledger_entries_ledger_owner_id"),
        "ledger_entries",
        ["ledger", "owner", "id"],
        unique=False,
    )
    op.create_index(
        "uq_ledger_entries_one_end",
        "ledger_entries",
        ["hold_id", "ledger", "owner"],
        unique=True,
        postgresql_where="kind <> 'held'",
    )
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER ledger_entries_append_only
        BEFORE UPDATE OR DELETE ON ledger_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )


def downgrade() -> None:
    """Take them away."""
    for table in (
        "ledger_entries",
        "group_memberships",
        "order_facts",
        "company_facts",
        "holds",
        "ledgers",
        "customer_groups",
        "budgets",
        "agreements",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
