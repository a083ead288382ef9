"""Reads of ledgers. Who locks some takes credit first, then budgets by key."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import any_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.db import texts
from accounts.ledger.domain import LedgerKind, Standing
from accounts.ledger.tables import LedgerEntryRow, LedgerRow
from accounts.ledger.views import as_entry
from chassis.paging import decode_cursor, encode_cursor
from contracts.companies import LedgerEntry, LedgerEntryKind
from contracts.paging import Page

_STANDING = select(LedgerRow.owner, LedgerRow.held_minor, LedgerRow.used_minor)


async def find_standings(
    source: AsyncConnection | AsyncSession, kind: LedgerKind, owners: Collection[str]
) -> dict[str, Standing]:
    """Where the ledgers of all these owners stand; one that was never moved stands at nothing."""
    rows = await source.execute(
        _STANDING.where(LedgerRow.kind == kind.value, LedgerRow.owner == any_(texts(owners)))
    )
    known = {row.owner: Standing(row.held_minor, row.used_minor) for row in rows}
    return {owner: known.get(owner, Standing()) for owner in owners}


async def lock_ledgers(
    session: AsyncSession, kind: LedgerKind, owners: Collection[str]
) -> dict[str, Standing]:
    """Lock ledgers that were opened, by owner, until the transaction ends; where they stand."""
    rows = await session.execute(
        _STANDING.where(LedgerRow.kind == kind.value, LedgerRow.owner == any_(texts(owners)))
        .order_by(LedgerRow.owner)
        .with_for_update(key_share=True)
    )
    return {row.owner: Standing(row.held_minor, row.used_minor) for row in rows}


async def list_held(session: AsyncSession, hold_id: str) -> list[tuple[LedgerKind, str, int]]:
    """What a hold took of which ledgers, in minor units: credit first, then budgets by key."""
    rows = await session.execute(
        select(LedgerEntryRow.ledger, LedgerEntryRow.owner, LedgerEntryRow.held_minor)
        .where(LedgerEntryRow.hold_id == hold_id, LedgerEntryRow.kind == LedgerEntryKind.HELD.value)
        .order_by(LedgerEntryRow.ledger.desc(), LedgerEntryRow.owner)
    )
    return [(LedgerKind(row.ledger), row.owner, row.held_minor) for row in rows]


async def page_entries(
    source: AsyncConnection | AsyncSession,
    kind: LedgerKind,
    owner: str,
    *,
    after: str | None,
    limit: int,
) -> Page[LedgerEntry]:
    """A page of a ledger's movements, the newest first. Raises CursorNotReadable."""
    (before,) = decode_cursor(after, UUID) if after is not None else (None,)
    page = (
        select(*LedgerEntryRow.__table__.c, LedgerRow.currency)
        .join(LedgerRow)
        .where(LedgerEntryRow.ledger == kind.value, LedgerEntryRow.owner == owner)
        .order_by(LedgerEntryRow.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        page = page.where(LedgerEntryRow.id < before)
    rows = (await source.execute(page)).all()
    following = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page[LedgerEntry](items=[as_entry(row) for row in rows[:limit]], next=following)
