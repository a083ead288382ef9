"""Writes of stores."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.assortment import queries as assortments
from catalog.errors import AssortmentUnknown
from catalog.store.tables import StoreRow
from catalog.store.views import as_store
from chassis import outbox, versions
from contracts.bulk import LineOutcome
from contracts.catalog import PutStore, Store, StoreChanged


async def put_store(
    session: AsyncSession,
    key: str,
    body: PutStore,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Store, LineOutcome]:
    """Make or change a store; the same again changes nothing.

    Emits StoreChanged. Raises VersionNotCurrent, AssortmentUnknown.
    """
    assortment = body.default_assortment
    if assortment is not None and not await assortments.is_known(session, assortment):
        raise AssortmentUnknown(assortment, field="/default_assortment")
    wanted = body.model_dump(mode="json")
    found = await session.get(StoreRow, key, with_for_update=True)
    versions.check(found.version if found else None, if_match)
    if found is None and await _insert(session, key, wanted, now=now):
        return _changed(session, await session.get_one(StoreRow, key)), LineOutcome.CREATED
    # Somebody may have made it between the look and the insert: then it is a change.
    row = found
    if row is None:
        row = await session.get_one(StoreRow, key, with_for_update=True)
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return as_store(row), LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    return _changed(session, row), LineOutcome.UPDATED


async def _insert(
    session: AsyncSession, key: str, wanted: dict[str, Any], *, now: datetime
) -> bool:
    made = await session.execute(
        insert(StoreRow)
        .values(key=key, version=1, updated_at=now, **wanted)
        .on_conflict_do_nothing()
        .returning(StoreRow.key)
    )
    return made.one_or_none() is not None


def _changed(session: AsyncSession, row: StoreRow) -> Store:
    store = as_store(row)
    outbox.add(session, StoreChanged(store=store), subject=row.key, sequence=row.version)
    return store
