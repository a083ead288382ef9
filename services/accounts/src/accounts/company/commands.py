"""Writes of companies. What follows for members and groups is `accounts.roster`'s work."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import any_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.company.queries import get_wholes, lock_companies
from accounts.company.tables import CompanyRow
from accounts.db import texts
from accounts.errors import CompanyCurrencyFixed
from chassis import outbox, versions
from contracts.bulk import LineOutcome
from contracts.companies import CompanyChanged, PutCompany
from contracts.ids import new_id


async def save_company(
    session: AsyncSession,
    key: str,
    body: PutCompany,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[CompanyRow, LineOutcome]:
    """Make or change a company, and hold its lock; the same again changes nothing.

    Nobody is told yet. Raises VersionNotCurrent, CompanyCurrencyFixed.
    """
    wanted = {**body.model_dump(mode="json"), "tags": sorted(set(body.tags))}
    locked = await lock_companies(session, [key])
    versions.check(locked[0].version if locked else None, if_match)
    is_new = not locked and await _insert(session, key, wanted, now=now)
    (row,) = locked or await lock_companies(session, [key])
    if is_new:
        return row, LineOutcome.CREATED
    if row.currency != body.currency:
        raise CompanyCurrencyFixed(row.currency)
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return row, LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    await session.flush()
    return row, LineOutcome.UPDATED


async def tell_companies(
    session: AsyncSession, companies: Collection[str], *, now: datetime
) -> None:
    """Raise the version of companies and tell how they are now. Emits CompanyChanged for each."""
    await session.flush()
    await session.execute(
        update(CompanyRow)
        .where(CompanyRow.key == any_(texts(companies)))
        .values(version=CompanyRow.version + 1, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    await tell_as_they_are(session, companies)


async def tell_as_they_are(session: AsyncSession, companies: Collection[str]) -> None:
    """Tell how companies are. Emits CompanyChanged for each."""
    for company in await get_wholes(session, companies):
        outbox.add(
            session,
            CompanyChanged(company=company),
            subject=company.key,
            sequence=company.version,
        )


async def _insert(
    session: AsyncSession, key: str, wanted: dict[str, Any], *, now: datetime
) -> bool:
    made = await session.execute(
        insert(CompanyRow)
        .values(key=key, id=new_id(), customer_since=now, version=1, updated_at=now, **wanted)
        .on_conflict_do_nothing()
        .returning(CompanyRow.key)
    )
    return made.one_or_none() is not None
