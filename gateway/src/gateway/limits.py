"""How much a query may ask for, counted before it is validated or run.

Each fragment is measured once, so that a query of a few hundred tokens whose fragments spread
each other twice over costs no more to refuse than it has tokens; limiters that walk into every
spread (Strawberry's do) would take for ever on it. Then fields that stand several times in one
place are counted by pairs, for validation compares each with each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.errors import QueryTooCostly
from gateway.settings import Settings

_MANY = 10**9


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection comes to, its fragments spread out; these count as selections too."""

    depth: int = 0
    selections: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: "Cost") -> "Cost":
        """Both in one selection set."""
        return Cost(
            max(self.depth, other.depth),
            min(self.selections + other.selections, _MANY),
            min(self.aliases + other.aliases, _MANY),
            min(self.directives + other.directives, _MANY),
        )


def check_limits(document: DocumentNode, settings: Settings) -> None:
    """Raise QueryTooCostly for a document with an operation beyond a limit.

    Introspection has no depth here; a validation rule bounds that.
    """
    measure = _Measure(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            cost = measure.of(definition.selection_set.selections)
            _check("levels", cost.depth, settings.max_depth)
            _check("aliases", cost.aliases, settings.max_aliases)
            _check("selections", cost.selections, settings.max_selections)
            _check("directives", cost.directives, settings.max_directives)
            pairs = measure.pairs([definition.selection_set])
            _check("pairs of equal fields", pairs, settings.max_pairs)


def _check(what: str, found: int, allowed: int) -> None:
    if found > allowed:
        raise QueryTooCostly(what, found if found < _MANY else "too many", allowed)


class _Measure:
    """Measures selections of one document; what a fragment comes to is found once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[str, Cost] = {}

    def of(self, selections: Iterable[SelectionNode]) -> Cost:
        total = Cost()
        for node in selections:
            total = total.beside(self._of_one(node))
        return total

    def pairs(self, sets: Sequence[SelectionSetNode]) -> int:
        """How many pairs of fields answer under the same name in the same place.

        Only for a document whose selections are known to be few.
        """
        groups: dict[str, list[FieldNode]] = {}
        for one in sets:
            self._group(one, groups, frozenset())
        total = 0
        for nodes in groups.values():
            inner = [node.selection_set for node in nodes if node.selection_set is not None]
            total += len(nodes) * (len(nodes) - 1) // 2 + (self.pairs(inner) if inner else 0)
        return total

    def _group(
        self,
        selections: SelectionSetNode,
        groups: dict[str, list[FieldNode]],
        spread: frozenset[str],
    ) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                name = node.alias.value if node.alias else node.name.value
                groups.setdefault(name, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._group(node.selection_set, groups, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                fragment = self._fragments.get(node.name.value)
                if fragment is not None:
                    self._group(fragment.selection_set, groups, spread | {node.name.value})

    def _of_one(self, node: SelectionNode) -> Cost:
        own = Cost(selections=1, directives=len(node.directives or ()))
        if isinstance(node, FieldNode):
            return self._of_field(node).beside(own)
        if isinstance(node, InlineFragmentNode):
            return self.of(node.selection_set.selections).beside(own)
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value).beside(own)
        return own

    def _of_field(self, node: FieldNode) -> Cost:
        own = Cost(aliases=1 if node.alias else 0)
        if node.selection_set is None:
            return own
        below = self.of(node.selection_set.selections)
        depth = 0 if node.name.value.startswith("__") else below.depth + 1
        return Cost(depth, below.selections, below.aliases, below.directives).beside(own)

    def _of_fragment(self, name: str) -> Cost:
        """A cycle or an unknown name comes to nothing here; validation refuses both."""
        if name not in self._known:
            self._known[name] = Cost()
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._known[name] = self.of(fragment.selection_set.selections)
        return self._known[name]
