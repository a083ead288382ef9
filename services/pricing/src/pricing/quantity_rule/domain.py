"""Which quantities are sold, by the strictest of all rules for a SKU."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import lcm
from typing import Literal

from contracts.pricing import MAX_QUANTITY

Fault = Literal["below-minimum", "above-maximum", "off-multiple"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for a SKU: `minimum` is the smallest quantity that is a multiple, too."""

    minimum: int
    maximum: int | None
    multiple: int

    def find_fault(self, quantity: int) -> Fault | None:
        """Why this quantity is not sold, if it is not."""
        if quantity < self.minimum:
            return "below-minimum"
        if self.maximum is not None and quantity > self.maximum:
            return "above-maximum"
        return "off-multiple" if quantity % self.multiple else None

    def told(self, sku: str) -> str:
        """For a person: what would do."""
        multiples = f", in multiples of {self.multiple}" if self.multiple > 1 else ""
        if self.minimum > (self.maximum or MAX_QUANTITY):
            return f"{sku} is sold in no quantity at all: its rules exclude each other."
        if self.maximum is None:
            return f"{sku} is sold from {_pieces(self.minimum)}{multiples}."
        largest = self.maximum // self.multiple * self.multiple
        return f"{sku} is sold from {self.minimum} to {_pieces(largest)}{multiples}."


def strictest(minimum: int, maximum: int | None, multiples: Iterable[int]) -> Limits:
    """Of several rules the largest minimum, the smallest maximum, and a multiple of all.

    A multiple above all quantities is told as the first of those: many rules have a vast one.
    """
    multiple = min(lcm(*multiples), MAX_QUANTITY + 1)
    return Limits(-(-minimum // multiple) * multiple, maximum, multiple)


def _pieces(count: int) -> str:
    return "1 piece" if count == 1 else f"{count} pieces"
