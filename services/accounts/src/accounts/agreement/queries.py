"""Reads of agreements."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, any_, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.agreement.tables import AgreementRow
from accounts.agreement.views import as_agreement, as_facts
from accounts.db import texts
from contracts.buyers import AgreementFacts
from contracts.companies import Agreement

_AGREEMENTS = select(*AgreementRow.__table__.c)
_BEST_FIRST = (AgreementRow.company, AgreementRow.priority.desc(), AgreementRow.key)


async def find_agreement(source: AsyncConnection | AsyncSession, key: str) -> Agreement | None:
    """One agreement, if there is one of that key."""
    row = (await source.execute(_AGREEMENTS.where(AgreementRow.key == key))).one_or_none()
    return None if row is None else as_agreement(row)


async def list_agreements(
    source: AsyncConnection | AsyncSession, *, company: str | None, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Agreements by key, from behind `after`; of one company if named."""
    page = _AGREEMENTS.where(AgreementRow.key > after).order_by(AgreementRow.key).limit(limit)
    if company is not None:
        page = page.where(AgreementRow.company == company)
    return (await source.execute(page)).all()


async def list_agreements_of(
    source: AsyncConnection | AsyncSession,
    companies: Collection[str],
    *,
    now: datetime | None = None,
) -> dict[str, list[AgreementFacts]]:
    """The agreements of every company asked for, in force or to come, the highest priority first.

    Those that ended are left out, by the database's clock unless a moment is given.
    """
    moment = func.now() if now is None else now
    rows = await source.execute(
        select(
            AgreementRow.company,
            AgreementRow.key,
            AgreementRow.priority,
            AgreementRow.valid_from,
            AgreementRow.valid_to,
        )
        .where(
            AgreementRow.company == any_(texts(companies)),
            or_(AgreementRow.valid_to.is_(None), AgreementRow.valid_to > moment),
        )
        .order_by(*_BEST_FIRST)
    )
    agreements: dict[str, list[AgreementFacts]] = {company: [] for company in companies}
    for row in rows:
        agreements[row.company].append(as_facts(row))
    return agreements


async def find_in_force(
    source: AsyncConnection | AsyncSession, companies: Collection[str], *, now: datetime
) -> dict[str, Agreement]:
    """The one agreement that holds now for each company that has any: the highest priority, then
    by key.
    """
    rows = await source.execute(
        _AGREEMENTS.where(AgreementRow.company == any_(texts(companies)), _holds_at(now))
        .ext(distinct_on(AgreementRow.company))
        .order_by(*_BEST_FIRST)
    )
    return {row.company: as_agreement(row) for row in rows}


def _holds_at(moment: datetime) -> ColumnElement[bool]:
    return and_(
        or_(AgreementRow.valid_from.is_(None), AgreementRow.valid_from <= moment),
        or_(AgreementRow.valid_to.is_(None), AgreementRow.valid_to > moment),
    )
