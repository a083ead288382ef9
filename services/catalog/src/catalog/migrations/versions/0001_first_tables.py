"""Stores, categories, products with their SKUs and slugs, and the copy of availability."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "availability",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_availability")),
    )
    op.create_table(
        "categories",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("parent", sa.Text(collation="C"), nullable=True),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("path", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent"], ["categories.key"], name=op.f("fk_categories_parent_categories")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_categories")),
        sa.UniqueConstraint("id", name=op.f("uq_categories_id")),
    )
    op.create_index(op.f("ix_categories_parent"), "categories", ["parent"], unique=False)
    op.create_index(
        "ix_categories_path", "categories", ["path"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "products",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("slug", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("categories", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("media", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("search", postgresql.TSVECTOR(), nullable=False),
        sa.Column("word_count", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.UUID(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_products")),
        sa.UniqueConstraint("id", name=op.f("uq_products_id")),
    )
    op.create_index(
        "ix_products_published", "products", ["key"], unique=False, postgresql_where="is_published"
    )
    op.create_index(
        "ix_products_search",
        "products",
        ["search"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "stores",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("currencies", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("locales", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tax_display", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("audience IN ('d2c', 'b2b')", name=op.f("ck_stores_audience")),
        sa.CheckConstraint("tax_display IN ('gross', 'net')", name=op.f("ck_stores_tax_display")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stores")),
    )
    op.create_table(
        "placements",
        sa.Column("category_key", sa.Text(collation="C"), nullable=False),
        sa.Column("product_key", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_key"], ["products.key"], name=op.f("fk_placements_product_key_products")
        ),
        sa.PrimaryKeyConstraint("category_key", "product_key", name=op.f("pk_placements")),
    )
    op.create_index(
        "ix_placements_product_key",
        "placements",
        ["product_key"],
        unique=False,
        postgresql_using="hash",
    )
    op.create_table(
        "slugs",
        sa.Column("locale", sa.Text(collation="C"), nullable=False),
        sa.Column("slug", sa.Text(collation="C"), nullable=False),
        sa.Column("product_key", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_key"], ["products.key"], name=op.f("fk_slugs_product_key_products")
        ),
        sa.PrimaryKeyConstraint("locale", "slug", name=op.f("pk_slugs")),
    )
    op.create_index(op.f("ix_slugs_product_key"), "slugs", ["product_key"], unique=False)
    op.create_table(
        "variants",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("product_key", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_key"], ["products.key"], name=op.f("fk_variants_product_key_products")
        ),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_variants")),
    )
    op.create_index(
        "ix_variants_product_key", "variants", ["product_key", "position"], unique=False
    )
