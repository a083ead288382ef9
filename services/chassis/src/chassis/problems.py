"""Failures as answers: every kind of `contracts.problems`, bad input, and our own mistakes become
RFC 9457 problem documents here and nowhere else.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from chassis import tracing
from contracts.problems import (
    MEDIA_TYPE,
    BadRequest,
    FieldError,
    Invalid,
    NotFound,
    Problem,
    TooLarge,
    UnsupportedMedia,
    kind_of,
)


class BodyNotJson(BadRequest):
    """The body is no JSON in UTF-8."""

    def __init__(self, detail: str = "The body is not JSON in UTF-8.") -> None:
        super().__init__(detail)


class BodyTooLarge(TooLarge):
    """The body is longer than this door takes."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is longer than {limit_bytes} bytes.")


class MediaTypeNotSupported(UnsupportedMedia):
    """The body is of a type that this operation does not read."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"Send the body as {expected}.", headers={"Accept": expected})


class RouteNotFound(NotFound):
    """There is nothing at this path."""

    def __init__(self) -> None:
        super().__init__("There is nothing at this path.")


class InternalError(Problem):
    """A mistake of ours; the log has it under the request id."""

    status = 500
    title = "Internal error"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side; please quote the request id.")


class _MethodNotAllowed(Problem):
    status = 405
    title = "Method not allowed"


def as_response(problem: Problem, *, instance: str | None) -> Response:
    """The answer that tells a problem."""
    detail = problem.as_detail(instance=instance, request_id=tracing.request_id())
    return Response(
        detail.model_dump_json(exclude_none=True),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def pointer_of(location: Sequence[str | int], body: Any = None) -> str:
    """RFC 6901 pointer into the body, or the bare name of a parameter.

    Pydantic puts the tag of a union's member into the location. It is left out where the body is
    given: on the way to a field it is what stands in the location, but not in the body.
    """
    where, *rest = location or ("body",)
    if where != "body":
        return str(rest[0]) if rest else str(where)
    parts = rest if body is None else _without_tags(rest, body)
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _without_tags(parts: Sequence[str | int], body: Any) -> Iterator[str | int]:
    value = body
    for index, part in enumerate(parts):
        is_object = isinstance(value, dict)
        if is_object and part not in value and index < len(parts) - 1:
            continue
        yield part
        try:
            value = value[part]
        except (LookupError, TypeError):
            value = None


def _place_of(error: Any) -> tuple[str | int, ...]:
    """Where an error is; of a union without a member for its tag, at the tag."""
    place: tuple[str | int, ...] = tuple(error["loc"])
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*place, str(error["ctx"]["discriminator"]).strip("'"))
    return place


def field_errors(errors: Sequence[Any], body: Any = None) -> list[FieldError]:
    """Validation errors of Pydantic, without echoing what was sent."""
    return [
        FieldError(
            pointer=pointer_of(_place_of(error), body),
            code=str(error["type"]).replace("_", "-"),
            message=str(error["msg"]),
        )
        for error in errors
    ]


def invalid_input(errors: Sequence[Any], body: Any = None) -> Invalid:
    """The problem for validation errors of Pydantic."""
    found = field_errors(errors, body)
    first = found[0]
    return Invalid(
        f"{first.pointer or 'The body'}: {first.message}", code="invalid-input", errors=found
    )


def is_json(content_type: str | None) -> bool:
    """Whether a content type means JSON."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def install(app: FastAPI) -> None:
    """Have the application answer failures as problems."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 (registered for this class only)
        return as_response(error, instance=request.url.path)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return as_response(_of_validation(request, error), instance=request.url.path)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        return as_response(_of_http(error), instance=request.url.path)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _of_validation(request: Request, error: RequestValidationError) -> Problem:
    errors = error.errors()
    if any(one["type"] == "json_invalid" for one in errors):
        return BodyNotJson()
    if any(tuple(one["loc"]) == ("body",) for one in errors) and _is_foreign(request):
        return MediaTypeNotSupported("application/json")
    return invalid_input(errors, error.body)


def _is_foreign(request: Request) -> bool:
    """Whether there is a body, but not of the type that a JSON operation reads."""
    has_body = request.headers.get("content-length", "0") != "0" or (
        "transfer-encoding" in request.headers
    )
    return has_body and not is_json(request.headers.get("content-type"))


def _of_http(error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return RouteNotFound()
    if error.status_code == 405:
        return _MethodNotAllowed(
            f"This path answers {headers.get('Allow', 'other methods')}.",
            code="method-not-allowed",
            headers=headers,
        )
    if error.status_code == 400:
        return BodyNotJson()
    return kind_of(error.status_code)(str(error.detail), headers=headers)
