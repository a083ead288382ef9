"""What customer groups are decided by, as plain values."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

MANY = 1_000
"""Up to so many companies a changed group is applied at once; beyond, in the background."""
_AGEING = ("now", "spend_12_months_minor", "has_agreement", "payment_days")
_AGES = re.compile(rf"\b(?:{'|'.join(_AGEING)})\b")


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts of a company at a moment. Texts are empty where unset; sums are in minor units of
    `currency`, and gross; `payment_days` are those of the agreement in force.
    """

    company: str
    country: str
    region: str
    currency: str
    industry: str
    tier: str
    tags: tuple[str, ...]
    customer_since: datetime
    last_order_at: datetime | None
    orders: int
    lifetime_spend_minor: int
    spend_12_months_minor: int
    has_agreement: bool
    payment_days: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A company enters a group, or leaves it."""

    company: str
    group: str
    is_member: bool


def ages(rule: str) -> bool:
    """Whether a rule looks at facts that change by themselves as time goes on.

    It goes by names, so a string that has one in it counts too: that costs a needless look a day.
    """
    return _AGES.search(rule) is not None


def find_changes(
    group: str, *, of: Iterable[str], wanted: Collection[str], present: Collection[str]
) -> list[Change]:
    """Who of these companies enters and who leaves a group, in order of company."""
    return [
        Change(company, group, company in wanted)
        for company in sorted(of)
        if (company in wanted) != (company in present)
    ]
