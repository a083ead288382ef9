"""Writes of assortments. What follows for the tags of products is tagging's (`catalog.tagging`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.assortment.domain import clauses_of, target_of
from catalog.assortment.tables import AssignmentRow, AssortmentRow, ClauseRow
from catalog.assortment.views import as_assortment
from catalog.db import as_rows, recordset, table_of
from chassis import outbox, versions
from contracts.bulk import LineOutcome
from contracts.catalog import Assortment, AssortmentChanged, PutAssortment

_RULE = ("include", "exclude")


@dataclass(frozen=True, slots=True)
class Written:
    """An assortment after a write, its tag, and whether other things belong to it now."""

    assortment: Assortment
    outcome: LineOutcome
    tag: int
    has_new_rule: bool


async def write_assortment(
    session: AsyncSession,
    key: str,
    body: PutAssortment,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> Written:
    """Make or change an assortment with its rules and targets; the same again changes nothing.

    Emits AssortmentChanged. Raises VersionNotCurrent.
    """
    wanted = body.model_dump(mode="json")
    found = await session.get(AssortmentRow, key, with_for_update=True)
    versions.check(found.version if found else None, if_match)
    if found is None and await _insert(session, key, wanted, now=now):
        made = await session.get_one(AssortmentRow, key)
        await _store_clauses(session, made.id, body)
        await _store_assignments(session, made.id, body)
        return Written(_changed(session, made), LineOutcome.CREATED, made.id, True)
    # Somebody may have made it between the look and the insert: then it is a change.
    row = found
    if row is None:
        row = await session.get_one(AssortmentRow, key, with_for_update=True)
    news = {name for name, value in wanted.items() if getattr(row, name) != value}
    if not news:
        return Written(as_assortment(row), LineOutcome.UNCHANGED, row.id, False)
    for name in news:
        setattr(row, name, wanted[name])
    row.version += 1
    row.updated_at = now
    has_new_rule = not news.isdisjoint(_RULE)
    if has_new_rule:
        await _store_clauses(session, row.id, body)
    if "assignments" in news:
        await _store_assignments(session, row.id, body)
    return Written(_changed(session, row), LineOutcome.UPDATED, row.id, has_new_rule)


async def _insert(
    session: AsyncSession, key: str, wanted: dict[str, Any], *, now: datetime
) -> bool:
    made = await session.execute(
        insert(AssortmentRow)
        .values(key=key, version=1, updated_at=now, **wanted)
        .on_conflict_do_nothing()
        .returning(AssortmentRow.key)
    )
    return made.one_or_none() is not None


async def _store_clauses(session: AsyncSession, tag: int, body: PutAssortment) -> None:
    table = table_of(ClauseRow)
    await session.execute(delete(table).where(ClauseRow.assortment_id == tag))
    rows = [
        {"assortment_id": tag, **clause._asdict()}
        for clause in clauses_of(body.include, body.exclude)
    ]
    if rows:
        given = recordset(assortment_id=Integer(), side=Text(), kind=Text(), key=Text())
        names = ["assortment_id", "side", "kind", "key"]
        await session.execute(insert(table).from_select(names, select(given)), as_rows(rows))


async def _store_assignments(session: AsyncSession, tag: int, body: PutAssortment) -> None:
    table = table_of(AssignmentRow)
    await session.execute(delete(table).where(AssignmentRow.assortment_id == tag))
    targets = {(target_of(one), one.effect) for one in body.assignments}
    rows = [
        {"assortment_id": tag, "effect": effect, **target._asdict()} for target, effect in targets
    ]
    if rows:
        given = recordset(
            assortment_id=Integer(), effect=Text(), level=Text(), company=Text(), key=Text()
        )
        names = ["assortment_id", "effect", "level", "company", "key"]
        await session.execute(insert(table).from_select(names, select(given)), as_rows(rows))


def _changed(session: AsyncSession, row: AssortmentRow) -> Assortment:
    assortment = as_assortment(row)
    told = AssortmentChanged(assortment=assortment)
    outbox.add(session, told, subject=row.key, sequence=row.version)
    return assortment
