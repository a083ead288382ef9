"""Writes of budgets."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.budget.tables import BudgetRow
from accounts.budget.views import as_budget
from accounts.company.queries import find_company
from accounts.errors import BudgetFixed, CurrencyNotOfCompany, UnitNotKnown
from accounts.ledger.commands import open_ledger
from accounts.ledger.domain import LedgerKind
from accounts.ledger.queries import find_standings
from accounts.moments import window_in_utc
from accounts.unit.queries import find_unit
from chassis import versions
from contracts.bulk import LineOutcome
from contracts.companies import Budget, PutBudget


async def put_budget(
    session: AsyncSession,
    key: str,
    body: PutBudget,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Budget, LineOutcome]:
    """Make or change a budget of a unit, in its company's currency, with a ledger of its own.

    The same again changes nothing; less than is held and used leaves nothing available. Raises
    VersionNotCurrent, UnitNotKnown, BudgetFixed, CurrencyNotOfCompany, MomentOutOfRange,
    WindowEmpty.
    """
    wanted = await _values(session, body)
    row = await session.get(BudgetRow, key, with_for_update=True)
    versions.check(row.version if row else None, if_match)
    if row is None:
        row = BudgetRow(key=key, version=1, updated_at=now, **wanted)
        session.add(row)
        await session.flush()
        await open_ledger(session, LedgerKind.BUDGET, key, currency=row.currency)
        return await _told(session, row), LineOutcome.CREATED
    if row.unit != body.unit:
        raise BudgetFixed(row.unit)
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return await _told(session, row), LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await session.flush()
    return await _told(session, row), LineOutcome.UPDATED


async def _values(session: AsyncSession, body: PutBudget) -> dict[str, Any]:
    valid_from, valid_to = window_in_utc(body.valid_from, body.valid_to)
    unit = await find_unit(session, body.unit)
    company = None if unit is None else await find_company(session, unit.company)
    if company is None:
        raise UnitNotKnown(body.unit)
    if body.amount.currency != company.currency:
        raise CurrencyNotOfCompany(company.currency, field="/amount/currency")
    return {
        "company": company.key,
        "unit": body.unit,
        "amount_minor": body.amount.minor,
        "currency": body.amount.currency,
        "over_budget": body.over_budget.value,
        "valid_from": valid_from,
        "valid_to": valid_to,
    }


async def _told(session: AsyncSession, row: BudgetRow) -> Budget:
    standings = await find_standings(session, LedgerKind.BUDGET, [row.key])
    return as_budget(row, standings[row.key])
