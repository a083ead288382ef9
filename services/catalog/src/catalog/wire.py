"""What the routes of all features share at the HTTP border: names in paths and queries, and how
an upsert answers.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel

from chassis.bulk import MEDIA_TYPE
from chassis.versions import etag
from contracts.bulk import LineOutcome, LineResult
from contracts.ids import Key
from contracts.problems import FieldError, Problem

StoreKey = Annotated[
    Key, Path(description="The partner's name for the store.", examples=["d2c-uk"])
]
CategoryKey = Annotated[
    Key, Path(description="The partner's name for the category.", examples=["lighting"])
]
ProductKey = Annotated[
    Key, Path(description="The partner's name for the product.", examples=["71053"])
]
IncludeUnpublished = Annotated[
    bool,
    Query(description="Also what buyers do not see; needs scope catalog:read.", examples=[False]),
]
DryRun = Annotated[bool, Query(description="Judge every line, change nothing.", examples=[False])]

ETAG: dict[str, Any] = {
    "ETag": {
        "description": "The version, quoted; send it back as If-Match.",
        "schema": {"type": "string", "examples": ['"3"']},
    }
}


def read(noun: str) -> dict[int | str, dict[str, Any]]:
    """Documents what a GET of one thing answers."""
    return {200: {"description": f"The {noun}.", "headers": ETAG}}


def upserted(model: type[BaseModel], noun: str) -> dict[int | str, dict[str, Any]]:
    """Documents what a PUT answers."""
    return {
        200: {"description": f"The {noun} was there; now it is like this.", "headers": ETAG},
        201: {"description": f"The {noun} was made.", "model": model, "headers": ETAG},
    }


def stamp(response: Response, *, version: int, outcome: LineOutcome | None = None) -> None:
    """Set the entity tag, and 201 where something was made."""
    response.headers["ETag"] = etag(version)
    if outcome is LineOutcome.CREATED:
        response.status_code = 201


_RESULT = '{"line":1,"key":"lighting","outcome":"created","errors":[]}\n'


def bulk(model: type[BaseModel], example: str) -> dict[str, Any]:
    """Documents a bulk route: NDJSON of a model in, NDJSON of results out."""
    return {
        "response_class": Response,
        "responses": {
            200: {
                "description": "One `LineResult` a line, in the order of the lines.",
                "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _RESULT}},
            }
        },
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "description": f"One `{model.__name__}` a line: the body of the PUT and its `key`.",
                "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": example}},
            }
        },
    }


def line_result(
    line: int, key: str, outcome: LineOutcome, problems: Sequence[Problem]
) -> LineResult:
    """What became of a line."""
    return LineResult(
        line=line,
        key=key,
        outcome=outcome,
        errors=[error for problem in problems for error in _told(problem)],
    )


def _told(problem: Problem) -> Sequence[FieldError]:
    return problem.errors or (FieldError(pointer="", code=problem.code, message=problem.detail),)
