"""Look-ahead: which fields a query selects below the one that is being resolved.

A resolver asks this before it calls anybody, so that all its level needs is fetched in one call
to each neighbour and the rest of the execution only reads.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    VariableNode,
)


class Selection(dict[str, "Selection"]):
    """The fields selected below one, by their names in the schema, aliases merged."""

    def has(self, *path: str) -> bool:
        """Whether a field is selected, given by its path from here."""
        return self.within(*path) is not None

    def within(self, *path: str) -> "Selection | None":
        """What is selected below a field; None if that one is not."""
        found: Selection | None = self
        for name in path:
            if found is None:
                return None
            found = found.get(name)
        return found

    def merged(self, other: "Selection | None") -> "Selection":
        """Both together, as when `edges.node` and `nodes` are both selected."""
        both = Selection(self)
        for name, below in (other or {}).items():
            both[name] = below.merged(both.get(name))
        return both


def selection_of(info: "GraphQLResolveInfo[Any]") -> Selection:
    """What is selected below the field that is being resolved.

    Fields of all types of an inline fragment or a spread count: at worst too much is fetched.
    """
    variables: Any = info.variable_values
    values: Mapping[str, Any] = getattr(variables, "coerced", variables)
    found = Selection()
    for node in info.field_nodes:
        if node.selection_set is not None:
            _collect(node.selection_set.selections, found, info.fragments, values, frozenset())
    return found


def _collect(
    nodes: Iterable[SelectionNode],
    found: Selection,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    spread: frozenset[str],
) -> None:
    for node in nodes:
        if node.directives and not _is_included(node, variables):
            continue
        if isinstance(node, FieldNode):
            below = found.setdefault(node.name.value, Selection())
            if node.selection_set is not None:
                _collect(node.selection_set.selections, below, fragments, variables, spread)
        elif isinstance(node, InlineFragmentNode):
            _collect(node.selection_set.selections, found, fragments, variables, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            name = node.name.value
            inner = fragments[name].selection_set.selections
            _collect(inner, found, fragments, variables, spread | {name})


def _is_included(node: SelectionNode, variables: Mapping[str, Any]) -> bool:
    for directive in node.directives or ():
        name = directive.name.value
        if name not in (GraphQLSkipDirective.name, GraphQLIncludeDirective.name):
            continue
        for argument in directive.arguments or ():
            value: Any = argument.value
            given = (
                variables.get(value.name.value) if isinstance(value, VariableNode) else value.value
            )
            if bool(given) is (name == GraphQLSkipDirective.name):
                return False
    return True
