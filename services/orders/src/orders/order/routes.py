"""Placing, orders and their parcels over HTTP.

A guest shows the secret of their cart. A member is known by their token: they see their own
orders, an approver those of their unit and below, an admin those of the company. Partners and
staff see all with scope orders:read.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from chassis import process
from chassis.auth import Actor, Caller, Needs, TokenMissing
from chassis.buyers import get_buyer
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.idempotency import IdempotentRoute, KeyForProcess, KeyIgnored, KeyRequired
from chassis.paging import After, Limit
from chassis.runtime import Live
from chassis.versions import read, stamp
from contracts.ids import Key, new_id
from contracts.orders import (
    Order,
    OrderStatus,
    Placement,
    PlacementStatus,
    PlaceOrder,
    ShipOrder,
)
from contracts.paging import Page
from orders.cart.domain import Opener
from orders.cart.opener import OpenedBy
from orders.errors import PlacementNotFound
from orders.order import commands, queries
from orders.order.domain import Viewer
from orders.order.process import begin_placing, cancel_placing
from orders.wire import CartId, OrderNumber, may_conflict, patience

router = APIRouter(prefix="/v1", tags=["orders"], route_class=IdempotentRoute)

PlacementId = Annotated[
    UUID, Path(description="The placement's id.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
]
CompanyFilter = Annotated[
    Key | None,
    Query(description="Only those of this company, by its key.", examples=["brighton-gifts"]),
]
UnitFilter = Annotated[
    Key | None, Query(description="Only those of this unit, by its key.", examples=["shop-one"])
]
_LOCATION: dict[str, Any] = {
    "Location": {
        "description": "The order, or the placement while there is none.",
        "schema": {"type": "string", "examples": ["/v1/orders/T-1000042"]},
    }
}
_MEMBERS: dict[int | str, dict[str, Any]] = {
    status: {"$ref": f"#/components/responses/Problem{status}"} for status in (401, 403)
}


@router.post(
    "/carts/{cart_id}/place",
    summary="Order what is in a cart",
    status_code=201,
    dependencies=[KeyRequired, KeyForProcess],
    responses={
        201: {"description": "It is placed.", "headers": _LOCATION},
        202: {
            "description": "Somebody has to approve it, or a neighbour is away; it goes on by "
            "itself. Ask the placement.",
            "model": Placement,
            "headers": _LOCATION,
        },
        **_MEMBERS,
    },
)
async def place_order(
    cart_id: CartId,
    body: PlaceOrder,
    runtime: Live,
    opener: OpenedBy,
    request: Request,
    response: Response,
) -> Placement:
    """Checks, reserves, takes the payment and places, or leaves everything as it was.

    For a member credit and budget are held too, and who has to approves it. Nothing is charged
    unless the total is the one that was agreed to. Refused: the answer is why, the cart is open
    again, and another try needs another key. A repeat with the same key tells how it stands now.
    """
    key = request.state.idempotency
    row = await begin_placing(runtime, cart_id, body, opener=opener, key=key)
    row = await process.drive(runtime, row, until=patience(runtime))
    return _locate(await queries.get_outcome(runtime, row), response)


@router.get(
    "/placements/{placement_id}",
    summary="Read how placing an order stands",
    responses=_MEMBERS,
)
async def get_placement(
    placement_id: PlacementId, runtime: Live, caller: Caller, opener: OpenedBy
) -> Placement:
    """Whether an order is pending, awaits approval, is placed or refused, and why."""
    return await queries.get_placement(runtime, placement_id, _view(caller, opener))


@router.get("/placements", summary="List placements of members' orders", responses=_MEMBERS)
async def list_placements(
    caller: Caller,
    opener: OpenedBy,
    reader: Reader,
    status: Annotated[
        PlacementStatus | None,
        Query(description="Only those that stand there.", examples=["awaiting_approval"]),
    ] = None,
    company: CompanyFilter = None,
    unit: UnitFilter = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Placement]:
    """The newest first: a member's own, of an approver's unit and below, of an admin's company,
    or all with scope orders:read.
    """
    return await queries.list_placements(
        reader,
        _view_list(caller, opener),
        limit=limit,
        after=after,
        status=status,
        company=company,
        unit=unit,
    )


@router.post(
    "/placements/{placement_id}/cancel",
    summary="Cancel an order that is not placed yet",
    dependencies=[KeyIgnored],
    responses={
        202: {
            "description": "It is being undone, by itself. Ask the placement.",
            "model": Placement,
        },
        **_MEMBERS,
        **may_conflict(),
    },
)
async def cancel_placement(
    placement_id: PlacementId,
    runtime: Live,
    caller: Caller,
    response: Response,
) -> Placement:
    """Undoes all of it: stock, credit and budget are free, nobody is asked to approve, and the
    cart is open again. Who ordered, or an admin of the company, may.

    One that was refused already is told as it is; a placed one is 409 `placement-already-placed`.
    """
    buyer = await get_buyer(runtime, caller)
    if buyer is None:
        if caller.kind == "guest":
            raise TokenMissing
        raise PlacementNotFound
    row = await cancel_placing(runtime, placement_id, buyer)
    if row is not None:
        await process.drive(runtime, row.id, until=patience(runtime))
    placement = await queries.get_placement(runtime, placement_id, Viewer(buyer=buyer))
    if placement.status is not PlacementStatus.REFUSED:
        response.status_code = 202
    return placement


@router.get("/orders/{number}", summary="Read an order", responses=read("order"))
async def get_order(
    number: OrderNumber, caller: Caller, opener: OpenedBy, reader: Reader, response: Response
) -> Order:
    """An order by its number: by the secret of the cart that it was, by a member who sees it, or
    with scope orders:read.
    """
    viewer = _view(caller, opener)
    if viewer.secret is None and viewer.buyer is None and caller.kind != "guest":
        caller.require("orders:read")
    order = await queries.get_order(reader, number, viewer)
    stamp(response, version=order.version)
    return order


@router.get("/orders", summary="List orders", responses=_MEMBERS)
async def list_orders(
    caller: Caller,
    opener: OpenedBy,
    reader: Reader,
    status: Annotated[
        OrderStatus | None, Query(description="Only those that stand there.", examples=["placed"])
    ] = None,
    company: CompanyFilter = None,
    unit: UnitFilter = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Order]:
    """The newest first: a member's own, of an approver's unit and below, of an admin's company,
    or all with scope orders:read.
    """
    return await queries.list_orders(
        reader,
        _view_list(caller, opener),
        limit=limit,
        after=after,
        status=status,
        company=company,
        unit=unit,
    )


@router.post(
    "/orders/{number}/shipments",
    summary="Ship some or all of an order",
    status_code=201,
    dependencies=[Needs("shipments:write"), KeyRequired],
)
async def ship_order(
    number: OrderNumber, body: ShipOrder, session: Session, now: Now, response: Response
) -> Order:
    """Keeps what is in a parcel and takes it off the shelves; without `lines` all that is left.

    Emits OrderShipped. More than is left, or what was not ordered, is 422 with its pointer; an
    order with nothing left is 409 `order-already-shipped`.
    """
    order = await commands.ship_order(session, number, body, shipment_id=new_id(), now=now)
    response.headers["Location"] = f"/v1/orders/{order.number}"
    stamp(response, version=order.version)
    return order


def _view(caller: Actor, opener: Opener) -> Viewer:
    """Who wants to see. A member sees what their profile lets them, whatever scopes they have."""
    buyer = opener.profile
    sees_all = buyer is None and "orders:read" in caller.scopes
    return Viewer(secret=opener.secret, buyer=buyer, sees_all=sees_all)


def _view_list(caller: Actor, opener: Opener) -> Viewer:
    """Who wants to see a list: a member, or somebody with scope orders:read."""
    viewer = _view(caller, opener)
    if viewer.buyer is None:
        caller.require("orders:read")
    return viewer


def _locate(placement: Placement, response: Response) -> Placement:
    """Where to look: at the order, or at the placement while there is none."""
    if placement.order is None:
        response.status_code = 202
        response.headers["Location"] = f"/v1/placements/{placement.id}"
    else:
        response.headers["Location"] = f"/v1/orders/{placement.order.number}"
    return placement
