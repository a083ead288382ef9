"""Carts over HTTP. The secret in `Tandem-Cart-Secret` is all the right that a guest needs."""

from fastapi import APIRouter, Response

from chassis.clock import Now
from chassis.db import Session
from chassis.idempotency import IdempotentRoute, KeyIgnored, KeyLate
from chassis.runtime import Live
from chassis.versions import IfMatch, read, stamp
from contracts.orders import (
    AddCartLines,
    Cart,
    ChangeCartLine,
    OpenCart,
    OpenedCart,
    SetCartAddress,
    SetCartDelivery,
)
from orders.cart import commands, queries
from orders.wire import CartId, CartSecret, LineId, may_conflict

router = APIRouter(prefix="/v1/carts", tags=["carts"], route_class=IdempotentRoute)


@router.post("", summary="Open a cart", status_code=201, dependencies=[KeyIgnored])
async def open_cart(
    body: OpenCart, runtime: Live, session: Session, now: Now, response: Response
) -> OpenedCart:
    """Opens a guest's cart and tells its secret, which opens the cart and later the order.

    The secret is told only here, so a repeat opens another cart whatever its Idempotency-Key.
    """
    opened = await commands.open_cart(runtime, session, body, now=now)
    response.headers["Location"] = f"/v1/carts/{opened.cart.id}"
    stamp(response, version=opened.cart.version)
    return opened


@router.get("/{cart_id}", summary="Read a cart", responses=read("cart") | may_conflict())
async def get_cart(
    cart_id: CartId, runtime: Live, response: Response, secret: CartSecret = None
) -> Cart:
    """The cart as it costs now, with everything that keeps it from being ordered."""
    cart = await queries.get_priced_cart(runtime, cart_id, secret=secret)
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
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
    secret: CartSecret = None,
) -> Cart:
    """Adds all lines or none; a SKU that is in the cart already grows by the quantity."""
    cart = await commands.add_lines(
        runtime, session, cart_id, body, secret=secret, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.put("/{cart_id}/lines/{line_id}", summary="Change a line", responses=read("cart"))
async def change_cart_line(
    cart_id: CartId,
    line_id: LineId,
    body: ChangeCartLine,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
    secret: CartSecret = None,
) -> Cart:
    """Sets the quantity; to take a line out, delete it."""
    cart = await commands.change_line(
        runtime, session, cart_id, line_id, body, secret=secret, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.delete("/{cart_id}/lines/{line_id}", summary="Take a line out", responses=read("cart"))
async def remove_cart_line(
    cart_id: CartId,
    line_id: LineId,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
    secret: CartSecret = None,
) -> Cart:
    """Takes a line out and answers with what is left."""
    cart = await commands.remove_line(
        runtime, session, cart_id, line_id, secret=secret, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.put("/{cart_id}/address", summary="Say who buys and where it goes", responses=read("cart"))
async def set_cart_address(
    cart_id: CartId,
    body: SetCartAddress,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
    secret: CartSecret = None,
) -> Cart:
    """Sets mail and addresses; the delivery country decides the tax and must be served."""
    cart = await commands.set_address(
        runtime, session, cart_id, body, secret=secret, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart


@router.put("/{cart_id}/delivery", summary="Choose how it is brought", responses=read("cart"))
async def set_cart_delivery(
    cart_id: CartId,
    body: SetCartDelivery,
    if_match: IfMatch,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
    secret: CartSecret = None,
) -> Cart:
    """Chooses a delivery method that is offered for the cart's store, country and currency."""
    cart = await commands.set_delivery(
        runtime, session, cart_id, body, secret=secret, if_match=if_match, now=now
    )
    stamp(response, version=cart.version)
    return cart
