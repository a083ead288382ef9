"""Customer groups as they cross the border."""

from typing import Any

from sqlalchemy import Row

from accounts.group.tables import CustomerGroupRow
from contracts.companies import CustomerGroup


def as_group(row: CustomerGroupRow | Row[Any], *, size: int) -> CustomerGroup:
    """A group, with how many are in it."""
    return CustomerGroup(
        key=row.key,
        name=row.name,
        rule=row.rule,
        companies=row.companies,
        size=size,
        is_settled=row.evaluated_to is None,
        version=row.version,
        updated_at=row.updated_at,
    )
