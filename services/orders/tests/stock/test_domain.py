"""Rules of stock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bulk import LineOutcome
from orders.stock.domain import (
    Level,
    Share,
    Shortage,
    allocate,
    book_count,
    find_shortages,
    sum_demand,
    take,
)


def test_lines_of_one_sku_are_one_demand_and_skus_are_sorted():
    assert list(sum_demand([("b", 1), ("a", 2), ("b", 3)]).items()) == [("a", 2), ("b", 4)]


def test_a_sku_never_counted_is_short_with_none_left():
    assert find_shortages({"a": 1, "b": 2}, {"b": 2}) == [Shortage("a", 1, 0)]


def test_the_first_warehouse_gives_all_it_has_before_the_next():
    levels = [Level("a", "near", 3, 1), Level("a", "far", 9, 0)]
    shares = allocate({"a": 5}, levels)
    assert [(share.warehouse, share.quantity) for share in shares] == [("near", 2), ("far", 3)]


def test_levels_that_do_not_add_up_are_a_mistake_of_ours():
    with pytest.raises(ValueError, match="add up"):
        allocate({"a": 5}, [Level("a", "near", 3, 0)])


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 9)), max_size=12),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 20)),
)
def test_what_is_allocated_is_the_demand_and_no_level_gives_more_than_it_has(rows, demand):
    levels = [
        Level(sku, f"w{index}", max(on_hand, reserved), reserved)
        for index, (sku, on_hand, reserved) in enumerate(rows)
    ]
    available = sum_demand((level.sku, level.available) for level in levels)
    if find_shortages(demand, available):
        with pytest.raises(ValueError, match="add up"):
            allocate(demand, levels)
        return
    shares = allocate(demand, levels)
    assert sum_demand((share.sku, share.quantity) for share in shares) == sum_demand(demand.items())
    has = {(level.sku, level.warehouse): level.available for level in levels}
    assert all(0 < share.quantity <= has[share.sku, share.warehouse] for share in shares)


@pytest.mark.parametrize(
    ("before", "counted", "outcome", "difference"),
    [
        (None, 5, LineOutcome.CREATED, 5),
        (None, 0, LineOutcome.CREATED, 0),
        ((5, 2), 5, LineOutcome.UNCHANGED, 0),
        ((5, 2), 2, LineOutcome.UPDATED, -3),
        ((5, 2), 1, LineOutcome.REFUSED, 0),
        ((5, 0), 9, LineOutcome.UPDATED, 4),
    ],
)
def test_a_count_books_the_difference(before, counted, outcome, difference):
    level = None if before is None else Level("a", "main", *before)
    booked = book_count(level, Level("a", "main", counted, 0))
    assert (booked.outcome, booked.difference) == (outcome, difference)
    assert booked.level.reserved == (0 if before is None else before[1])


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=12),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 20)),
)
def test_what_is_shipped_is_taken_from_what_is_reserved_for_it(rows, demand):
    shares = [Share(sku, f"w{index}", quantity) for index, (sku, quantity) in enumerate(rows)]
    reserved = sum_demand((share.sku, share.quantity) for share in shares)
    if any(reserved.get(sku, 0) < quantity for sku, quantity in demand.items()):
        with pytest.raises(ValueError, match="more than is reserved"):
            take(demand, shares)
        return
    taken = take(demand, shares)
    assert sum_demand((share.sku, share.quantity) for share in taken) == dict(
        sorted(demand.items())
    )
    by_place = {share.warehouse: share.quantity for share in shares}
    assert all(0 < share.quantity <= by_place[share.warehouse] for share in taken)
