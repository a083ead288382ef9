"""Rows of delivery methods as they cross the border."""

from typing import Any

from contracts.money import UnitPrice
from contracts.orders import DeliveryMethod


def as_delivery_method(row: Any) -> DeliveryMethod:
    """A delivery method."""
    return DeliveryMethod(
        key=row.key,
        name=row.name,
        description=row.description,
        stores=row.stores,
        countries=row.countries,
        price=UnitPrice.of(row.price, row.currency),
        is_tax_included=row.is_tax_included,
        tax_class=row.tax_class,
        position=row.position,
        version=row.version,
        updated_at=row.updated_at,
    )
