"""Companies as they cross the border."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from accounts.company.tables import CompanyRow
from accounts.fact.domain import Facts
from contracts.companies import Company
from contracts.money import Money


def as_company(row: CompanyRow | Row[Any], *, groups: Sequence[str], facts: Facts) -> Company:
    """A company with the groups it is in and what its orders say."""
    return Company(
        key=row.key,
        id=row.id,
        name=row.name,
        country=row.country,
        region=row.region,
        currency=row.currency,
        industry=row.industry,
        tier=row.tier,
        vat_id=row.vat_id,
        tags=row.tags,
        is_active=row.is_active,
        groups=list(groups),
        customer_since=row.customer_since,
        orders=facts.orders,
        lifetime_spend=Money(facts.lifetime_spend_minor, row.currency),
        version=row.version,
        updated_at=row.updated_at,
    )
