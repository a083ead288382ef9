"""Assortments with their rules and targets, and the tags of products and SKUs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Words that only a SKU and its name bring to its product's index, as a next write would have them.
FILL_WORDS = r"""
    UPDATE variants AS v SET words = ARRAY(
        SELECT '=' || lower(v.sku)
        UNION
        SELECT word FROM (
            SELECT regexp_split_to_table(
                lower(concat_ws(' ', v.sku, (SELECT string_agg(value, ' ')
                                             FROM jsonb_each_text(v.name)))),
                '[^[:alnum:]]+') AS word
            EXCEPT
            SELECT regexp_split_to_table(lower(value), '[^[:alnum:]]+')
            FROM products AS p, jsonb_each_text(p.name) WHERE p.key = v.product_key
        ) AS own WHERE word <> '')
"""


def upgrade() -> None:
    op.create_table(
        "assortments",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stores", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("include", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("exclude", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("assignments", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_assortments")),
        sa.UniqueConstraint("id", name=op.f("uq_assortments_id")),
    )
    op.create_table(
        "assortment_clauses",
        sa.Column("assortment_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint(
            "side IN ('include', 'exclude')", name=op.f("ck_assortment_clauses_side")
        ),
        sa.CheckConstraint(
            "kind IN ('category', 'product', 'sku')", name=op.f("ck_assortment_clauses_kind")
        ),
        sa.ForeignKeyConstraint(
            ["assortment_id"],
            ["assortments.id"],
            name=op.f("fk_assortment_clauses_assortment_id_assortments"),
        ),
        sa.PrimaryKeyConstraint(
            "assortment_id", "side", "kind", "key", name=op.f("pk_assortment_clauses")
        ),
    )
    op.create_index(
        "ix_assortment_clauses_key", "assortment_clauses", ["kind", "key"], unique=False
    )
    op.create_table(
        "assortment_assignments",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("assortment_id", sa.Integer(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "level IN ('group', 'company', 'unit', 'agreement')",
            name=op.f("ck_assortment_assignments_level"),
        ),
        sa.CheckConstraint(
            "effect IN ('narrow', 'widen', 'exclude')",
            name=op.f("ck_assortment_assignments_effect"),
        ),
        sa.ForeignKeyConstraint(
            ["assortment_id"],
            ["assortments.id"],
            name=op.f("fk_assortment_assignments_assortment_id_assortments"),
        ),
        sa.PrimaryKeyConstraint(
            "level",
            "company",
            "key",
            "assortment_id",
            "effect",
            name=op.f("pk_assortment_assignments"),
        ),
    )
    op.create_index(
        op.f("ix_assortment_assignments_assortment_id"),
        "assortment_assignments",
        ["assortment_id"],
        unique=False,
    )
    op.add_column("stores", sa.Column("default_assortment", sa.Text(collation="C"), nullable=True))
    op.create_foreign_key(
        op.f("fk_stores_default_assortment_assortments"),
        "stores",
        "assortments",
        ["default_assortment"],
        ["key"],
    )
    tags = postgresql.ARRAY(sa.Integer())
    op.add_column("products", sa.Column("assortments", tags, server_default="{}", nullable=False))
    op.create_index(
        "ix_products_assortments",
        "products",
        ["assortments"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.add_column("variants", sa.Column("assortments", tags, server_default="{}", nullable=False))
    op.add_column(
        "variants",
        sa.Column(
            "words",
            postgresql.ARRAY(sa.Text(collation="C")),
            server_default="{}",
            nullable=False,
        ),
    )
    op.execute(FILL_WORDS)
