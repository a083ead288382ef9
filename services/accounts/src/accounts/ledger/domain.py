"""Rules of ledgers: what a movement adds to held and to used, and what is left.

A hold moves a ledger at most twice: something is held, and then either released or settled. So
held + used is always the sum of the movements, and neither is ever negative.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from contracts.companies import LedgerEntryKind


class LedgerKind(StrEnum):
    """Whose ledger it is: a company's credit, or a budget."""

    CREDIT = "credit"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Movement:
    """What is added to a ledger."""

    kind: LedgerEntryKind
    held_minor: int
    used_minor: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a ledger stands, in minor units of its currency."""

    held_minor: int = 0
    used_minor: int = 0

    def left_of(self, limit_minor: int) -> int:
        """What is left of a limit; negative where more was allowed."""
        return limit_minor - self.held_minor - self.used_minor

    def after(self, movement: Movement) -> "Standing":
        """Where it stands after a movement. ValueError where that takes what is not there."""
        moved = replace(
            self,
            held_minor=self.held_minor + movement.held_minor,
            used_minor=self.used_minor + movement.used_minor,
        )
        if moved.held_minor < 0 or moved.used_minor < 0:
            raise ValueError("a ledger cannot give what it does not have")
        return moved


def hold(amount_minor: int) -> Movement:
    """Hold an amount for an order that is being placed."""
    return Movement(LedgerEntryKind.HELD, amount_minor, 0)


def release(amount_minor: int) -> Movement:
    """Give back what was held."""
    return Movement(LedgerEntryKind.RELEASED, -amount_minor, 0)


def settle(amount_minor: int) -> Movement:
    """Turn what was held into used: its order was placed."""
    return Movement(LedgerEntryKind.SETTLED, -amount_minor, amount_minor)


def add_up(movements: Iterable[Movement]) -> Standing:
    """Where a ledger stands after all of its movements."""
    standing = Standing()
    for movement in movements:
        standing = standing.after(movement)
    return standing
