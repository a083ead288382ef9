"""The timeline of a price, against a naive model: a list of everything that was ever said."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.price_list.domain import Span, Timeline, change_between, put, says_already

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number):
    return None if number is None else START + number * DAY


def span(since, until, amount="1", **more):
    return Span(day(since), day(until), ((1, Decimal(amount)),), **more)


def windows(timeline):
    return [(one.valid_from, one.valid_to, str(one.tiers[0][1])) for one in timeline]


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ([], span(2, 5), [(2, 5, "1")]),
        ([span(0, None)], span(2, 5, "2"), [(0, 2, "1"), (2, 5, "2"), (5, None, "1")]),
        ([span(0, None)], span(0, None, "2"), [(0, None, "2")]),
        ([span(0, None)], span(3, None, "2"), [(0, 3, "1"), (3, None, "2")]),
        ([span(3, None)], span(0, None, "2"), [(0, None, "2")]),
        ([span(3, 5)], span(0, 3, "2"), [(0, 3, "2"), (3, 5, "1")]),
        ([span(0, 2), span(3, 6)], span(1, 4, "2"), [(0, 1, "1"), (1, 4, "2"), (4, 6, "1")]),
        ([span(0, 5)], span(2, 9), [(0, 2, "1"), (2, 9, "1")]),
    ],
)
def test_price_takes_its_window_and_leaves_the_rest(before, wanted, after):
    expected = [(day(since), day(until), amount) for since, until, amount in after]
    assert windows(put(tuple(before), wanted)) == expected


@pytest.mark.parametrize(
    ("timeline", "wanted", "is_said"),
    [
        ([], span(0, None), False),
        ([span(0, None)], span(0, None), True),
        ([span(0, None)], span(3, 4), True),
        ([span(0, 4)], span(0, None), False),
        ([span(0, 4), span(4, None)], span(2, None), True),
        ([span(0, 4), span(5, None)], span(2, None), False),
        ([span(1, 4)], span(0, 4), False),
        ([span(0, 4), span(4, 6, "2")], span(0, 6), False),
        ([span(0, 4, "1.0")], span(0, 4, "1.00"), True),
    ],
)
def test_same_price_in_all_of_the_window_is_said_already(timeline, wanted, is_said):
    assert says_already(tuple(timeline), wanted) is is_said


def test_saying_it_again_gives_the_same_timeline():
    timeline = (span(0, None),)
    assert put(timeline, span(2, 4)) is timeline


def test_row_is_closed_after_it_was_recorded_even_by_a_slow_clock():
    stored = (span(0, None, recorded_at=day(10), id=1),)
    change = change_between(stored, put(stored, span(3, None, "2")), now=day(9))
    assert change.recorded_at == day(10) + timedelta(microseconds=1)
    assert [one.id for one in change.closed] == [1]
    assert {one.recorded_at for one in change.recorded} == {change.recorded_at}


moments = st.integers(0, 12)
facts = st.tuples(moments, st.none() | moments, st.integers(1, 3)).filter(
    lambda fact: fact[1] is None or fact[0] < fact[1]
)


@given(st.lists(facts, max_size=8))
def test_timeline_knows_what_a_naive_model_knows(said):
    """At every moment, by what was known after every write, rows and model give one price."""
    rows: dict[int | None, tuple[Any, ...]] = {}  # id -> (span, recorded, closed)
    timeline: Timeline = ()
    for number, (since, until, amount) in enumerate(said):
        now = START + timedelta(hours=number)
        wanted = put(timeline, span(since, until, str(amount)))
        change = change_between(timeline, wanted, now=now)
        for gone in change.closed:
            rows[gone.id] = (*rows[gone.id][:2], change.recorded_at)
        kept = [one for one in wanted if one.id is not None]
        for made in change.recorded:
            row_id = len(rows)
            rows[row_id] = (made, change.recorded_at, None)
            kept.append(
                Span(made.valid_from, made.valid_to, made.tiers, 0, made.recorded_at, row_id)
            )
        timeline = tuple(sorted(kept, key=lambda one: one.valid_from))
        for one, other in pairwise(timeline):
            assert not one.overlaps(other)
    for known in range(len(said)):
        known_at = START + timedelta(hours=known)
        for at in range(14):
            assert by_rows(rows, day(at), known_at) == by_model(said[: known + 1], at)


def by_rows(rows, at, known_at):
    found = [
        int(one.tiers[0][1])
        for one, recorded, closed in rows.values()
        if one.holds_at(at) and recorded <= known_at and (closed is None or known_at < closed)
    ]
    assert len(found) <= 1
    return found[0] if found else None


def by_model(said, at):
    holding = [
        amount for since, until, amount in said if since <= at and (until is None or at < until)
    ]
    return holding[-1] if holding else None
