"""What orders knows of a store."""

from dataclasses import dataclass

from contracts.catalog import Audience


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store's currencies, locales and countries, the first of each its default; whom it sells
    to, and whether only what an assortment has is sold there.
    """

    key: str
    currencies: tuple[str, ...]
    locales: tuple[str, ...]
    countries: tuple[str, ...]
    audience: Audience = Audience.D2C
    default_assortment: str | None = None
