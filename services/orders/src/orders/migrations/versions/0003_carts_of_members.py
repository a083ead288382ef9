"""Carts of members, and whom a store sells to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A cart is a guest's or a member's.

    The copy of stores is filled anew at the next start, for it did not keep the audience. Until
    then all stores are taken to sell to people, as all did.
    """
    op.alter_column("carts", "secret_hash", nullable=True)
    op.add_column("carts", sa.Column("member_id", sa.UUID(), nullable=True))
    op.add_column("carts", sa.Column("company", sa.Text(), nullable=True))
    op.add_column("carts", sa.Column("unit", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_carts_guests_or_members"), "carts", "num_nonnulls(secret_hash, member_id) = 1"
    )
    op.create_check_constraint(
        op.f("ck_carts_member_of_a_company"),
        "carts",
        "num_nonnulls(member_id, company, unit) IN (0, 3)",
    )
    op.create_index(
        "ix_carts_open_of_member",
        "carts",
        ["member_id", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'open' AND member_id IS NOT NULL"),
    )
    op.add_column("stores", sa.Column("audience", sa.Text(), server_default="d2c", nullable=False))
    op.alter_column("stores", "audience", server_default=None)
    op.add_column("stores", sa.Column("default_assortment", sa.Text(), nullable=True))
    op.execute("UPDATE stores SET sequence = 0")
    op.execute("DELETE FROM copies WHERE name = 'stores'")
