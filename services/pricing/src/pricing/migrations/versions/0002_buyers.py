"""Lists for some buyers, quantity rules, and whom a store sells to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")


def upgrade() -> None:
    """Lists that there are, are for everybody.

    The copy of stores is filled anew at the next start, for it did not keep the audience. Until
    then all stores are taken to sell to people, as all did.
    """
    op.add_column(
        "price_lists",
        sa.Column(
            "audience",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
    )
    op.alter_column("price_lists", "audience", server_default=None)
    op.add_column(
        "price_list_stores", sa.Column("audience", CODE, server_default="", nullable=False)
    )
    op.alter_column("price_list_stores", "audience", server_default=None)
    op.drop_constraint("pk_price_list_stores", "price_list_stores", type_="primary")
    op.create_primary_key(
        "pk_price_list_stores", "price_list_stores", ["store", "audience", "price_list_id"]
    )
    op.create_table(
        "quantity_rules",
        sa.Column("key", CODE, nullable=False),
        sa.Column("sku", CODE, nullable=False),
        sa.Column("stores", postgresql.ARRAY(CODE), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=True),
        sa.Column("multiple", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "minimum >= 1 AND multiple >= 1 AND maximum >= 1",
            name=op.f("ck_quantity_rules_whole_pieces"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_quantity_rules_version")),
        sa.PrimaryKeyConstraint("key", name="pk_quantity_rules"),
    )
    op.create_index("ix_quantity_rules_sku", "quantity_rules", ["sku"])
    op.add_column(
        "stores", sa.Column("audience", sa.String(), server_default="d2c", nullable=False)
    )
    op.alter_column("stores", "audience", server_default=None)
    op.execute("UPDATE stores SET sequence = 0")
    op.execute("DELETE FROM copies WHERE name = 'stores'")
