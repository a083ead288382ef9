"""Units as they cross the border."""

from typing import Any

from sqlalchemy import Row

from accounts.unit.tables import UnitRow
from contracts.companies import Unit


def as_unit(row: UnitRow | Row[Any]) -> Unit:
    """A unit as accounts keeps it."""
    return Unit(
        company=row.company,
        key=row.key,
        name=row.name,
        parent=row.parent,
        version=row.version,
        updated_at=row.updated_at,
    )
