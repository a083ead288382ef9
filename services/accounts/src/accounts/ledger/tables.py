"""Tables of ledgers. The database itself refuses to change a movement, to make one twice, and to
let a ledger fall below nothing.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from accounts.db import CODE, Base


class LedgerRow(Base):
    """A ledger and where it stands: of a company's credit (`owner` is its key) or of a budget."""

    __tablename__ = "ledgers"
    __table_args__ = (
        CheckConstraint("kind IN ('credit', 'budget')", name="kind_known"),
        CheckConstraint("held_minor >= 0", name="held_not_negative"),
        CheckConstraint("used_minor >= 0", name="used_not_negative"),
    )

    kind: Mapped[str] = mapped_column(CODE, primary_key=True)
    owner: Mapped[str] = mapped_column(CODE, primary_key=True)
    currency: Mapped[str] = mapped_column(CODE)
    held_minor: Mapped[int]
    used_minor: Mapped[int]


class LedgerEntryRow(Base):
    """A movement of a ledger. Rows are only ever added (a trigger refuses the rest)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        ForeignKeyConstraint(["ledger", "owner"], [LedgerRow.kind, LedgerRow.owner]),
        UniqueConstraint("hold_id", "ledger", "owner", "kind"),
        CheckConstraint(
            "CASE kind"
            " WHEN 'held' THEN held_minor > 0 AND used_minor = 0"
            " WHEN 'released' THEN held_minor < 0 AND used_minor = 0"
            " WHEN 'settled' THEN held_minor < 0 AND used_minor = -held_minor"
            " ELSE false END",
            name="moves_as_its_kind_says",
        ),
        CheckConstraint("(kind = 'settled') = (order_number IS NOT NULL)", name="settled_by_order"),
        Index(None, "ledger", "owner", "id"),
        # A hold is given back or used, never both.
        Index(
            "uq_ledger_entries_one_end",
            "hold_id",
            "ledger",
            "owner",
            unique=True,
            postgresql_where="kind <> 'held'",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ledger: Mapped[str] = mapped_column(CODE)
    owner: Mapped[str] = mapped_column(CODE)
    hold_id: Mapped[str] = mapped_column(CODE)
    kind: Mapped[str] = mapped_column(Text)
    held_minor: Mapped[int]
    used_minor: Mapped[int]
    order_number: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime]
