"""Rules of delivery: where a method is offered."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Method:
    """A way to have an order brought."""

    key: str
    name: Mapping[str, str]
    stores: tuple[str, ...]
    countries: tuple[str, ...]
    price: Decimal
    currency: str
    is_tax_included: bool
    tax_class: str


def is_offered(method: Method, *, store: str, country: str, currency: str) -> bool:
    """Whether it is offered there; no store named means all of them."""
    return (
        (not method.stores or store in method.stores)
        and country in method.countries
        and currency == method.currency
    )
