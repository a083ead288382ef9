"""What goes wrong, as GraphQL tells it.

```
contracts.problems.Problem    a service's or our own: its code and sentence are passed on
├── MutationByGet             a GET changes nothing
├── contracts.problems.Forbidden
│   └── MemberOnly            this is for members of companies
├── contracts.problems.BadRequest
│   ├── RequestNotReadable    the HTTP request is no GraphQL request
│   └── QueryNotReadable      the document cannot be parsed
├── contracts.problems.Invalid
│   ├── QueryTooCostly        too deep, or too many tokens, aliases, selections, directives
│   ├── OperationUnknown      no operation, or several and none named
│   ├── SubscriptionByRequest a subscription needs a stream
│   ├── PageSizeOutOfRange    `first` is not 1 to 100
│   └── StoreUnknown          the header names no store
├── contracts.problems.TooMany
│   ├── TooManySubscriptions  of this connection
│   └── SubscriberTooSlow     more changes wait for it than are kept
└── contracts.problems.Unavailable
    ├── SubscriptionsFull     of this process
    ├── SubscriptionsAway     there is no broker to hear changes from
    └── GoingAway             the process ends; connect again
GraphQLError                  a document that does not fit the schema: `graphql-invalid`
anything else                 masked as `internal-error`; the log has it under the request id
```
"""

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError

from chassis import logs, tracing
from contracts.problems import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    TooMany,
    Unavailable,
)

Result = TypeVar("Result")

log = logs.get_logger(__name__)


class RequestNotReadable(BadRequest):
    """The HTTP request is no GraphQL request."""


class QueryNotReadable(BadRequest):
    """The document cannot be parsed."""


class MutationByGet(Problem):
    """A GET changes nothing."""

    status = 405
    title = "Method not allowed"

    def __init__(self) -> None:
        super().__init__("Send a mutation by POST.")


class QueryTooCostly(Invalid):
    """The document is beyond a limit."""

    def __init__(self, what: str, found: int | str, allowed: int) -> None:
        super().__init__(f"The query has {found} {what}; {allowed} at most are allowed.")


class OperationUnknown(Invalid):
    """There is no such operation in the document."""


class SubscriptionByRequest(Invalid):
    """A subscription needs a stream."""

    def __init__(self) -> None:
        super().__init__(
            "Subscribe over graphql-transport-ws, or with `Accept: text/event-stream`."
        )


class PageSizeOutOfRange(Invalid):
    """`first` is not 1 to 100, or to fewer where each item costs a call."""

    def __init__(self, first: int, *, most: int = 100) -> None:
        super().__init__(f"`first` must be 1 to {most}, not {first}.", field="first")


class MemberOnly(Forbidden):
    """This is for members of companies."""

    def __init__(self) -> None:
        super().__init__("This is for members of companies; sign in as one.")


class TooManySubscriptions(TooMany):
    """A connection has as many subscriptions as it may have."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"A connection may have {allowed} subscriptions at most.")


class SubscriberTooSlow(TooMany):
    """More changes wait for a subscriber than are kept."""

    def __init__(self) -> None:
        super().__init__("Changes were not taken fast enough; read anew and subscribe again.")


class SubscriptionsFull(Unavailable):
    """The process has as many subscriptions as it may have."""

    def __init__(self) -> None:
        super().__init__("There are too many subscriptions right now; please try again.")


class SubscriptionsAway(Unavailable):
    """There is no broker to hear changes from."""

    def __init__(self) -> None:
        super().__init__("Changes cannot be heard here: no message broker is set up.")


class GoingAway(Unavailable):
    """The process ends; another takes over."""

    def __init__(self) -> None:
        super().__init__("This process ends; please connect again.")


class StoreUnknown(Invalid):
    """The header names no store."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no store {key!r}; name one in the header Tandem-Store.")


@strawberry.type(description="Something that a person can mend, in answer to a mutation.")
class UserError:
    code: str = strawberry.field(description="Stable slug, for programs.")
    message: str = strawberry.field(description="What is wrong and what would do, for people.")
    field: str | None = strawberry.field(
        description="Where in `input`, such as `lines.0.quantity`; null if in no one place."
    )


async def told(work: Awaitable[Result]) -> tuple[Result | None, list[UserError]]:
    """The result, or what a person can mend: a problem of the kinds Invalid, Conflict, NotFound."""
    try:
        return await work, []
    except (Invalid, Conflict, NotFound) as problem:
        return None, user_errors(problem)


def user_errors(problem: Problem) -> list[UserError]:
    """The bad fields of a problem, or the problem itself where it names none."""
    if not problem.errors:
        return [UserError(code=problem.code, message=problem.detail, field=None)]
    return [
        UserError(code=error.code, message=error.message, field=field_path(error))
        for error in problem.errors
    ]


def field_path(error: FieldError) -> str | None:
    """`/delivery_address/postal_code` as `deliveryAddress.postalCode`; None for the whole."""
    parts = error.pointer.strip("/").split("/")
    return ".".join(_camel(part) for part in parts) or None


def _camel(name: str) -> str:
    head, *rest = name.replace("~1", "/").replace("~0", "~").split("_")
    return head + "".join(part.capitalize() for part in rest)


def formatted(error: GraphQLError) -> dict[str, Any]:
    """An error as it goes out; what is nobody's business is masked and logged."""
    told: dict[str, Any] = {"message": error.message}
    if error.locations:
        told["locations"] = [place.formatted for place in error.locations]
    if error.path:
        told["path"] = error.path
    told["extensions"] = _extensions(error, told)
    return told


def _extensions(error: GraphQLError, told: dict[str, Any]) -> dict[str, Any]:
    cause = _root_cause(error)
    extensions: dict[str, Any] = {"code": "graphql-invalid", "requestId": tracing.request_id()}
    if isinstance(cause, Problem):
        told["message"] = cause.detail
        extensions["code"] = cause.code
        fields = [
            {"field": field_path(one), "code": one.code, "message": one.message}
            for one in cause.errors
        ]
        if fields:
            extensions["fields"] = fields
    elif cause is not None and error.path is not None:
        log.error("resolver failed", path=error.path, exc_info=cause)
        told["message"] = "Something went wrong on our side; please quote the request id."
        extensions["code"] = "internal-error"
    return extensions


def _root_cause(error: GraphQLError) -> Exception | None:
    """What was raised, if it was not GraphQL itself that complained.

    A scalar that refuses a variable raises too, but before anything runs, so without a path.
    """
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def problem_error(problem: Problem, *, path: Sequence[str | int] | None = None) -> GraphQLError:
    """A problem as a GraphQL error."""
    return GraphQLError(problem.detail, path=list(path) if path else None, original_error=problem)
