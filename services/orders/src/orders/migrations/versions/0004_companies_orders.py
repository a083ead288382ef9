"""Orders and placings of companies' members, and parcels."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Who orders for whom and on which terms, what of it was shipped, and how placing it stands."""
    _change_orders()
    _make_placements()
    _make_shipments()


def _change_orders() -> None:
    for name in ("payment_key", "secret_hash"):
        op.alter_column("orders", name, nullable=True)
    for column in (
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.Column("payment_days", sa.BigInteger(), nullable=True),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("units", sa.ARRAY(sa.Text()), nullable=True),
    ):
        op.add_column("orders", column)
    op.drop_constraint("ck_orders_status_known", "orders")
    for name, condition in (
        ("status_known", "status IN ('placed', 'partially_shipped', 'shipped')"),
        ("whole_buyer", "num_nulls(member_id, company, unit, units) IN (0, 4)"),
        ("somebody_opens_it", "member_id IS NOT NULL OR secret_hash IS NOT NULL"),
        (
            "paid_at_once_or_on_terms",
            "(payment_key IS NULL) = (agreement IS NOT NULL)"
            " AND (agreement IS NULL) = (payment_days IS NULL)",
        ),
    ):
        op.create_check_constraint(op.f(f"ck_orders_{name}"), "orders", condition)
    op.create_index("ix_orders_company_serial", "orders", ["company", "serial"], unique=False)
    op.create_index("ix_orders_member_id_serial", "orders", ["member_id", "serial"], unique=False)
    for table in ("order_lines", "stock_reservation_lines"):
        op.add_column(
            table, sa.Column("shipped", sa.BigInteger(), server_default="0", nullable=False)
        )
        op.create_check_constraint(
            op.f(f"ck_{table}_shipped_at_most_all"), table, "shipped BETWEEN 0 AND quantity"
        )


def _make_placements() -> None:
    op.create_table(
        "placements",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("cart_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("units", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_net_minor", sa.BigInteger(), nullable=True),
        sa.Column("total_tax_minor", sa.BigInteger(), nullable=True),
        sa.Column("total_gross_minor", sa.BigInteger(), nullable=True),
        sa.Column("approval_request_id", sa.Text(), nullable=True),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("problem", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'awaiting_approval', 'placed', 'refused')",
            name=op.f("ck_placements_status_known"),
        ),
        sa.CheckConstraint(
            "(status = 'placed') = (order_number IS NOT NULL)",
            name=op.f("ck_placements_placed_has_a_number"),
        ),
        sa.CheckConstraint(
            "(status = 'refused') = (problem IS NOT NULL)",
            name=op.f("ck_placements_refused_says_why"),
        ),
        sa.CheckConstraint(
            "status <> 'awaiting_approval' OR approval_request_id IS NOT NULL",
            name=op.f("ck_placements_awaits_a_request"),
        ),
        sa.CheckConstraint(
            "num_nulls(total_net_minor, total_tax_minor, total_gross_minor) IN (0, 3)",
            name=op.f("ck_placements_whole_total"),
        ),
        sa.CheckConstraint(
            "total_net_minor + total_tax_minor = total_gross_minor",
            name=op.f("ck_placements_total"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_placements"),
    )
    op.create_index("ix_placements_company_id", "placements", ["company", "id"], unique=False)
    op.create_index("ix_placements_member_id_id", "placements", ["member_id", "id"], unique=False)


def _make_shipments() -> None:
    op.create_table(
        "shipments",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("shipped_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_shipments_order_id_orders"),
        sa.PrimaryKeyConstraint("id", name="pk_shipments"),
    )
    op.create_index("ix_shipments_order_id_id", "shipments", ["order_id", "id"], unique=False)
    op.create_table(
        "shipment_lines",
        sa.Column("shipment_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shipment_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name="fk_shipment_lines_shipment_id_shipments"
        ),
        sa.PrimaryKeyConstraint("shipment_id", "sku", name="pk_shipment_lines"),
    )
