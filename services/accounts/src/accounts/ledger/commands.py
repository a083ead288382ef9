"""Writes of ledgers: opening one, and moving some together."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.ledger.domain import LedgerKind, Movement
from accounts.ledger.tables import LedgerEntryRow, LedgerRow
from contracts.ids import new_id


async def open_ledger(
    session: AsyncSession, kind: LedgerKind, owner: str, *, currency: str
) -> None:
    """Make a ledger that stands at nothing, unless there is one."""
    await session.execute(
        upsert(LedgerRow)
        .values(kind=kind.value, owner=owner, currency=currency, held_minor=0, used_minor=0)
        .on_conflict_do_nothing()
    )


async def move(
    session: AsyncSession,
    ledgers: Sequence[tuple[LedgerKind, str]],
    movement: Movement,
    *,
    hold_id: str,
    order_number: str | None = None,
    now: datetime,
) -> None:
    """Make the same movement in ledgers that are locked: balance and entry, never one alone."""
    for kind, owner in ledgers:
        await session.execute(
            update(LedgerRow)
            .where(LedgerRow.kind == kind.value, LedgerRow.owner == owner)
            .values(
                held_minor=LedgerRow.held_minor + movement.held_minor,
                used_minor=LedgerRow.used_minor + movement.used_minor,
            )
            .execution_options(synchronize_session=False)
        )
    if ledgers:
        await session.execute(
            insert(LedgerEntryRow),
            [
                {
                    "id": new_id(),
                    "ledger": kind.value,
                    "owner": owner,
                    "hold_id": hold_id,
                    "kind": movement.kind.value,
                    "held_minor": movement.held_minor,
                    "used_minor": movement.used_minor,
                    "order_number": order_number,
                    "recorded_at": now,
                }
                for kind, owner in ledgers
            ],
        )
