"""Stock, delivery methods, carts, orders, payments, and the copies of stores and products."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("order_serials", start=1_000_001)))
    op.create_table(
        "carts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column(
            "delivery_address",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
        ),
        sa.Column(
            "billing_address",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
        ),
        sa.Column("delivery_method", sa.Text(), nullable=True),
        sa.Column("placement_id", sa.UUID(), nullable=True),
        sa.Column("order_number", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'ordered') = (order_number IS NOT NULL)",
            name=op.f("ck_carts_ordered_has_a_number"),
        ),
        sa.CheckConstraint(
            "(status = 'placing') <= (placement_id IS NOT NULL)",
            name=op.f("ck_carts_placing_by_a_process"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'placing', 'ordered')", name=op.f("ck_carts_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_carts"),
    )
    op.create_table(
        "delivery_methods",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stores", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("countries", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_tax_included", sa.Boolean(), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_delivery_methods_price_not_negative")),
        sa.PrimaryKeyConstraint("key", name="pk_delivery_methods"),
    )
    op.create_index(
        "ix_delivery_methods_position_key", "delivery_methods", ["position", "key"], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("cart_id", sa.UUID(), nullable=False),
        sa.Column("placement_id", sa.UUID(), nullable=False),
        sa.Column("payment_key", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("delivery_address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("delivery_method", sa.Text(), nullable=False),
        sa.Column("delivery_name", sa.Text(), nullable=False),
        sa.Column("items_net_minor", sa.BigInteger(), nullable=False),
        sa.Column("items_tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("items_gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("delivery_net_minor", sa.BigInteger(), nullable=False),
        sa.Column("delivery_tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("delivery_gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_net_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("taxes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("placed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('placed')", name=op.f("ck_orders_status_known")),
        sa.CheckConstraint(
            "delivery_net_minor + delivery_tax_minor = delivery_gross_minor",
            name=op.f("ck_orders_delivery"),
        ),
        sa.CheckConstraint(
            "items_net_minor + items_tax_minor = items_gross_minor", name=op.f("ck_orders_items")
        ),
        sa.CheckConstraint(
            "total_net_minor = items_net_minor + delivery_net_minor"
            " AND total_tax_minor = items_tax_minor + delivery_tax_minor"
            " AND total_gross_minor = items_gross_minor + delivery_gross_minor",
            name=op.f("ck_orders_total"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("cart_id", name="uq_orders_cart_id"),
        sa.UniqueConstraint("placement_id", name="uq_orders_placement_id"),
        sa.UniqueConstraint("serial", name="uq_orders_serial"),
    )
    op.create_table(
        "payments",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('authorised', 'voided')", name=op.f("ck_payments_status_known")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_payments_amount_not_negative")),
        sa.PrimaryKeyConstraint("key", name="pk_payments"),
    )
    op.create_table(
        "products",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_products"),
    )
    op.create_table(
        "stock_items",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "reserved <= on_hand", name=op.f("ck_stock_items_reserved_at_most_on_hand")
        ),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_items_reserved_not_negative")),
        sa.PrimaryKeyConstraint("sku", name="pk_stock_items"),
    )
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("warehouse_key", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('received', 'adjusted', 'shipped', 'returned')",
            name=op.f("ck_stock_movements_kind_known"),
        ),
        sa.CheckConstraint("quantity <> 0", name=op.f("ck_stock_movements_quantity_not_zero")),
        sa.PrimaryKeyConstraint("id", name="pk_stock_movements"),
    )
    op.create_index(
        "ix_stock_movements_sku_warehouse_key",
        "stock_movements",
        ["sku", "warehouse_key"],
        unique=False,
    )
    op.create_table(
        "stock_reservations",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'bound') = (order_id IS NOT NULL)",
            name=op.f("ck_stock_reservations_bound_to_an_order"),
        ),
        sa.CheckConstraint(
            "status IN ('granted', 'bound', 'released')",
            name=op.f("ck_stock_reservations_status_known"),
        ),
        sa.PrimaryKeyConstraint("hold_id", name="pk_stock_reservations"),
    )
    op.create_table(
        "stores",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("currencies", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("locales", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("countries", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_stores"),
    )
    op.create_table(
        "warehouses",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_warehouses"),
    )
    op.create_table(
        "cart_lines",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("cart_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 1000000", name=op.f("ck_cart_lines_quantity_allowed")
        ),
        sa.ForeignKeyConstraint(
            ["cart_id"], ["carts.id"], name="fk_cart_lines_cart_id_carts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cart_lines"),
        sa.UniqueConstraint("cart_id", "sku", name="uq_cart_lines_cart_id_sku"),
    )
    op.create_table(
        "order_lines",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product_key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "net_minor + tax_minor = gross_minor", name=op.f("ck_order_lines_total")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_lines_order_id_orders"),
        sa.PrimaryKeyConstraint("id", name="pk_order_lines"),
    )
    op.create_index(
        "ix_order_lines_order_id_position", "order_lines", ["order_id", "position"], unique=False
    )
    op.create_table(
        "product_skus",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("product_key", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_key"],
            ["products.key"],
            name="fk_product_skus_product_key_products",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sku", "product_key", name="pk_product_skus"),
    )
    op.create_index("ix_product_skus_product_key", "product_skus", ["product_key"], unique=False)
    op.create_table(
        "stock_levels",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("warehouse_key", sa.Text(collation="C"), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reserved <= on_hand", name=op.f("ck_stock_levels_reserved_at_most_on_hand")
        ),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_levels_reserved_not_negative")),
        sa.ForeignKeyConstraint(
            ["sku"], ["stock_items.sku"], name="fk_stock_levels_sku_stock_items"
        ),
        sa.ForeignKeyConstraint(
            ["warehouse_key"], ["warehouses.key"], name="fk_stock_levels_warehouse_key_warehouses"
        ),
        sa.PrimaryKeyConstraint("sku", "warehouse_key", name="pk_stock_levels"),
    )
    op.create_index(
        "ix_stock_levels_warehouse_key_sku", "stock_levels", ["warehouse_key", "sku"], unique=False
    )
    op.create_table(
        "stock_reservation_lines",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("warehouse_key", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quantity > 0", name=op.f("ck_stock_reservation_lines_quantity_positive")
        ),
        sa.ForeignKeyConstraint(
            ["hold_id"],
            ["stock_reservations.hold_id"],
            name="fk_stock_reservation_lines_hold_id_stock_reservations",
        ),
        sa.PrimaryKeyConstraint(
            "hold_id", "sku", "warehouse_key", name="pk_stock_reservation_lines"
        ),
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
        CREATE TRIGGER stock_movements_append_only
        BEFORE UPDATE OR DELETE ON stock_movements
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """
    )
