"""What the routes of all features share at the HTTP border: names in paths and headers, how
long a caller is kept waiting, and how an upsert answers.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Header, Path

from chassis import tracing
from chassis.runtime import Runtime
from contracts.ids import Key, Sku
from contracts.problems import MEDIA_TYPE as PROBLEM
from contracts.problems import Conflict
from orders.settings import OrdersSettings

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
OrderNumber = Annotated[
    str, Path(max_length=64, description="The order's number.", examples=["T-1000042"])
]
CartSecret = Annotated[
    str | None,
    Header(
        alias="Tandem-Cart-Secret",
        description="The secret that opening the cart gave.",
        examples=["c2VjcmV0LWV4YW1wbGUtb25seS1ub3QtcmVhbA"],
    ),
]

_ANSWER_SECONDS = 0.3


def patience(runtime: Runtime) -> datetime:
    """Until when the caller of a process is kept waiting: not past the request's own deadline."""
    longest = cast(OrdersSettings, runtime.settings).place_wait_seconds
    seconds = min(longest, tracing.remaining(otherwise=longest) - _ANSWER_SECONDS)
    return runtime.clock.now() + timedelta(seconds=max(0.0, seconds))


def may_conflict() -> dict[int | str, dict[str, Any]]:
    """Documents a 409 where the chassis does not expect one."""
    return {
        409: {
            "description": Conflict.title,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetail"}}},
        }
    }
