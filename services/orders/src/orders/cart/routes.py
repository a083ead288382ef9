"""Carts over HTTP. A guest's is opened by the secret in `Tandem-Cart-Secret`, a member's by their
token; by anything else it is as if there were no cart.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from chassis.auth import Caller, TokenMissing
from chassis.clock import Now
from chassis.db import Session
from chassis.idempotency import IdempotentRoute, KeyIgnored, KeyLate
from chassis.paging import After
from chassis.runtime import Live
from chassis.versions import IfMatch, read, stamp
from contracts.orders import (
    AddCartLines,
    Cart,
    ChangeCartLine,
    OpenCart,
    OpenedCart,
    QuickOrder,
    QuickOrdered,
    SetCartAddress,
    SetCartDelivery,
)
from contracts.paging import Page
from orders.cart import commands, queries
from orders.cart.opener import OpenedBy
from orders.errors import MembersOnly
from orders.wire import CartId, LineId, may_conflict

router = APIRouter(prefix="/v1/carts", tags=["carts"], route_class=IdempotentRoute)


@router.post("", summary="Open a cart", status_code=201, dependencies=[KeyIgnored])
async def open_cart(
    body: OpenCart,
    opener: OpenedBy,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> OpenedCart:
    """Opens a member's cart in a store for companies, or a guest's in one for people.

    A guest is told a secret, which opens the cart and later the order. It is told only here, so a
    repeat opens another cart whatever its Idempotency-Key.
    """
    opened = await commands.open_cart(runtime, session, body, profile=opener.profile, now=now)
    response.headers["Location"] = f"/v1/carts/{opened.cart.id}"
    stamp(response, version=opened.cart.version)
    return opened


@router.get("", summary="List open carts")
async def list_open_carts(
    caller: Caller,
    opener: OpenedBy,
    runtime: Live,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.", examples=[20])] = 20,
    after: After = None,
) -> Page[Cart]:
    """The caller's own open carts, the newest first; members of companies only."""
    if caller.kind == "guest":
        raise TokenMissing
    if opener.profile is None:
        raise MembersOnly
    return await queries.list_open_carts(runtime, opener.profile, limit=limit, after=after)


@router.get("/{cart_id}", summary="Read a cart", responses=read("cart") | may_conflict())
async def get_cart(cart_id: CartId, opener: OpenedBy, runtime: Live, response: Response) -> Cart:
    """The cart as it costs now, with everything that keeps it from being ordered."""
    cart = await queries.get_priced_cart(runtime, cart_id, opener=opener)
    stamp(response, version=cart.version)
    return cart


@router.post(
    "/{cart_id}/lines",
    summary="Put SKUs into a cart",
    dependencies=[KeyLate],
    responses=read("cart"),
)
async def add_cart_lines(
    cart_id: CartId,
    body: AddCartLines,
    opener: OpenedBy,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> Cart:
    """Adds all lines or none; a SKU that is in the cart already grows by the quantity."""
    cart = await commands.add_lines(
        runtime, session, cart_id, body, opener=opener, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.post(
    "/{cart_id}/quick-order",
    summary="Put a pasted list into a cart",
    dependencies=[KeyLate],
    responses=read("cart"),
)
async def quick_order(
    cart_id: CartId,
    body: QuickOrder,
    opener: OpenedBy,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> QuickOrdered:
    """Adds the good lines in one change and refuses the others one by one, each with why."""
    ordered = await commands.quick_order(
        runtime, session, cart_id, body, opener=opener, if_match=if_match, now=now
    )
    stamp(response, version=ordered.cart.version)
    return ordered


@router.put("/{cart_id}/lines/{line_id}", summary="Change a line", responses=read("cart"))
async def change_cart_line(
    cart_id: CartId,
    line_id: LineId,
    body: ChangeCartLine,
    opener: OpenedBy,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> Cart:
    """Sets the quantity; to take a line out, delete it."""
    cart = await commands.change_line(
        runtime, session, cart_id, line_id, body, opener=opener, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.delete("/{cart_id}/lines/{line_id}", summary="Take a line out", responses=read("cart"))
async def remove_cart_line(
    cart_id: CartId,
    line_id: LineId,
    opener: OpenedBy,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> Cart:
    """Takes a line out and answers with what is left."""
    cart = await commands.remove_line(
        runtime, session, cart_id, line_id, opener=opener, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.put("/{cart_id}/address", summary="Say who buys and where it goes", responses=read("cart"))
async def set_cart_address(
    cart_id: CartId,
    body: SetCartAddress,
    opener: OpenedBy,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> Cart:
    """Sets mail and addresses; the delivery country decides the tax and must be served."""
    cart = await commands.set_address(
        runtime, session, cart_id, body, opener=opener, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.put("/{cart_id}/delivery", summary="Choose how it is brought", responses=read("cart"))
async def set_cart_delivery(
    cart_id: CartId,
    body: SetCartDelivery,
    opener: OpenedBy,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> Cart:
    """Chooses a delivery method that is offered for the cart's store, country and currency."""
    cart = await commands.set_delivery(
        runtime, session, cart_id, body, opener=opener, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart
