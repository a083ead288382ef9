"""Agreements as they cross the border."""

from typing import Any

from sqlalchemy import Row

from accounts.agreement.tables import AgreementRow
from contracts.buyers import AgreementFacts
from contracts.companies import Agreement, OverLimit
from contracts.money import Money


def as_agreement(row: AgreementRow | Row[Any]) -> Agreement:
    """An agreement as accounts keeps it."""
    return Agreement(
        key=row.key,
        company=row.company,
        payment_days=row.payment_days,
        credit_limit=Money(row.credit_limit_minor, row.currency),
        over_credit=OverLimit(row.over_credit),
        requires_purchase_order=row.requires_purchase_order,
        priority=row.priority,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        version=row.version,
        updated_at=row.updated_at,
    )


def as_facts(row: Any) -> AgreementFacts:
    """What other services need to know of it."""
    return AgreementFacts(
        key=row.key, priority=row.priority, valid_from=row.valid_from, valid_to=row.valid_to
    )
