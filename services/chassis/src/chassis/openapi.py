"""OpenAPI as the service really answers: every operation declares the problems it may tell.

FastAPI documents what goes in and what comes out when all is well. Which problems may come back
follows from what an operation takes (a body, parameters, a token), so it is added here.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from chassis.auth import check_scopes, get_actor
from contracts.problems import KINDS, MEDIA_TYPE, ProblemDetail

MODELS = "x-models"
"""In a route's `openapi_extra`: schemas by name that its operation refers to."""
_KEY_TEXT = (
    "Makes the call safe to repeat: the same key and body get the same answer, for a day at"
    " least. Plain or as a quoted string."
)


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description or None,
        routes=app.routes,
        license_info=app.license_info,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for context in iter_route_contexts(app.routes):
        path = getattr(context, "path_format", None)
        for method in getattr(context, "methods", None) or ():
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                schemas.update(operation.pop(MODELS, {}))
                _complete(operation, context, method)
    for leftover in ("HTTPValidationError", "ValidationError"):
        schemas.pop(leftover, None)
    schemas.update(_problem_schemas())
    components["responses"] = {
        f"Problem{kind.status}": {
            "description": f"{kind.title}: {(kind.__doc__ or '').strip()}",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetail"}}},
        }
        for kind in KINDS
    }
    components["schemas"] = dict(sorted(schemas.items()))
    return document


def _problem_schemas() -> dict[str, Any]:
    whole = ProblemDetail.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: dict[str, Any] = whole.pop("$defs", {})
    return {**inner, "ProblemDetail": whole}


def _complete(operation: dict[str, Any], context: Any, method: str) -> None:
    calls = list(_calls(context.dependant))
    key_rule = getattr(context.original_route, "key_rule", None) if method == "POST" else None
    if key_rule not in (None, "ignored"):
        operation.setdefault("parameters", []).append(_key_parameter(context))
    needs_token = any(call is check_scopes for call in calls)
    knows_caller = needs_token or any(call is get_actor for call in calls)
    if "security" in operation and not needs_token:
        operation["security"] = [{}, *operation["security"]]
    responses = operation["responses"]
    for status, answer in responses.items():
        if "$ref" in answer:
            responses[status] = {"$ref": answer["$ref"]}
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
    for status in sorted(_problems(operation, method, knows_caller=knows_caller or bool(key_rule))):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})


def _problems(operation: dict[str, Any], method: str, *, knows_caller: bool) -> set[int]:
    parameters = operation.get("parameters", [])
    statuses = {422, 503}
    if knows_caller:
        statuses |= {401, 403}
    if parameters or "requestBody" in operation:
        statuses |= {404}
    if "requestBody" in operation:
        statuses |= {400, 413, 415}
    if method != "GET":
        statuses |= {400, 409, 413}
    if any(one["name"].lower() == "if-match" for one in parameters):
        statuses |= {412}
    return statuses


def _key_parameter(context: Any) -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": context.original_route.key_is_required,
        "description": _KEY_TEXT,
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": "4b1e3c52-6f7e-4c5e-9b55-0c9d2f8a7e10",
    }


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
