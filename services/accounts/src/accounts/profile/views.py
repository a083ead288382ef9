"""Profiles as they cross the border."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from contracts.buyers import AgreementFacts, BuyerProfile, Role
from contracts.money import Money


def as_profile(
    row: Row[Any],
    *,
    units: Sequence[str],
    groups: Sequence[str],
    agreements: Sequence[AgreementFacts],
) -> BuyerProfile:
    """A member's profile, of a row of members joined with companies."""
    limit = row.order_limit_minor
    return BuyerProfile(
        member_id=row.id,
        sequence=row.profile_version,
        is_active=row.is_active and row.company_is_active,
        company=row.company,
        units=list(units),
        roles=[Role(role) for role in row.roles],
        groups=list(groups),
        agreements=list(agreements),
        order_limit=None if limit is None else Money(limit, row.currency),
        country=row.country,
        currency=row.currency,
    )
