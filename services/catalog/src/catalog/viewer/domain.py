"""The formula: which things a viewer sees, by the assortments that the things belong to.

Visible is ((the store's assortment narrowed by the union of each level that narrows) and all
widenings) without all exclusions. A store without an assortment begins with everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from contracts.catalog import AssignmentEffect, BuyerLevel

MOST_NARROWINGS = 1 + len(BuyerLevel)
"""The store's own assortment, and one union a level."""


class Shape(NamedTuple):
    """What a plan's condition looks like, whatever assortments it names."""

    narrowings: int
    has_widenings: bool
    has_exclusions: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a viewer sees: things in one assortment of each of the narrowings, or in one of the
    widenings; and in none of the exclusions.
    """

    narrowings: tuple[tuple[int, ...], ...] = ()
    widenings: tuple[int, ...] = ()
    exclusions: tuple[int, ...] = ()

    @property
    def shape(self) -> Shape:
        """The form of its condition."""
        return Shape(len(self.narrowings), bool(self.widenings), bool(self.exclusions))


EVERYTHING = Plan()


class Assigned(NamedTuple):
    """An assortment that is assigned to a viewer, by its tag."""

    tag: int
    level: BuyerLevel
    effect: AssignmentEffect


def plan_of(default: int | None, assigned: Iterable[Assigned]) -> Plan:
    """The plan of a viewer in a store with that default assortment (None: everything)."""
    narrowing: dict[BuyerLevel, set[int]] = {}
    others: dict[AssignmentEffect, set[int]] = {}
    for one in assigned:
        if one.effect is AssignmentEffect.NARROW:
            narrowing.setdefault(one.level, set()).add(one.tag)
        else:
            others.setdefault(one.effect, set()).add(one.tag)
    unions = [narrowing[level] for level in BuyerLevel if level in narrowing]
    if default is not None:
        unions.insert(0, {default})
    # To everything nothing can be added.
    widenings = others.get(AssignmentEffect.WIDEN, set()) if unions else set()
    return Plan(
        narrowings=tuple(tuple(sorted(union)) for union in unions),
        widenings=tuple(sorted(widenings)),
        exclusions=tuple(sorted(others.get(AssignmentEffect.EXCLUDE, set()))),
    )
