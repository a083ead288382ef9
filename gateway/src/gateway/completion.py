"""Completing what a root resolver fetched: the answer's nested objects and lists, made at once.

graphql-core goes through some twenty calls for each field, which in a list of products is most
of a request's cost. Below the roots our fields only read an attribute, so the selection is
compiled into nested closures, once for a document, which do just that. They know the usual case
only: whatever else they meet (a null that must not be, a value of another kind) is left to
graphql-core, which completes the same value anew and says what is wrong and where.
"""

from collections.abc import Callable, Hashable
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental

Complete = Callable[[Any], Any]
"""From a value that is not null to what stands in the answer."""

READER = "tandem-reader"
"""Key in a field's extensions: the function that reads the field from its object, where that is
all there is to resolving it."""

_MOST_PLANS = 64
_EXACT: dict[str, type] = {
    "String": str,
    "ID": str,
    "Boolean": bool,
    "Decimal": str,
    "DateTime": str,
}
"""Scalars whose values of that very type stand in the answer as they are."""


class Unusual(Exception):
    """Not the usual case: graphql-core shall see to it."""


class Plans:
    """The compiled selections of one document; None for those that cannot be compiled."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Complete | None] = {}

    def find(self, key: Hashable, compile_: Callable[[], Complete]) -> Complete | None:
        """The plan under the key, compiled now if it is not known."""
        if key not in self._known:
            if len(self._known) >= _MOST_PLANS:
                self._known.clear()
            try:
                self._known[key] = compile_()
            except (Unusual, GraphQLError):
                self._known[key] = None
        return self._known[key]


class QuickExecutor(ExecutorThrowingOnIncremental):
    """graphql-core's executor, but for objects whose selection can be compiled."""

    def __init__(self, *args: Any, plans: Plans, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans = plans
        given = self.variable_values.coerced
        self._switches = tuple(sorted(one for one in given.items() if type(one[1]) is bool))

    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        path: Any,
        result: Any,
        position_context: None,
    ) -> Any:
        """As it says there. What @skip and @include leave depends on boolean variables."""
        nodes = tuple(id(details.node) for details in field_details_list)
        plan = self._plans.find(
            (return_type.name, nodes, self._switches),
            lambda: self._compile_object(return_type, field_details_list),
        )
        if plan is not None:
            try:
                return plan(result)
            except Exception:  # noqa: S110 (done again below, where it is told as it is)
                pass
        return super().collect_and_execute_subfields(
            return_type, field_details_list, path, result, position_context
        )

    def _compile_object(self, kind: GraphQLObjectType, field_details_list: Any) -> Complete:
        grouped = self.collect_subfields(kind, field_details_list).grouped_field_set
        names: list[tuple[str, str]] = []
        fields: list[tuple[str, Complete, type | None, Complete, bool]] = []
        for response_name, details in grouped.items():
            name = details[0].node.name.value
            if name == "__typename":
                names.append((response_name, kind.name))
                continue
            field = kind.fields[name]
            complete, exact = self._compile(field.type, details)
            is_nullable = not isinstance(field.type, GraphQLNonNull)
            fields.append((response_name, _reader(field), exact, complete, is_nullable))
        return _object(fields, dict(names), [*grouped])

    def _compile(self, kind: GraphQLOutputType, details: Any) -> tuple[Complete, type | None]:
        """How a value of the type is completed, and the type of those that need not be."""
        if isinstance(kind, GraphQLNonNull):
            return self._compile(kind.of_type, details)
        if isinstance(kind, GraphQLList):
            complete, _ = self._compile(kind.of_type, details)
            return _list(complete, not isinstance(kind.of_type, GraphQLNonNull)), None
        if isinstance(kind, GraphQLObjectType):
            return self._compile_object(kind, details), None
        if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
            return kind.serialize, _EXACT.get(kind.name)
        raise Unusual


def _reader(field: GraphQLField) -> Complete:
    read: Complete | None = field.extensions.get(READER)
    if read is None:
        raise Unusual
    return read


def _object(
    fields: list[tuple[str, Complete, type | None, Complete, bool]],
    typenames: dict[str, str],
    order: list[str],
) -> Complete:
    def complete(source: Any) -> Any:
        answer: dict[str, Any] = {}
        for name, read, exact, finish, is_nullable in fields:
            value = read(source)
            if type(value) is exact:
                answer[name] = value
            elif value is not None:
                answer[name] = finish(value)
            elif is_nullable:
                answer[name] = None
            else:
                raise Unusual
        return answer

    def complete_named(source: Any) -> Any:
        answer = complete(source) | typenames
        return {name: answer[name] for name in order}

    return complete_named if typenames else complete


def _list(complete: Complete, is_nullable: bool) -> Complete:
    def complete_all(values: Any) -> Any:
        if type(values) is not list:
            raise Unusual
        if None not in values:
            return [complete(value) for value in values]
        if not is_nullable:
            raise Unusual
        return [None if value is None else complete(value) for value in values]

    return complete_all
