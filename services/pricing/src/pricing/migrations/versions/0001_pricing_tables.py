"""Price lists, prices, tax rates, and the copies of stores and products."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_lists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("stores", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("is_tax_included", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("valid_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_price_lists_window")),
        sa.CheckConstraint("version > 0", name=op.f("ck_price_lists_version")),
        sa.PrimaryKeyConstraint("id", name="pk_price_lists"),
        sa.UniqueConstraint("key", name="uq_price_lists_key"),
    )
    op.create_table(
        "products",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("tax_class", sa.Text(collation="C"), nullable=False),
        sa.Column("categories", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_products"),
    )
    op.create_table(
        "stores",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("currencies", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("tax_display", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_stores"),
    )
    op.create_table(
        "tax_rates",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("country", sa.Text(collation="C"), nullable=False),
        sa.Column("tax_class", sa.Text(collation="C"), nullable=False),
        sa.Column("rate", sa.Numeric(precision=7, scale=6), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("valid_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("rate BETWEEN 0 AND 1", name=op.f("ck_tax_rates_rate")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_tax_rates_window")),
        sa.CheckConstraint("version > 0", name=op.f("ck_tax_rates_version")),
        sa.PrimaryKeyConstraint("key", name="pk_tax_rates"),
    )
    op.create_index("ix_tax_rates_country", "tax_rates", ["country", "tax_class"], unique=False)
    op.create_table(
        "price_list_stores",
        sa.Column("store", sa.Text(collation="C"), nullable=False),
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["price_list_id"],
            ["price_lists.id"],
            name="fk_price_list_stores_price_list_id_price_lists",
        ),
        sa.PrimaryKeyConstraint("store", "price_list_id", name="pk_price_list_stores"),
    )
    op.create_table(
        "priced_skus",
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["price_list_id"], ["price_lists.id"], name="fk_priced_skus_price_list_id_price_lists"
        ),
        sa.PrimaryKeyConstraint("price_list_id", "sku", name="pk_priced_skus"),
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
        "prices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("tier_quantities", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("tier_amounts", postgresql.ARRAY(sa.Numeric()), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("recorded_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "cardinality(tier_quantities) > 0"
            " AND cardinality(tier_quantities) = cardinality(tier_amounts)",
            name=op.f("ck_prices_tiers"),
        ),
        sa.CheckConstraint("recorded_from < recorded_to", name=op.f("ck_prices_recorded_time")),
        sa.CheckConstraint("valid_from < valid_to", name=op.f("ck_prices_valid_time")),
        sa.ForeignKeyConstraint(
            ["price_list_id", "sku"],
            ["priced_skus.price_list_id", "priced_skus.sku"],
            name="fk_prices_price_list_id_sku_priced_skus",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_prices"),
    )
    op.create_index(
        "ix_prices_known_before",
        "prices",
        ["sku", "price_list_id", "recorded_to"],
        unique=False,
        postgresql_where=sa.text("recorded_to IS NOT NULL"),
    )
    op.create_index(
        "ix_prices_known_now",
        "prices",
        ["sku", "price_list_id", "valid_from"],
        unique=True,
        postgresql_include=["valid_to", "id"],
        postgresql_where=sa.text("recorded_to IS NULL"),
    )
