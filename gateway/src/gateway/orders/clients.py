"""Calls to orders; what opens a guest's cart and order is the cart's own secret."""

from typing import Any

from chassis.http import Neighbour, Reply
from contracts import orders as wire
from contracts.paging import Page
from contracts.problems import Invalid, NotFound
from gateway.context import Context
from gateway.ids import is_key
from gateway.orders.types import Cart, DeliveryMethod, Order, Placement

_SECRET_HEADER = "Tandem-Cart-Secret"  # noqa: S105 (the header's name)
_LONGEST_SECRET = 256
_LONGEST_KEY = 255


class SecretMalformed(Invalid):
    """The secret is none that `openCart` told."""

    def __init__(self) -> None:
        super().__init__("This is not the secret of a cart.", field="/secret")


class IdempotencyKeyMalformed(Invalid):
    """The key cannot stand in a header."""

    def __init__(self) -> None:
        super().__init__(
            "Use 1 to 255 printable ASCII characters, such as a UUID.", field="/idempotency_key"
        )


def opened_by(secret: str) -> dict[str, str]:
    """The header that opens a cart. Raises SecretMalformed for what no header can carry."""
    if not _is_printable(secret, _LONGEST_SECRET):
        raise SecretMalformed
    return {_SECRET_HEADER: secret}


def checked_key(key: str | None) -> str | None:
    """An idempotency key as it came. Raises IdempotencyKeyMalformed."""
    if key is not None and not _is_printable(key, _LONGEST_KEY):
        raise IdempotencyKeyMalformed
    return key


def _is_printable(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and all("!" <= character <= "~" for character in text)


def _orders(context: Context) -> Neighbour:
    return context.neighbours["orders"]


async def open_cart(context: Context, body: dict[str, Any]) -> tuple[Cart, str]:
    """A new cart and the secret that opens it. Raises Invalid, Unavailable."""
    reply = await _orders(context).post("/v1/carts", json=body, token=None)
    opened = reply.json(wire.OpenedCart)
    return Cart.from_wire(opened["cart"]), opened["secret"]


async def find_cart(context: Context, cart_id: str, secret: str) -> Cart | None:
    """A cart, if the secret opens one of that id."""
    try:
        reply = await _orders(context).get(
            f"/v1/carts/{cart_id}", token=None, headers=opened_by(secret)
        )
    except NotFound:
        return None
    return _cart(reply)


async def add_lines(
    context: Context,
    cart_id: str,
    secret: str,
    *,
    lines: list[dict[str, Any]],
    idempotency_key: str | None,
) -> Cart:
    """The cart with more in it. Raises NotFound, Conflict, Invalid, Unavailable."""
    return _cart(
        await _orders(context).post(
            f"/v1/carts/{cart_id}/lines",
            json={"lines": lines},
            token=None,
            headers=opened_by(secret),
            idempotency_key=checked_key(idempotency_key),
        )
    )


async def put_in_cart(
    context: Context, cart_id: str, secret: str, what: str, body: dict[str, Any]
) -> Cart:
    """The cart with something set: `lines/<id>`, `address` or `delivery`. Raises as `add_lines`."""
    return _cart(
        await _orders(context).put(
            f"/v1/carts/{cart_id}/{what}", json=body, token=None, headers=opened_by(secret)
        )
    )


async def remove_line(context: Context, cart_id: str, secret: str, line_id: str) -> Cart:
    """The cart without a line. Raises as `add_lines`."""
    return _cart(
        await _orders(context).delete(
            f"/v1/carts/{cart_id}/lines/{line_id}", token=None, headers=opened_by(secret)
        )
    )


async def place_order(
    context: Context, cart_id: str, secret: str, *, body: dict[str, Any], idempotency_key: str
) -> Placement:
    """Where the placing stands. Raises the problem it was refused for, or Unavailable."""
    reply = await _orders(context).post(
        f"/v1/carts/{cart_id}/place",
        json=body,
        token=None,
        headers=opened_by(secret),
        idempotency_key=checked_key(idempotency_key),
    )
    return Placement.from_wire(reply.json(wire.Placement))


async def find_placement(context: Context, placement_id: str, secret: str) -> Placement | None:
    """A placement, if the secret opens its cart."""
    found = await _find(context, f"/v1/placements/{placement_id}", secret)
    return None if found is None else Placement.from_wire(found.json(wire.Placement))


async def find_order(context: Context, number: str, secret: str) -> Order | None:
    """An order, if the secret opened the cart that it was."""
    found = await _find(context, f"/v1/orders/{number}", secret) if is_key(number) else None
    return None if found is None else Order.from_wire(found.json(wire.Order))


async def list_delivery_methods(
    context: Context, *, country: str | None, locale: str
) -> list[DeliveryMethod]:
    """What is offered in the store, the first to be shown first."""
    reply = await _orders(context).get(
        "/v1/delivery-methods",
        params={"store": context.store, "country": country, "limit": 200},
        token=context.token,
    )
    items = reply.json(Page[wire.DeliveryMethod])["items"]
    return [DeliveryMethod.from_wire(one, locale=locale) for one in items]


async def _find(context: Context, path: str, secret: str) -> Reply | None:
    """What is there; a name that orders calls impossible names nothing either."""
    try:
        return await _orders(context).get(path, token=None, headers=opened_by(secret))
    except (NotFound, Invalid):
        return None


def _cart(reply: Reply) -> Cart:
    return Cart.from_wire(reply.json(wire.Cart))
