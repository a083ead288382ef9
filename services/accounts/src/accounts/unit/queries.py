"""Reads of units."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, any_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.db import texts
from accounts.unit.tables import UnitRow
from accounts.unit.views import as_unit
from contracts.companies import Unit

Source = AsyncConnection | AsyncSession

_UNITS = select(*UnitRow.__table__.c)


async def find_unit(source: Source, key: str) -> Row[Any] | None:
    """A unit's row, if there is one of that key."""
    return (await source.execute(_UNITS.where(UnitRow.key == key))).one_or_none()


async def list_units(source: Source, company: str, *, after: str, limit: int) -> list[Unit]:
    """Units of a company by key, from behind `after`."""
    page = _UNITS.where(UnitRow.company == company, UnitRow.key > after).order_by(UnitRow.key)
    return [as_unit(row) for row in await source.execute(page.limit(limit))]


async def list_parents(
    source: Source, companies: Collection[str]
) -> dict[str, dict[str, str | None]]:
    """For every company asked for, what is above each of its units."""
    rows = await source.execute(
        select(UnitRow.company, UnitRow.key, UnitRow.parent).where(
            UnitRow.company == any_(texts(companies))
        )
    )
    parents: defaultdict[str, dict[str, str | None]] = defaultdict(dict)
    for row in rows:
        parents[row.company][row.key] = row.parent
    return {company: parents[company] for company in companies}
