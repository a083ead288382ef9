"""Rules of ledgers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.ledger.domain import Movement, Standing, add_up, hold, release, settle
from contracts.companies import LedgerEntryKind

STEPS = st.lists(
    st.tuples(st.sampled_from("hrs"), st.integers(0, 5), st.integers(1, 10**12)), max_size=60
)


def test_what_is_held_is_given_back_or_used():
    assert add_up([hold(5), hold(7), release(5)]) == Standing(7, 0)
    assert add_up([hold(5), hold(7), settle(5)]) == Standing(7, 5)
    assert Standing(7, 5).left_of(20) == 8
    assert Standing(7, 5).left_of(10) == -2


def test_a_ledger_never_gives_what_it_does_not_have():
    with pytest.raises(ValueError, match="does not have"):
        add_up([hold(5), release(6)])
    with pytest.raises(ValueError, match="does not have"):
        Standing(5, 0).after(Movement(LedgerEntryKind.SETTLED, 0, -1))


@given(STEPS)
def test_held_and_used_are_the_sum_of_the_movements(steps):
    """Any sequence of holds, releases and settlements, each hold ended at most once."""
    open_holds: dict[int, int] = {}
    movements, used = [], 0
    for step, number, amount in steps:
        if step == "h" and number not in open_holds:
            open_holds[number] = amount
            movements.append(hold(amount))
        elif step == "r" and number in open_holds:
            movements.append(release(open_holds.pop(number)))
        elif step == "s" and number in open_holds:
            used += open_holds[number]
            movements.append(settle(open_holds.pop(number)))
    standing = add_up(movements)
    assert standing == Standing(sum(open_holds.values()), used)
    assert standing.held_minor + standing.used_minor == sum(
        movement.held_minor + movement.used_minor for movement in movements
    )
