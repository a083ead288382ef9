"""What a payment provider answers, and what is left of a payment to be moved."""

from dataclasses import dataclass
from enum import StrEnum

from contracts.orders import MovementKind, PaymentStatus


class StoredStatus(StrEnum):
    """Where a payment stands with us; what was taken and given back is told by its amounts."""

    AUTHORISED = "authorised"
    VOIDED = "voided"


class MovementState(StrEnum):
    """Where a movement stands with us."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Authorised:
    """The money is reserved; `reference` is the provider's name for that."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider said no; nothing was charged."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider does not know yet; it will tell, or can be asked again."""


def left_of(kind: MovementKind, *, amount: int, captured: int, refunded: int) -> int:
    """What may still be captured or refunded, in minor units."""
    return amount - captured if kind is MovementKind.CAPTURE else captured - refunded


def status_of(*, captured: int, refunded: int) -> PaymentStatus:
    """Where the payment of an order stands, by what was moved."""
    if not captured:
        return PaymentStatus.AUTHORISED
    return PaymentStatus.REFUNDED if refunded == captured else PaymentStatus.CAPTURED
