"""Quantity rules as they cross the border."""

from typing import Any

from sqlalchemy import Row

from contracts.pricing import QuantityRule
from pricing.quantity_rule.tables import QuantityRuleRow


def as_quantity_rule(row: QuantityRuleRow | Row[Any]) -> QuantityRule:
    """A rule as pricing keeps it."""
    return QuantityRule(
        key=row.key,
        sku=row.sku,
        stores=row.stores,
        minimum=row.minimum,
        maximum=row.maximum,
        multiple=row.multiple,
        version=row.version,
        updated_at=row.updated_at,
    )
