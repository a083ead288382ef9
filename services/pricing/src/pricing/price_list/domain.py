"""Prices over two times, as pure rules.

A price holds in a window of *valid time* (`valid_from` up to, not including, `valid_to`), and is
known in a window of *recorded time*. What is known now of a SKU in a list is its timeline: spans
that never overlap. Setting a price takes the spans it overlaps out of the timeline (they stay
readable as what was known before) and puts in itself and what is left of them on either side.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from contracts.buyers import AgreementFacts, BuyerProfile
from contracts.pricing import AudienceLevel

Tiers = tuple[tuple[int, Decimal], ...]
"""Minimum quantity and price of one piece, by rising quantity, the first for 1."""
Timeline = tuple["Span", ...]
"""What is known now of one SKU in one list, by rising `valid_from`, without overlap."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A price in its window. `id` is the stored row's; None: not stored yet.

    `sequence` and `recorded_at` are those of the write that made it.
    """

    valid_from: datetime
    valid_to: datetime | None
    tiers: Tiers
    sequence: int = 0
    recorded_at: datetime | None = None
    id: int | None = None

    def overlaps(self, other: "Span") -> bool:
        """Whether there is a moment that both hold for."""
        return _before(self.valid_from, other.valid_to) and _before(other.valid_from, self.valid_to)

    def holds_at(self, moment: datetime) -> bool:
        """Whether it is the price at that moment; the end is not part of the window."""
        return self.valid_from <= moment and _before(moment, self.valid_to)


@dataclass(frozen=True, slots=True)
class Change:
    """What a write does to the stored rows: some are no longer known, others are from now on."""

    closed: Timeline
    recorded: Timeline
    recorded_at: datetime


def _before(moment: datetime, end: datetime | None) -> bool:
    return end is None or moment < end


def says_already(timeline: Timeline, wanted: Span) -> bool:
    """Whether the timeline has that very price in all of the window, in one span or several."""
    covered = wanted.valid_from
    for span in timeline:
        if not span.overlaps(wanted):
            continue
        if span.tiers != wanted.tiers or span.valid_from > covered:
            return False
        if span.valid_to is None:
            return True
        covered = span.valid_to
    return wanted.valid_to is not None and covered >= wanted.valid_to


def put(timeline: Timeline, wanted: Span) -> Timeline:
    """Put a price into its window; the same timeline when it says so already."""
    if says_already(timeline, wanted):
        return timeline
    result = [wanted]
    for span in timeline:
        result.extend(_remainders(span, wanted) if span.overlaps(wanted) else (span,))
    return tuple(sorted(result, key=lambda span: span.valid_from))


def _remainders(span: Span, taken: Span) -> Iterable[Span]:
    """What is left of a span on either side of a window, as new spans."""
    if span.valid_from < taken.valid_from:
        yield replace(span, valid_to=taken.valid_from, sequence=taken.sequence, id=None)
    if taken.valid_to is not None and _before(taken.valid_to, span.valid_to):
        yield replace(span, valid_from=taken.valid_to, sequence=taken.sequence, id=None)


def change_between(stored: Timeline, wanted: Timeline, *, now: datetime) -> Change:
    """Say which stored rows a write closes and which it records, and when.

    That is now, but never before or at the moment when what it closes was recorded: clocks of
    two machines differ a little, and each write has to have its moment of being known.
    """
    kept = {span.id for span in wanted if span.id is not None}
    closed = tuple(span for span in stored if span.id not in kept)
    known = [span.recorded_at for span in closed if span.recorded_at is not None]
    recorded_at = max([now, *(moment + _TICK for moment in known)])
    recorded = tuple(replace(span, recorded_at=recorded_at) for span in wanted if span.id is None)
    return Change(closed=closed, recorded=recorded, recorded_at=recorded_at)


def audience_key(level: str, key: str) -> str:
    """How an audience is written where lists are looked up by it: `group:volume`."""
    return f"{level}:{key}"


@dataclass(frozen=True, slots=True)
class Reach:
    """The audiences that a buyer belongs to, and the rank of each: the smallest goes first."""

    audiences: tuple[str, ...]
    ranks: tuple[int, ...]


def reach_of(profile: BuyerProfile, *, at: datetime) -> Reach:
    """Which lists are for a buyer at a moment, in their order of precedence.

    Agreements in force, the highest priority first, then by key; their unit, then those above it;
    their company; their groups, all alike; everybody. Among lists of one rank their own priority
    decides, then their key.
    """
    in_force = sorted(
        (one for one in profile.agreements if _is_in_force(one, at)),
        key=lambda one: (-one.priority, one.key),
    )
    ranked = [
        *((AudienceLevel.AGREEMENT, one.key) for one in in_force),
        *((AudienceLevel.UNIT, unit) for unit in profile.units),
        (AudienceLevel.COMPANY, profile.company),
    ]
    audiences = [audience_key(level, key) for level, key in ranked]
    groups = [audience_key(AudienceLevel.GROUP, key) for key in sorted(profile.groups)]
    last = len(audiences)
    return Reach(
        audiences=(*audiences, *groups, ""),
        ranks=(*range(last), *(last for _ in groups), last + 1),
    )


def _is_in_force(agreement: AgreementFacts, at: datetime) -> bool:
    return (agreement.valid_from is None or agreement.valid_from <= at) and (
        agreement.valid_to is None or agreement.valid_to > at
    )
