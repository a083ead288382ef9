"""From a query to its answer: parsed and validated once, then run synchronously over what the
root resolvers fetched.

Strawberry defines the schema; graphql-core runs it without Strawberry's per-request extensions,
which would cost more than the execution itself (README, figures).
"""

import inspect
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    execute,
    parse,
    specified_rules,
    subscribe,
    validate,
)
from graphql.validation import MaxIntrospectionDepthRule, NoSchemaIntrospectionCustomRule
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from contracts.problems import Problem
from gateway.completion import Plans, QuickExecutor
from gateway.context import Context
from gateway.errors import (
    GoingAway,
    MutationByGet,
    OperationUnknown,
    QueryNotReadable,
    QueryTooCostly,
    SubscriptionByRequest,
    problem_error,
)
from gateway.limits import check_limits
from gateway.settings import Settings

_RULES = (
    *specified_rules,
    MaxIntrospectionDepthRule,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
_LONGEST_KEPT = 20_000
_MOST_CHARACTERS = 200_000  # a document takes some 100 bytes for each


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, wherever it came from."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A query that fits the schema, and how its selections are completed."""

    ast: DocumentNode
    plans: Plans


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request came to. Without data nothing was run: `problem_status` says why not."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    problem_status: int | None = None


class Executor:
    """Runs requests against one schema and keeps the documents it has seen."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self._schema = schema
        self._settings = settings
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0
        self._rules = (
            _RULES if settings.introspection else (*_RULES, NoSchemaIntrospectionCustomRule)
        )

    async def run(self, request: Request, context: Context, *, may_change: bool = True) -> Outcome:
        """Answer a request; what is wrong with it or with a field is in the outcome's errors.

        `may_change` is False for a GET, which runs no mutation.
        """
        opened = self._open(request)
        if isinstance(opened, Outcome):
            return opened
        document, operation = opened
        if operation is OperationType.SUBSCRIPTION:
            return Outcome(None, [problem_error(SubscriptionByRequest())], 422)
        if operation is not OperationType.QUERY and not may_change:
            return Outcome(None, [problem_error(MutationByGet())], 405)
        return _outcome(await self._execute(document, request, context), context)

    async def stream(
        self, request: Request, context: Context, *, may_change: bool = True
    ) -> AsyncGenerator[Outcome, None]:
        """The outcomes of a subscription as they come, or the one of a query or mutation.

        Raises GoingAway when the process ends; any other end is told as the last outcome.
        """
        opened = self._open(request)
        if isinstance(opened, Outcome) or opened[1] is not OperationType.SUBSCRIPTION:
            yield await self.run(request, context, may_change=may_change)
            return
        try:
            results = await self._subscribe(opened[0], request, context)
            if isinstance(results, ExecutionResult):
                yield _outcome(results, context)
                return
            async with aclosing(results):
                async for result in results:
                    yield _outcome(result, context)
        except GoingAway:
            raise
        except Problem as problem:
            yield Outcome(None, [problem_error(problem)], problem.status)

    def _open(self, request: Request) -> "tuple[Document, OperationType] | Outcome":
        """The document and its kind of operation, or why it cannot be run."""
        try:
            document = self._read(request.query)
            return document, _operation(document.ast, request.operation_name).operation
        except GraphQLError as error:
            return Outcome(None, [error], 422)
        except (QueryNotReadable, QueryTooCostly, OperationUnknown) as problem:
            return Outcome(None, [problem_error(problem)], problem.status)
        except _Invalid as invalid:
            return Outcome(None, invalid.errors, 422)

    async def _subscribe(
        self, document: Document, request: Request, context: Context
    ) -> "AsyncGenerator[ExecutionResult, None] | ExecutionResult":
        begun = subscribe(
            self._schema,
            document.ast,
            context_value=context,
            variable_values=dict(request.variables) if request.variables else None,
            operation_name=request.operation_name,
        )
        results: Any = await begun if inspect.isawaitable(begun) else begun
        return cast("AsyncGenerator[ExecutionResult, None] | ExecutionResult", results)

    async def _execute(
        self, document: Document, request: Request, context: Context
    ) -> ExecutionResult:
        result = execute(
            self._schema,
            document.ast,
            context_value=context,
            variable_values=dict(request.variables) if request.variables else None,
            operation_name=request.operation_name,
            is_awaitable=cast(Any, optimized_is_awaitable),
            executor_class=QuickExecutor,
            plans=document.plans,
        )
        return result if isinstance(result, ExecutionResult) else await result

    def _read(self, query: str) -> Document:
        """Parse, measure and validate a query, or find it among those that were.

        Raises QueryNotReadable, QueryTooCostly, and _Invalid with what does not fit.
        """
        document = self._documents.get(query)
        if document is not None:
            self._documents.move_to_end(query)
            return document
        ast = self._parse(query)
        if errors := validate(
            self._schema, ast, self._rules, max_errors=20, allow_empty_selection_sets=False
        ):
            raise _Invalid(errors)
        document = Document(ast, Plans())
        self._keep(query, document)
        return document

    def _parse(self, query: str) -> DocumentNode:
        try:
            document = parse(query, max_tokens=self._settings.max_tokens)
            check_limits(document, self._settings)
        except GraphQLSyntaxError as error:
            raise self._refusal(error.message) from None
        except RecursionError:
            raise QueryTooCostly("levels", "too many", self._settings.max_depth) from None
        return document

    def _refusal(self, message: str) -> QueryNotReadable | QueryTooCostly:
        """Why it was not parsed: graphql-core says `Parsing aborted` when it gave up."""
        if "Parsing aborted" not in message:
            return QueryNotReadable(message)
        if "tokens" in message:
            limit = self._settings.max_tokens
            return QueryTooCostly("tokens", f"more than {limit}", limit)
        return QueryTooCostly("levels", "too many", self._settings.max_depth)

    def _keep(self, query: str, document: Document) -> None:
        """Remember a valid document; the least recently used ones make room."""
        if len(query) > _LONGEST_KEPT:
            return
        self._documents[query] = document
        self._characters += len(query)
        while (
            len(self._documents) > self._settings.documents or self._characters > _MOST_CHARACTERS
        ):
            oldest, _ = self._documents.popitem(last=False)
            self._characters -= len(oldest)


def _outcome(result: ExecutionResult, context: Context) -> Outcome:
    errors = [*(result.errors or ()), *context.notes]
    context.notes.clear()
    refused = result.data is None and all(error.path is None for error in errors)
    return Outcome(result.data, errors, 422 if refused else None)


class _Invalid(Exception):
    """The document does not fit the schema."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run. Raises OperationUnknown."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is None:
        if len(operations) != 1:
            raise OperationUnknown("Name one of the document's operations as `operationName`.")
        return operations[0]
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise OperationUnknown(f"The document has no operation {name!r}.")
