"""Reads of holds, and of the credit they leave."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from accounts.agreement.queries import find_in_force
from accounts.company.queries import find_company
from accounts.hold.tables import HoldRow
from accounts.hold.views import as_credit, as_hold
from accounts.ledger.domain import LedgerKind
from accounts.ledger.queries import find_standings
from contracts.companies import Credit, Hold


async def find_hold(source: AsyncConnection, hold_id: str) -> Hold | None:
    """A hold, if there is one of that id."""
    found = await source.execute(select(*HoldRow.__table__.c).where(HoldRow.id == hold_id))
    row = found.one_or_none()
    return None if row is None else as_hold(row)


async def find_credit(source: AsyncConnection, company: str, *, now: datetime) -> Credit | None:
    """A company's credit under the agreement in force now, if there is such a company."""
    known = await find_company(source, company)
    if known is None:
        return None
    agreements = await find_in_force(source, [company], now=now)
    standings = await find_standings(source, LedgerKind.CREDIT, [company])
    return as_credit(
        company,
        currency=known.currency,
        agreement=agreements.get(company),
        standing=standings[company],
    )
