"""How a PUT is answered: 201 when it made something, 200 otherwise, with the version as ETag."""

from typing import Any

from fastapi import Response

from chassis.versions import etag
from contracts.bulk import LineOutcome

_ETAG = {
    "ETag": {
        "description": "The version; send it as If-Match when writing.",
        "schema": {"type": "string"},
        "example": '"1"',
    }
}
ANSWERS_WITH_ETAG: dict[int | str, dict[str, Any]] = {200: {"headers": _ETAG}}
ANSWERS_PUT: dict[int | str, dict[str, Any]] = {
    200: {"description": "Changed, or as it was.", "headers": _ETAG},
    201: {"description": "Made.", "headers": _ETAG},
}
ANSWERS_PRICE: dict[int | str, dict[str, Any]] = {
    200: {"description": "Changed, or as it was."},
    201: {"description": "The first price of that SKU in the list."},
}


def answer_put(response: Response, outcome: LineOutcome, *, version: int | None = None) -> None:
    """Set status and ETag by what became of it."""
    response.status_code = 201 if outcome is LineOutcome.CREATED else 200
    if version is not None:
        response.headers["ETag"] = etag(version)
