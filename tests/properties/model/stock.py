"""How much lies where, and how much of that is promised."""

from dataclasses import dataclass

from contracts.orders import PutWarehouse
from tests.properties.model.kept import Kept
from tests.properties.model.refused import Refused


@dataclass
class Level:
    """Pieces of a SKU in a warehouse."""

    on_hand: int = 0
    reserved: int = 0


class Stock:
    """Warehouses and levels. `told` has what was available of a SKU after each of its changes."""

    def __init__(self) -> None:
        self.warehouses: Kept[PutWarehouse] = Kept()
        self.levels: dict[tuple[str, str], Level] = {}
        self.told: dict[str, list[int]] = {}

    def count(self, warehouse: str, sku: str, on_hand: int) -> int:
        """Set what was counted: no fewer than are promised there."""
        if warehouse not in self.warehouses.bodies:
            raise Refused(404, "warehouse-not-found")
        level = self.levels.get((warehouse, sku))
        if level is not None and on_hand < level.reserved:
            raise Refused(409, "count-below-reserved", sku=sku, reserved=level.reserved)
        if level is None or level.on_hand != on_hand:
            reserved = level.reserved if level else 0
            self.levels[warehouse, sku] = Level(on_hand, reserved)
            self._tell(sku)
        return 200 if level else 201

    def available(self, sku: str) -> int:
        """What can be promised, over all warehouses."""
        return sum(
            level.on_hand - level.reserved
            for (_, its_sku), level in self.levels.items()
            if its_sku == sku
        )

    def reserve(self, wanted: dict[str, int]) -> dict[tuple[str, str], int]:
        """Promise all of it, from the warehouse of highest priority first, or nothing."""
        short = [
            {"sku": sku, "requested": quantity, "available": self.available(sku)}
            for sku, quantity in sorted(wanted.items())
            if self.available(sku) < quantity
        ]
        if short:
            raise Refused(409, "not-enough-stock", shortages=short)
        preferred = sorted(
            self.warehouses.bodies, key=lambda key: (-self.warehouses.bodies[key].priority, key)
        )
        taken = {}
        for sku, quantity in wanted.items():
            missing = quantity
            for key in preferred:
                level = self.levels.get((key, sku), Level())
                share = min(missing, level.on_hand - level.reserved)
                if share:
                    level.reserved += share
                    taken[key, sku] = share
                    missing -= share
            self._tell(sku)
        return taken

    def release(self, taken: dict[tuple[str, str], int]) -> None:
        """Give back what was promised."""
        for place, share in taken.items():
            self.levels[place].reserved -= share
        for sku in {sku for _, sku in taken}:
            self._tell(sku)

    def _tell(self, sku: str) -> None:
        self.told.setdefault(sku, []).append(self.available(sku))
