"""Members as they cross the border."""

from typing import Any

from sqlalchemy import Row

from accounts.member.tables import MemberRow
from contracts.buyers import Role
from contracts.companies import Member
from contracts.money import Money


def as_member(row: MemberRow | Row[Any], *, currency: str) -> Member:
    """A member; their password is never told."""
    limit = row.order_limit_minor
    return Member(
        id=row.id,
        key=row.key,
        company=row.company,
        unit=row.unit,
        email=row.email,
        name=row.name,
        roles=[Role(role) for role in row.roles],
        order_limit=None if limit is None else Money(limit, currency),
        is_active=row.is_active,
        has_password=row.password_hash is not None,
        version=row.version,
        updated_at=row.updated_at,
    )


def as_told(row: MemberRow | Row[Any]) -> tuple[Any, ...]:
    """What their profile, which other services are told, says of the member themselves."""
    return row.unit, row.roles, row.order_limit_minor, row.is_active
