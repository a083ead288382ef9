"""Rules of the category tree: where a category may stand, and which others move with it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from catalog.errors import CategoryInCycle, CategoryTooDeep, CategoryUnknown
from contracts.problems import Problem

MAX_DEPTH = 32


class Tree:
    """A part of the category tree, as parents by key: all ancestors of all it knows are in it.

    It is changed step by step while lines of a request are judged, so that each line sees what
    the lines before it did.
    """

    def __init__(self, paths: Mapping[str, Iterable[str]]) -> None:
        self._parents: dict[str, str | None] = {}
        self._children: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths.values():
            above: str | None = None
            for key in path:
                self.place(key, above)
                above = key

    def __contains__(self, key: str) -> bool:
        return key in self._parents

    def path_of(self, key: str) -> list[str]:
        """Keys from the root down to this category."""
        path = [key]
        while (above := self._parents[path[-1]]) is not None:
            path.append(above)
        return path[::-1]

    def why_not(self, key: str, parent: str | None) -> Problem | None:
        """Why a category may not stand below that parent; None if it may."""
        if parent is None:
            return None
        if parent == key:
            return CategoryInCycle(key, parent)
        if parent not in self._parents:
            return CategoryUnknown(parent, field="/parent")
        above = self.path_of(parent)
        if key in above:
            return CategoryInCycle(key, parent)
        if len(above) + self._height(key) > MAX_DEPTH:
            return CategoryTooDeep(MAX_DEPTH)
        return None

    def place(self, key: str, parent: str | None) -> None:
        """Put a category, and all below it, under that parent."""
        before = self._parents.get(key)
        if before is not None:
            self._children[before].discard(key)
        self._parents[key] = parent
        if parent is not None:
            self._children[parent].add(key)

    def _height(self, key: str) -> int:
        """Levels of the branch that begins with this category, itself counted."""
        return 1 + max((self._height(child) for child in self._children.get(key, ())), default=0)
