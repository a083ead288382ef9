"""Rules of stock: what is short, which warehouse gives, what a count changes.

A SKU's stock lies in levels, one a warehouse; `available` is what lies there and is not
reserved. Nothing here reads or writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from contracts.bulk import LineOutcome


class MovementKind(StrEnum):
    """Why stock on hand changed; on hand is the sum of all movements."""

    RECEIVED = "received"
    ADJUSTED = "adjusted"
    SHIPPED = "shipped"
    RETURNED = "returned"


class ReservationStatus(StrEnum):
    """Where a reservation stands. A released one stays as the tombstone of its hold."""

    GRANTED = "granted"
    BOUND = "bound"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Level:
    """The stock of a SKU in a warehouse."""

    sku: str
    warehouse: str
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """Pieces that can still be promised."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Shortage:
    """A SKU of which more is wanted than is left."""

    sku: str
    wanted: int
    left: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one warehouse gives to a reservation."""

    sku: str
    warehouse: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What one count of a SKU did; `level` is how it stands after it (or, refused, before)."""

    outcome: LineOutcome
    level: Level
    difference: int = 0


def sum_demand(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up the quantities of each SKU, by SKU in sorted order.

    Lines that share a SKU share its stock, so the check is on the sum; and everybody who locks
    SKUs in sorted order never deadlocks with another.
    """
    demand: dict[str, int] = {}
    for sku, quantity in lines:
        demand[sku] = demand.get(sku, 0) + quantity
    return dict(sorted(demand.items()))


def find_shortages(demand: Mapping[str, int], available: Mapping[str, int]) -> list[Shortage]:
    """List the SKUs that fall short; one that was never counted has none left."""
    return [
        Shortage(sku, wanted, max(available.get(sku, 0), 0))
        for sku, wanted in demand.items()
        if available.get(sku, 0) < wanted
    ]


def allocate(demand: Mapping[str, int], levels: Sequence[Level]) -> list[Share]:
    """Take what is demanded from the levels, in the order given (first the preferred).

    Raises ValueError when they have not enough: the caller has checked the sum under a lock.
    """
    missing = dict(demand)
    shares = []
    for level in levels:
        quantity = min(missing.get(level.sku, 0), level.available)
        if quantity > 0:
            shares.append(Share(level.sku, level.warehouse, quantity))
            missing[level.sku] -= quantity
    if any(missing.values()):
        raise ValueError("the levels of a SKU do not add up to its stock")
    return shares


def take(demand: Mapping[str, int], shares: Sequence[Share]) -> list[Share]:
    """Take pieces that are shipped out of what a reservation still holds of them.

    Raises ValueError where it does not hold so many: its order never has more.
    """
    missing = dict(demand)
    taken = []
    for share in shares:
        quantity = min(missing.get(share.sku, 0), share.quantity)
        if quantity > 0:
            taken.append(Share(share.sku, share.warehouse, quantity))
            missing[share.sku] -= quantity
    if any(missing.values()):
        raise ValueError("an order has more than is reserved for it")
    return taken


def book_count(before: Level | None, counted: Level) -> Counted:
    """Book a count of a SKU in a warehouse; the difference is an adjustment.

    Fewer than are reserved is refused and changes nothing.
    """
    if before is None:
        return Counted(LineOutcome.CREATED, counted, counted.on_hand)
    if counted.on_hand < before.reserved:
        return Counted(LineOutcome.REFUSED, before)
    difference = counted.on_hand - before.on_hand
    if difference == 0:
        return Counted(LineOutcome.UNCHANGED, before)
    return Counted(LineOutcome.UPDATED, replace(before, on_hand=counted.on_hand), difference)
