"""Placing and orders over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from chassis import process
from chassis.auth import Caller, Needs
from chassis.db import Reader
from chassis.idempotency import IdempotentRoute, KeyForProcess, KeyRequired
from chassis.paging import After, Limit
from chassis.process import ProcessRow
from chassis.runtime import Live, Runtime
from chassis.versions import read, stamp
from contracts.orders import Order, Placement, PlacementStatus, PlaceOrder
from contracts.paging import Page
from orders.order import queries
from orders.order.process import begin_placing
from orders.wire import CartId, CartSecret, OrderNumber, patience

router = APIRouter(prefix="/v1", tags=["orders"], route_class=IdempotentRoute)

PlacementId = Annotated[
    UUID, Path(description="The placement's id.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
]
_LOCATION: dict[str, Any] = {
    "Location": {
        "description": "The order, or the placement while it is pending.",
        "schema": {"type": "string", "examples": ["/v1/orders/T-1000042"]},
    }
}


@router.post(
    "/carts/{cart_id}/place",
    summary="Order what is in a cart",
    status_code=201,
    dependencies=[KeyRequired, KeyForProcess],
    responses={
        201: {"description": "It is placed.", "headers": _LOCATION},
        202: {
            "description": "A neighbour is away; it goes on by itself. Ask the placement.",
            "model": Placement,
            "headers": _LOCATION,
        },
    },
)
async def place_order(
    cart_id: CartId,
    body: PlaceOrder,
    runtime: Live,
    request: Request,
    response: Response,
    secret: CartSecret = None,
) -> Placement:
    """Checks, reserves, takes the payment and places, or leaves everything as it was.

    Nothing is charged unless the total is the one that was agreed to. Refused: the answer is why,
    the cart is open again, and another try needs another key. A repeat with the same key tells
    how it stands now.
    """
    key = request.state.idempotency
    row = await begin_placing(runtime, cart_id, body, secret=secret, key=key)
    row = await process.drive(runtime, row, until=patience(runtime))
    return await _answer(runtime, row, response)


@router.get("/placements/{placement_id}", summary="Read how placing an order stands")
async def get_placement(
    placement_id: PlacementId, runtime: Live, secret: CartSecret = None
) -> Placement:
    """Whether an order is pending, placed or refused, and why."""
    return await queries.get_placement(runtime, placement_id, secret=secret)


@router.get("/orders/{number}", summary="Read an order", responses=read("order"))
async def get_order(
    number: OrderNumber,
    caller: Caller,
    reader: Reader,
    response: Response,
    secret: CartSecret = None,
) -> Order:
    """An order by its number: with the secret of the cart that it was, or scope orders:read."""
    if secret is None and caller.kind != "guest":
        caller.require("orders:read")
    may_read_all = "orders:read" in caller.scopes
    order = await queries.get_order(reader, number, secret=secret, may_read_all=may_read_all)
    stamp(response, version=order.version)
    return order


@router.get("/orders", summary="List orders", dependencies=[Needs("orders:read")])
async def list_orders(reader: Reader, limit: Limit = 50, after: After = None) -> Page[Order]:
    """Orders of all customers, the newest first."""
    return await queries.list_orders(reader, limit=limit, after=after)


async def _answer(runtime: Runtime, row: ProcessRow, response: Response) -> Placement:
    placement = await queries.get_placed(runtime, row)
    if placement.status is PlacementStatus.PENDING:
        response.status_code = 202
        response.headers["Location"] = f"/v1/placements/{row.id}"
    elif placement.order is not None:
        response.headers["Location"] = f"/v1/orders/{placement.order.number}"
    return placement
