"""The port to payment providers: what is asked of one, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from contracts.money import Money


class PaymentStatus(StrEnum):
    """Where a payment stands with us."""

    AUTHORISED = "authorised"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Authorised:
    """The money is reserved; `reference` is the provider's name for that."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider said no; nothing was charged."""

    reason: str


class PaymentProvider(Protocol):
    """Moves money. Every call has an idempotency key and may be repeated at will; what cannot be
    reached raises, and is asked again.
    """

    async def authorise(self, key: str, *, amount: Money, token: str) -> Authorised | Declined:
        """Reserve the amount. The same key again gives the same answer."""
        ...

    async def void(self, key: str) -> None:
        """Give back what was authorised under the key; one never seen is refused from now on."""
        ...
