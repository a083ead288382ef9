"""Rules of assortments: what one names, and whom it is for, as rows that can be looked up."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from contracts.buyers import BuyerProfile
from contracts.catalog import AssortmentAssignment, AssortmentRule, BuyerLevel


class Side(StrEnum):
    """Whether a rule takes in or leaves out."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


class Named(StrEnum):
    """What kind of thing a rule names."""

    CATEGORY = "category"
    PRODUCT = "product"
    SKU = "sku"


class Clause(NamedTuple):
    """One thing that a rule names."""

    side: Side
    kind: Named
    key: str


class Target(NamedTuple):
    """Buyers that an assortment may be for. `company` is that of a unit, else empty."""

    level: BuyerLevel
    company: str
    key: str


def clauses_of(include: AssortmentRule | None, exclude: AssortmentRule | None) -> list[Clause]:
    """Everything that the rules of an assortment name, each thing once."""
    return [*_clauses(Side.INCLUDE, include), *_clauses(Side.EXCLUDE, exclude)]


def _clauses(side: Side, rule: AssortmentRule | None) -> Iterable[Clause]:
    if rule is None:
        return
    for kind, keys in (
        (Named.CATEGORY, rule.categories),
        (Named.PRODUCT, rule.products),
        (Named.SKU, rule.skus),
    ):
        for key in sorted(set(keys)):
            yield Clause(side, kind, key)


def target_of(assignment: AssortmentAssignment) -> Target:
    """Whom an assignment is for."""
    return Target(assignment.level, assignment.company or "", assignment.key)


def targets_of(buyer: BuyerProfile, *, now: datetime) -> list[Target]:
    """Every target that a buyer is one of: their groups, company, units upward, and the agreements
    in force now.
    """
    return [
        *(Target(BuyerLevel.GROUP, "", key) for key in buyer.groups),
        Target(BuyerLevel.COMPANY, "", buyer.company),
        *(Target(BuyerLevel.UNIT, buyer.company, key) for key in buyer.units),
        *(
            Target(BuyerLevel.AGREEMENT, "", agreement.key)
            for agreement in buyer.agreements
            if (agreement.valid_from is None or agreement.valid_from <= now)
            and (agreement.valid_to is None or now < agreement.valid_to)
        ),
    ]
