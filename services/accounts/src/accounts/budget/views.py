"""Budgets as they cross the border."""

from typing import Any

from sqlalchemy import Row

from accounts.budget.tables import BudgetRow
from accounts.ledger.domain import Standing
from accounts.ledger.views import as_balance
from contracts.companies import Budget, OverLimit
from contracts.money import Money


def as_budget(row: BudgetRow | Row[Any], standing: Standing) -> Budget:
    """A budget and where it stands."""
    amount = Money(row.amount_minor, row.currency)
    return Budget(
        key=row.key,
        company=row.company,
        unit=row.unit,
        amount=amount,
        over_budget=OverLimit(row.over_budget),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        balance=as_balance(standing, limit=amount),
        version=row.version,
        updated_at=row.updated_at,
    )
