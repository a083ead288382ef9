"""The tree of units: paths, circles, depth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import UnitsInCircle, UnitTooDeep
from accounts.unit.domain import DEEPEST, check_place, path_of

TREE = {"head": None, "north": "head", "south": "head", "shop": "north"}


def test_a_path_goes_up_to_the_root():
    assert path_of("shop", TREE) == ["shop", "north", "head"]
    assert path_of("head", TREE) == ["head"]


@pytest.mark.parametrize(
    ("unit", "parent"), [("north", "shop"), ("head", "shop"), ("shop", "shop")]
)
def test_a_unit_never_goes_below_itself(unit, parent):
    with pytest.raises(UnitsInCircle):
        check_place(unit, parent, TREE)


def test_a_move_that_makes_no_circle():
    check_place("shop", "south", TREE)
    check_place("north", "south", TREE)
    check_place("new", "shop", TREE)


def test_the_tree_is_not_too_deep():
    line = {"0": None} | {str(n): str(n - 1) for n in range(1, DEEPEST - 1)}
    check_place("new", str(DEEPEST - 2), line)
    with pytest.raises(UnitTooDeep):
        check_place("newer", "new", {**line, "new": str(DEEPEST - 2)})
    with pytest.raises(UnitTooDeep):  # a branch of two goes below the last but one
        check_place("a", str(DEEPEST - 2), {**line, "a": "0", "b": "a"})


@given(st.lists(st.integers(0, 9), max_size=9))
def test_allowed_moves_keep_a_tree(choices):
    parents: dict[str, str | None] = {"0": None}
    for number, choice in enumerate(choices, start=1):
        parents[str(number)] = str(choice % number)
    for unit in parents:
        for parent in parents:
            try:
                check_place(unit, parent, parents)
            except (UnitsInCircle, UnitTooDeep):
                continue
            moved = {**parents, unit: parent}
            assert all(path_of(one, moved)[-1] == "0" for one in moved if one != "0")
