"""Companies, their units and members, the merchant's people, and access that was taken away."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CODE = sa.Text(collation="C")
TIME = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "companies",
        sa.Column("key", CODE, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("vat_id", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("customer_since", TIME, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_companies_version")),
        sa.PrimaryKeyConstraint("key", name="pk_companies"),
        sa.UniqueConstraint("id", name="uq_companies_id"),
    )
    op.create_table(
        "units",
        sa.Column("key", CODE, nullable=False),
        sa.Column("company", CODE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", CODE, nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_units_version")),
        sa.CheckConstraint("parent <> key", name=op.f("ck_units_not_below_itself")),
        sa.ForeignKeyConstraint(["company"], ["companies.key"], name="fk_units_company_companies"),
        sa.ForeignKeyConstraint(["parent"], ["units.key"], name="fk_units_parent_units"),
        sa.PrimaryKeyConstraint("key", name="pk_units"),
    )
    op.create_index("ix_units_company", "units", ["company", "key"])
    op.create_index(
        "ix_units_root",
        "units",
        ["company"],
        unique=True,
        postgresql_where=sa.text("parent IS NULL"),
    )
    op.create_table(
        "members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", CODE, nullable=False),
        sa.Column("company", CODE, nullable=False),
        sa.Column("unit", CODE, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_folded", CODE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("order_limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("profile_version", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("version > 0 AND profile_version > 0", name=op.f("ck_members_version")),
        sa.CheckConstraint("order_limit_minor >= 0", name=op.f("ck_members_order_limit")),
        sa.CheckConstraint(
            "roles <@ '{buyer,approver,admin}' AND roles <> '{}'", name=op.f("ck_members_roles")
        ),
        sa.ForeignKeyConstraint(
            ["company"], ["companies.key"], name="fk_members_company_companies"
        ),
        sa.ForeignKeyConstraint(["unit"], ["units.key"], name="fk_members_unit_units"),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
        sa.UniqueConstraint("key", name="uq_members_key"),
        sa.UniqueConstraint("email_folded", name="uq_members_email_folded"),
    )
    op.create_index("ix_members_company", "members", ["company", "key"])
    op.create_index("ix_members_unit", "members", ["unit"])
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_folded", CODE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("email_folded", name="uq_staff_email_folded"),
    )
    op.create_table(
        "revocations",
        sa.Column("subject", CODE, nullable=False),
        sa.Column("valid_after", TIME, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_revocations"),
    )
    op.create_index("ix_revocations_valid_after", "revocations", ["valid_after"])
