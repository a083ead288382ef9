"""Reads of availability, as expressions for the queries that show it."""

from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSON

from catalog.availability.tables import AvailabilityRow

_UNKNOWN: ColumnElement[Any] = literal_column(
    """'{"available":0,"is_in_stock":false}'::json""", JSON
)


def availability_of(sku: SQLColumnExpression[str]) -> ColumnElement[Any]:
    """The `Availability` of a SKU as JSON; nothing to be had where nobody has told of any."""
    available = AvailabilityRow.available
    told = func.json_build_object("available", available, "is_in_stock", available > 0)
    known = select(told).where(AvailabilityRow.sku == sku).scalar_subquery()
    return func.coalesce(known, _UNKNOWN)
