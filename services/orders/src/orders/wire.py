"""What the routes of all features share at the HTTP border: names in paths and headers, and how
an upsert answers.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Path, Query, Response
from pydantic import BaseModel

from chassis.versions import etag
from contracts.bulk import LineOutcome
from contracts.ids import Key, Sku
from contracts.problems import MEDIA_TYPE as PROBLEM
from contracts.problems import Conflict

WarehouseKey = Annotated[
    Key, Path(description="The partner's name for the warehouse.", examples=["main"])
]
MethodKey = Annotated[
    Key, Path(description="The partner's name for the delivery method.", examples=["standard"])
]
StockSku = Annotated[Sku, Path(description="The SKU, case-sensitive.", examples=["71053"])]
CartId = Annotated[
    UUID, Path(description="The cart's id.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
]
LineId = Annotated[
    UUID, Path(description="The line's id.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e11"])
]
CartSecret = Annotated[
    str | None,
    Header(
        alias="Tandem-Cart-Secret",
        description="The secret that opening the cart gave.",
        examples=["c2VjcmV0LWV4YW1wbGUtb25seS1ub3QtcmVhbA"],
    ),
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


def may_conflict() -> dict[int | str, dict[str, Any]]:
    """Documents a 409 where the chassis does not expect one."""
    return {
        409: {
            "description": Conflict.title,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetail"}}},
        }
    }
