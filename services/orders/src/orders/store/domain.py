"""What orders knows of a store."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store's currencies, locales and countries, the first of each its default."""

    key: str
    currencies: tuple[str, ...]
    locales: tuple[str, ...]
    countries: tuple[str, ...]
