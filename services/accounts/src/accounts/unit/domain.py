"""Rules of the tree of units."""

from collections.abc import Mapping

from accounts.errors import UnitsInCircle, UnitTooDeep

DEEPEST = 20


def path_of(unit: str, parents: Mapping[str, str | None]) -> list[str]:
    """A unit and those above it, up to the root; `parents` has every unit of the company."""
    path = [unit]
    while (parent := parents[path[-1]]) is not None:
        path.append(parent)
    return path


def check_place(unit: str, parent: str, parents: Mapping[str, str | None]) -> None:
    """Raise UnitsInCircle or UnitTooDeep unless a unit, with all below it, may go there."""
    above = path_of(parent, parents)
    if unit in above:
        raise UnitsInCircle(unit, parent)
    below = {key: path_of(key, parents) for key in parents}
    deepest = max((path.index(unit) for path in below.values() if unit in path), default=0)
    if len(above) + 1 + deepest > DEEPEST:
        raise UnitTooDeep(DEEPEST)
