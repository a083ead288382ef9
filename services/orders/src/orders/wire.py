"""What the routes of all features share at the HTTP border: names in paths and headers, and how
an upsert answers.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Path

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


def may_conflict() -> dict[int | str, dict[str, Any]]:
    """Documents a 409 where the chassis does not expect one."""
    return {
        409: {
            "description": Conflict.title,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetail"}}},
        }
    }
