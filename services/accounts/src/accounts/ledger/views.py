"""Ledgers as they cross the border."""

from typing import Any

from accounts.ledger.domain import Standing
from contracts.companies import Balance, LedgerEntry, LedgerEntryKind
from contracts.money import Money


def as_balance(standing: Standing, *, limit: Money) -> Balance:
    """Where a ledger stands under a limit."""
    return Balance(
        limit=limit,
        held=Money(standing.held_minor, limit.currency),
        used=Money(standing.used_minor, limit.currency),
        available=Money(standing.left_of(limit.minor), limit.currency),
    )


def as_entry(row: Any) -> LedgerEntry:
    """A movement; the row has its ledger's currency."""
    return LedgerEntry(
        id=row.id,
        hold_id=row.hold_id,
        kind=LedgerEntryKind(row.kind),
        held=Money(row.held_minor, row.currency),
        used=Money(row.used_minor, row.currency),
        order_number=row.order_number,
        recorded_at=row.recorded_at,
    )
