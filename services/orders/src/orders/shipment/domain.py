"""Rules of shipping: what a parcel may hold, and where its order stands then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.orders import OrderStatus, ShipmentLineInput
from contracts.problems import FieldError
from orders.errors import LinesNotShippable, OrderAlreadyShipped


@dataclass(frozen=True, slots=True)
class Ordered:
    """How much of a SKU an order has, and how much of that was shipped."""

    sku: str
    quantity: int
    shipped: int

    @property
    def left(self) -> int:
        """Pieces that were not shipped yet."""
        return self.quantity - self.shipped


def pack(ordered: Sequence[Ordered], asked: Sequence[ShipmentLineInput] | None) -> dict[str, int]:
    """What goes into a parcel, by SKU: what is asked for, or all that is left.

    Raises OrderAlreadyShipped where nothing is left, and LinesNotShippable with every line that
    was not ordered or is more than what is left.
    """
    left = {line.sku: line.left for line in ordered}
    if not any(left.values()):
        raise OrderAlreadyShipped
    if asked is None:
        return {sku: quantity for sku, quantity in left.items() if quantity}
    errors = [
        error
        for index, line in enumerate(asked)
        if (error := _find_error(index, line, left)) is not None
    ]
    if errors:
        raise LinesNotShippable(errors)
    return {line.sku: line.quantity for line in asked}


def _find_error(index: int, line: ShipmentLineInput, left: Mapping[str, int]) -> FieldError | None:
    if line.sku not in left:
        return FieldError(
            pointer=f"/lines/{index}/sku",
            code="sku-not-ordered",
            message=f"{line.sku} was not ordered.",
        )
    if line.quantity > left[line.sku]:
        return FieldError(
            pointer=f"/lines/{index}/quantity",
            code="more-than-left",
            message=f"Only {left[line.sku]} of {line.sku} are left to be shipped.",
        )
    return None


def status_after(ordered: Sequence[Ordered], packed: Mapping[str, int]) -> OrderStatus:
    """Where an order stands once this parcel is on its way."""
    is_whole = all(line.left == packed.get(line.sku, 0) for line in ordered)
    return OrderStatus.SHIPPED if is_whole else OrderStatus.PARTIALLY_SHIPPED
