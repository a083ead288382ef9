"""Scalars of the schema that GraphQL does not have, and the money made of them."""

import re
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

DecimalText = NewType("DecimalText", str)
DateTimeText = NewType("DateTimeText", str)

_DECIMAL = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,6})?")


def _read_decimal(value: Any) -> DecimalText:
    """Take a decimal string only: a JSON or GraphQL float has lost digits already."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError('Decimal must be a string such as "12.34".')
    return DecimalText(value)


def _read_time(value: Any) -> DateTimeText:
    if not isinstance(value, str):
        raise ValueError("DateTime must be a string such as 2026-11-22T10:00:00Z.")
    return DateTimeText(value)


SCALARS: dict[object, ScalarDefinition] = {
    DecimalText: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as a string, such as "12.34"; never a float.',
        serialize=str,
        parse_value=_read_decimal,
    ),
    DateTimeText: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC (RFC 3339), such as 2026-11-22T10:00:00Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=str,
        parse_value=_read_time,
    ),
}
