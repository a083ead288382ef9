"""Reads of budgets."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, any_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.budget.tables import BudgetRow
from accounts.budget.views import as_budget
from accounts.db import texts
from accounts.ledger.domain import LedgerKind
from accounts.ledger.queries import find_standings
from contracts.companies import Budget

_BUDGETS = select(*BudgetRow.__table__.c)


async def find_budget(source: AsyncConnection | AsyncSession, key: str) -> Budget | None:
    """One budget and where it stands, if there is one of that key."""
    rows = (await source.execute(_BUDGETS.where(BudgetRow.key == key))).all()
    budgets = await _with_standings(source, rows)
    return budgets[0] if budgets else None


async def list_budgets(
    source: AsyncConnection | AsyncSession, *, company: str | None, after: str, limit: int
) -> list[Budget]:
    """Budgets by key, from behind `after`; of one company if named."""
    page = _BUDGETS.where(BudgetRow.key > after).order_by(BudgetRow.key).limit(limit)
    if company is not None:
        page = page.where(BudgetRow.company == company)
    return await _with_standings(source, (await source.execute(page)).all())


async def list_in_force(
    source: AsyncConnection | AsyncSession, units: Collection[str], *, now: datetime
) -> Sequence[Row[Any]]:
    """The budgets of these units that hold now, by key, without where they stand."""
    rows = await source.execute(
        _BUDGETS.where(
            BudgetRow.unit == any_(texts(units)),
            or_(BudgetRow.valid_from.is_(None), BudgetRow.valid_from <= now),
            or_(BudgetRow.valid_to.is_(None), BudgetRow.valid_to > now),
        ).order_by(BudgetRow.key)
    )
    return rows.all()


async def _with_standings(
    source: AsyncConnection | AsyncSession, rows: Sequence[Row[Any]]
) -> list[Budget]:
    keys = [row.key for row in rows]
    standings = await find_standings(source, LedgerKind.BUDGET, keys)
    return [as_budget(row, standings[row.key]) for row in rows]
