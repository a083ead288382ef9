"""Calls to orders with a member's own token, which opens their carts and orders."""

from typing import Any, TypeVar

from pydantic import BaseModel

from chassis.http import Neighbour, Reply
from contracts import orders as wire
from contracts.paging import Page
from contracts.problems import Invalid, NotFound
from gateway.connections import Place
from gateway.context import Context
from gateway.ids import is_key
from gateway.orders.clients import checked_key
from gateway.orders.member_types import (
    MemberCart,
    MemberOrder,
    MemberPlacement,
    QuickOrderRefusal,
)

ItemT = TypeVar("ItemT", MemberCart, MemberOrder, MemberPlacement)


def _orders(context: Context) -> Neighbour:
    return context.neighbours["orders"]


async def open_cart(context: Context, body: dict[str, Any]) -> MemberCart:
    """A new cart. Raises Invalid, Unauthenticated, Forbidden, Unavailable."""
    reply = await _orders(context).post("/v1/carts", json=body, token=context.token)
    return MemberCart.from_wire(reply.json(wire.OpenedCart)["cart"])


async def find_cart(context: Context, cart_id: str) -> MemberCart | None:
    """A cart, if it is the caller's."""
    found = await _find(context, f"/v1/carts/{cart_id}")
    return None if found is None else _cart(found)


async def list_carts(context: Context, place: Place) -> tuple[list[MemberCart], str | None]:
    """A page of the caller's open carts, and where orders goes on."""
    return await _list(context, "/v1/carts", place, MemberCart, Page[wire.Cart])


async def add_lines(
    context: Context, cart_id: str, lines: list[dict[str, Any]], *, idempotency_key: str | None
) -> MemberCart:
    """The cart with more in it. Raises NotFound, Conflict, Invalid, Unavailable."""
    reply = await _orders(context).post(
        f"/v1/carts/{cart_id}/lines",
        json={"lines": lines},
        token=context.token,
        idempotency_key=checked_key(idempotency_key),
    )
    return _cart(reply)


async def quick_order(
    context: Context, cart_id: str, text: str, *, idempotency_key: str | None
) -> tuple[MemberCart, int, list[QuickOrderRefusal]]:
    """The cart, how many lines of a pasted list were taken, and those refused."""
    reply = await _orders(context).post(
        f"/v1/carts/{cart_id}/quick-order",
        json={"text": text},
        token=context.token,
        idempotency_key=checked_key(idempotency_key),
    )
    done = reply.json(wire.QuickOrdered)
    refused = [QuickOrderRefusal.from_wire(one) for one in done["refused"]]
    return MemberCart.from_wire(done["cart"]), done["taken"], refused


async def put_in_cart(
    context: Context, cart_id: str, what: str, body: dict[str, Any]
) -> MemberCart:
    """The cart with something set: `lines/<id>`, `address` or `delivery`. Raises as `add_lines`."""
    path = f"/v1/carts/{cart_id}/{what}"
    return _cart(await _orders(context).put(path, json=body, token=context.token))


async def remove_line(context: Context, cart_id: str, line_id: str) -> MemberCart:
    """The cart without a line. Raises as `add_lines`."""
    path = f"/v1/carts/{cart_id}/lines/{line_id}"
    return _cart(await _orders(context).delete(path, token=context.token))


async def place_order(
    context: Context, cart_id: str, body: dict[str, Any], *, idempotency_key: str
) -> MemberPlacement:
    """Where the placing stands. Raises the problem it was refused for, or Unavailable."""
    reply = await _orders(context).post(
        f"/v1/carts/{cart_id}/place",
        json=body,
        token=context.token,
        idempotency_key=checked_key(idempotency_key),
    )
    return MemberPlacement.from_wire(reply.json(wire.Placement))


async def cancel_placement(context: Context, placement_id: str) -> MemberPlacement:
    """The placement, taken back. Raises NotFound, Conflict, Unavailable."""
    path = f"/v1/placements/{placement_id}/cancel"
    reply = await _orders(context).post(path, token=context.token)
    return MemberPlacement.from_wire(reply.json(wire.Placement))


async def find_placement(context: Context, placement_id: str) -> MemberPlacement | None:
    """A placement that the caller may see."""
    found = await _find(context, f"/v1/placements/{placement_id}")
    return None if found is None else MemberPlacement.from_wire(found.json(wire.Placement))


async def list_placements(
    context: Context, place: Place, status: str | None
) -> tuple[list[MemberPlacement], str | None]:
    """A page of the placements that the caller may see, and where orders goes on."""
    return await _list(
        context, "/v1/placements", place, MemberPlacement, Page[wire.Placement], status=status
    )


async def find_order(context: Context, number: str) -> MemberOrder | None:
    """An order that the caller may see."""
    found = await _find(context, f"/v1/orders/{number}") if is_key(number) else None
    return None if found is None else MemberOrder.from_wire(found.json(wire.Order))


async def list_orders(
    context: Context, place: Place, status: str | None
) -> tuple[list[MemberOrder], str | None]:
    """A page of the orders that the caller may see, and where orders goes on."""
    return await _list(context, "/v1/orders", place, MemberOrder, Page[wire.Order], status=status)


async def _list(
    context: Context,
    path: str,
    place: Place,
    kind: type[ItemT],
    shape: type[BaseModel],
    **wanted: str | None,
) -> tuple[list[ItemT], str | None]:
    params = {**wanted, "limit": place.limit, "after": place.after}
    page = (await _orders(context).get(path, params=params, token=context.token)).json(shape)
    return [kind.from_wire(one) for one in page["items"][place.skip :]], page["next"]


async def _find(context: Context, path: str) -> Reply | None:
    """What is there; a name that orders calls impossible names nothing either."""
    try:
        return await _orders(context).get(path, token=context.token)
    except (NotFound, Invalid):
        return None


def _cart(reply: Reply) -> MemberCart:
    return MemberCart.from_wire(reply.json(wire.Cart))
