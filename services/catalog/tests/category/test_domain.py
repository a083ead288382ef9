"""Where a category may stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.category.domain import MAX_DEPTH, Tree
from catalog.errors import CategoryInCycle, CategoryTooDeep, CategoryUnknown

HOME = {"home": ["home"], "lighting": ["home", "lighting"], "led": ["home", "lighting", "led"]}


@pytest.mark.parametrize(
    ("key", "parent", "problem"),
    [
        ("new", None, None),
        ("new", "led", None),
        ("led", "home", None),
        ("led", None, None),
        ("new", "nowhere", CategoryUnknown),
        ("home", "home", CategoryInCycle),
        ("new", "new", CategoryInCycle),
        ("home", "lighting", CategoryInCycle),
        ("home", "led", CategoryInCycle),
    ],
)
def test_a_category_stands_nowhere_below_itself(key, parent, problem):
    found = Tree(HOME).why_not(key, parent)
    assert found is None if problem is None else isinstance(found, problem)


def test_a_moved_branch_takes_what_is_below_with_it():
    tree = Tree(HOME | {"garden": ["garden"]})
    tree.place("lighting", "garden")
    assert tree.path_of("led") == ["garden", "lighting", "led"]
    assert tree.why_not("home", "led") is None


def test_the_tree_is_only_so_deep():
    path = [f"c{depth}" for depth in range(MAX_DEPTH - 1)]
    tree = Tree({path[-1]: path} | HOME)
    assert tree.why_not("one-more", path[-1]) is None
    assert isinstance(tree.why_not("home", path[-1]), CategoryTooDeep)
    assert isinstance(tree.why_not("lighting", path[-1]), CategoryTooDeep)
    assert tree.why_not("led", path[-1]) is None


KEYS = st.sampled_from("abcdef")


@given(st.lists(st.tuples(KEYS, st.none() | KEYS), max_size=40))
def test_whatever_moves_are_allowed_no_circle_closes(moves):
    tree = Tree({})
    for key, parent in moves:
        if tree.why_not(key, parent) is None:
            tree.place(key, parent)
        for known in "abcdef":
            if known in tree:
                path = tree.path_of(known)
                assert len(set(path)) == len(path)
