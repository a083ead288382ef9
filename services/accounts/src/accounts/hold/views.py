"""Holds and credit as they cross the border."""

from typing import Any

from sqlalchemy import Row

from accounts.hold.tables import HoldRow
from accounts.ledger.domain import Standing
from accounts.ledger.views import as_balance
from contracts.companies import Agreement, Credit, Hold, HoldOutcome, HoldProblem, OverReason
from contracts.money import Money


def as_hold(row: HoldRow | Row[Any]) -> Hold:
    """A hold and what came of it."""
    amount = None
    if row.amount_minor is not None and row.currency is not None:
        amount = Money(row.amount_minor, row.currency)
    return Hold(
        id=row.id,
        outcome=HoldOutcome(row.outcome),
        amount=amount,
        agreement=row.agreement,
        payment_days=row.payment_days,
        over=[OverReason(reason) for reason in row.over],
        problem=None if row.problem is None else HoldProblem.model_validate(row.problem),
    )


def as_credit(
    company: str, *, currency: str, agreement: Agreement | None, standing: Standing
) -> Credit:
    """A company's credit under the agreement in force; without one there is none."""
    limit = Money.zero(currency) if agreement is None else agreement.credit_limit
    return Credit(
        company=company,
        agreement=agreement and agreement.key,
        payment_days=agreement and agreement.payment_days,
        requires_purchase_order=agreement is not None and agreement.requires_purchase_order,
        balance=as_balance(standing, limit=limit),
    )
