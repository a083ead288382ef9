"""Reads of companies."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from sqlalchemy import Row, any_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.company.tables import CompanyRow
from accounts.company.views import as_company
from accounts.db import texts
from accounts.fact.queries import find_facts
from accounts.group.queries import list_groups_of
from contracts.companies import Company

Source = AsyncConnection | AsyncSession

COLUMNS = CompanyRow.__table__.c
"""For features above, which join companies."""
_COMPANIES = select(*COLUMNS)
_STREAMED_AT_ONCE = 500


async def find_company(source: Source, key: str) -> Row[Any] | None:
    """A company's row, if there is one of that key."""
    return (await source.execute(_COMPANIES.where(CompanyRow.key == key))).one_or_none()


async def find_companies(source: Source, keys: Collection[str]) -> dict[str, Row[Any]]:
    """The rows of those companies that there are, by key."""
    rows = await source.execute(_COMPANIES.where(CompanyRow.key == any_(texts(keys))))
    return {row.key: row for row in rows}


async def list_keys(source: Source, *, after: str, limit: int) -> list[str]:
    """Keys of companies in order, from behind `after`."""
    page = select(CompanyRow.key).where(CompanyRow.key > after).order_by(CompanyRow.key)
    return list((await source.execute(page.limit(limit))).scalars())


async def list_companies(source: Source, *, after: str, limit: int) -> list[Company]:
    """Companies by key, from behind `after`."""
    page = _COMPANIES.where(CompanyRow.key > after).order_by(CompanyRow.key).limit(limit)
    return await _whole(source, (await source.execute(page)).all())


async def get_wholes(source: Source, keys: Collection[str]) -> list[Company]:
    """Companies with groups and facts, by key; unknown ones are left out."""
    known = await find_companies(source, keys)
    return await _whole(source, [known[key] for key in sorted(known)])


async def lock_companies(session: AsyncSession, keys: Collection[str]) -> Sequence[CompanyRow]:
    """Those companies that there are, by key, for one writer of theirs at a time.

    Who locks several takes them in one call: they are locked in the order of their keys.
    """
    rows = await session.scalars(
        select(CompanyRow)
        .where(CompanyRow.key == any_(texts(keys)))
        .order_by(CompanyRow.key)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def stream_companies(connection: AsyncConnection) -> AsyncIterator[Company]:
    """Every company, for the snapshot."""
    after = ""
    while companies := await list_companies(connection, after=after, limit=_STREAMED_AT_ONCE):
        for company in companies:
            yield company
        after = companies[-1].key


async def _whole(source: Source, rows: Sequence[Row[Any]]) -> list[Company]:
    keys = [row.key for row in rows]
    if not keys:
        return []
    groups, facts = await list_groups_of(source, keys), await find_facts(source, keys)
    return [as_company(row, groups=groups[row.key], facts=facts[row.key]) for row in rows]
