"""Writes of units. What follows for members is `accounts.roster`'s work."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.errors import ParentNotOfCompany, RootExists, UnitKeyTaken
from accounts.unit.domain import check_place
from accounts.unit.queries import list_parents
from accounts.unit.tables import UnitRow
from chassis import versions
from contracts.bulk import LineOutcome
from contracts.companies import PutUnit


async def save_unit(
    session: AsyncSession,
    company: str,
    key: str,
    body: PutUnit,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[UnitRow, LineOutcome]:
    """Make or change a unit of a company whose lock is held; the same again changes nothing.

    Raises VersionNotCurrent, UnitKeyTaken, ParentNotOfCompany, RootExists, UnitsInCircle,
    UnitTooDeep.
    """
    row = await session.get(UnitRow, key, with_for_update=True)
    if row is not None and row.company != company:
        raise UnitKeyTaken(key)
    versions.check(row.version if row else None, if_match)
    await _check_place(session, company, key, body.parent)
    if row is None:
        row = UnitRow(
            key=key,
            company=company,
            name=body.name,
            parent=body.parent,
            version=1,
            updated_at=now,
        )
        session.add(row)
        await session.flush()
        return row, LineOutcome.CREATED
    if (row.name, row.parent) == (body.name, body.parent):
        return row, LineOutcome.UNCHANGED
    row.name, row.parent = body.name, body.parent
    row.version += 1
    row.updated_at = now
    await session.flush()
    return row, LineOutcome.UPDATED


async def _check_place(session: AsyncSession, company: str, key: str, parent: str | None) -> None:
    parents = (await list_parents(session, [company]))[company]
    if parent is None:
        roots = [unit for unit, above in parents.items() if above is None and unit != key]
        if roots:
            raise RootExists(roots[0])
    elif parent not in parents:
        raise ParentNotOfCompany(parent)
    else:
        check_place(key, parent, parents)
