"""What the routes of all features share at the HTTP border: names in paths and queries, and how
an upsert answers.
"""

from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import AwareDatetime, BaseModel

from chassis.bulk import MEDIA_TYPE
from chassis.versions import etag
from contracts.bulk import LineOutcome
from contracts.ids import Key, Sku

ListKey = Annotated[
    Key, Path(description="The partner's name for the list.", examples=["public-uk"])
]
RateKey = Annotated[
    Key, Path(description="The partner's name for the rate.", examples=["gb-standard"])
]
PathSku = Annotated[Sku, Path(description="The SKU, case-sensitive.", examples=["71053"])]
DryRun = Annotated[bool, Query(description="Judge every line, change nothing.", examples=[False])]
At = Annotated[
    AwareDatetime | None,
    Query(
        description="What the price was or will be at that moment; now if absent.",
        examples=["2026-11-22T10:00:00Z"],
    ),
]
KnownAt = Annotated[
    AwareDatetime | None,
    Query(
        description="By what was known at that moment; by all that is known now if absent.",
        examples=["2026-11-22T10:00:00Z"],
    ),
]

ETAG: dict[str, Any] = {
    "ETag": {
        "description": "The version, quoted; send it back as If-Match.",
        "schema": {"type": "string", "examples": ['"3"']},
    }
}
_LINE = '{"sku":"71053","tiers":[{"min_quantity":1,"amount":"3.39"}]}\n'
_RESULT = '{"line":1,"key":"71053","outcome":"created","errors":[]}\n'


def read(noun: str) -> dict[int | str, dict[str, Any]]:
    """Documents what a GET of one thing answers."""
    return {200: {"description": f"The {noun}.", "headers": ETAG}}


def upserted(
    model: type[BaseModel], noun: str, *, has_version: bool = True
) -> dict[int | str, dict[str, Any]]:
    """Documents what a PUT answers."""
    headers = {"headers": ETAG} if has_version else {}
    return {
        200: {"description": f"The {noun} was there; now it is like this.", **headers},
        201: {"description": f"The {noun} was made.", "model": model, **headers},
    }


def bulk(model: type[BaseModel]) -> dict[str, Any]:
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
                "description": f"One `{model.__name__}` a line: the body of the PUT and its `sku`.",
                "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _LINE}},
            }
        },
    }


def stamp(response: Response, *, version: int | None, outcome: LineOutcome | None = None) -> None:
    """Set the entity tag, and 201 where something was made."""
    if version is not None:
        response.headers["ETag"] = etag(version)
    if outcome is LineOutcome.CREATED:
        response.status_code = 201
