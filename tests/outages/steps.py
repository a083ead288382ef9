"""The steps of a guest, in GraphQL and in REST, and what becomes of each without a neighbour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from gateway.ids import encode_id
from tandem.demo import queries
from tests.outages.market import ADDRESS, PAYMENT, STORE, Cart

READ_CART = """
query Cart($id: ID!, $secret: String!) {
  cart(id: $id, secret: $secret) {
    version status lines { id sku quantity unitPrice { amount } }
    totals { total { gross { amount currency } } } problems { code }
  }
}
"""
NEIGHBOURS = ("catalog", "pricing", "orders", "testpay", "accounts", "approvals")


class Fate(Enum):
    """What becomes of a step whose neighbour answers wrongly."""

    SAME = auto()
    """It needs that neighbour not."""
    PRICELESS = auto()
    """All of it but the prices, and the answer says so."""
    AWAY = auto()
    """Not now: the answer says who is away, and nothing was done, or all of it."""
    PENDING = auto()
    """It is taken and goes on by itself."""


@dataclass(frozen=True)
class Wish:
    """A request: to which service, and what."""

    service: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step: what is asked of whom, and its fate by neighbour, SAME for those not named.

    `of` says what the guest has before: nothing but the goods' SKU, a cart with one line, one
    that could be placed, or an order. `leaves` is what the cart must show after it, however often
    it was asked.
    """

    name: str
    of: str
    wish: Callable[[Cart], Wish]
    fates: Mapping[str, Fate]
    leaves: Callable[[Any], bool] = lambda _: True
    is_like_another: bool = False
    """It makes the calls that another step makes, so that a few faults do but in long rounds."""

    def fate(self, neighbour: str) -> Fate:
        return self.fates.get(neighbour, Fate.SAME)


def graphql(document: str, variables: Callable[[Cart], dict[str, Any]]) -> Callable[[Cart], Wish]:
    """Ask the storefront's schema."""
    headers = {"Tandem-Store": STORE}
    return lambda cart: Wish(
        "gateway",
        "POST",
        "/d2c/graphql",
        {"query": document, "variables": variables(cart)},
        headers,
    )


def mutation(document: str, said: Callable[[Cart], dict[str, Any]]) -> Callable[[Cart], Wish]:
    """Change a cart by the storefront's schema."""
    return graphql(
        document,
        lambda cart: {
            "input": {"cartId": encode_id("Cart", cart.id), "secret": cart.secret, **said(cart)}
        },
    )


def rest(
    method: str, path: str, body: Callable[[Cart], dict[str, Any]] | None = None
) -> Callable[[Cart], Wish]:
    """Ask orders; `{cart}` and the like in the path are the guest's."""

    def wish(cart: Cart) -> Wish:
        names = {"cart": cart.id, "line": cart.line, "placing": cart.placing, "number": cart.number}
        headers = {"Tandem-Cart-Secret": cart.secret, "Idempotency-Key": cart.key}
        said = None if body is None else body(cart)
        return Wish("orders", method, path.format(**names), said, headers)

    return wish


def in_camel_case(address: Mapping[str, str]) -> dict[str, str]:
    return {"postalCode" if name == "postal_code" else name: one for name, one in address.items()}


def has_quantity(quantity: int) -> Callable[[Any], bool]:
    return lambda cart: [line["quantity"] for line in cart["lines"]] == [quantity]


def lines(cart: Cart) -> list[dict[str, Any]]:
    return [{"sku": cart.sku, "quantity": 1}]


LISTED: dict[str, Fate] = {"catalog": Fate.AWAY, "pricing": Fate.PRICELESS}
OF_ORDERS = {"orders": Fate.AWAY}
OF_CART = {"orders": Fate.AWAY, "pricing": Fate.AWAY}
CHECKING = {"pricing": Fate.PENDING, "catalog": Fate.PENDING, "testpay": Fate.PENDING}
PLACING = {"orders": Fate.AWAY, **CHECKING}
OTHER = "grace@example.com"

GRAPHQL = (
    Step(
        "list",
        "goods",
        graphql(queries.PRODUCTS, lambda cart: {"first": 5, "search": cart.sku}),
        LISTED,
    ),
    Step("page", "goods", graphql(queries.PRODUCT, lambda cart: {"key": cart.sku}), LISTED),
    Step(
        "delivery methods",
        "goods",
        graphql(queries.DELIVERY, lambda _: {"country": "GB"}),
        OF_ORDERS,
    ),
    Step(
        "open cart",
        "goods",
        graphql(queries.OPEN_CART, lambda cart: {"input": {"lines": lines(cart)}}),
        OF_CART,
    ),
    Step(
        "add line",
        "cart",
        mutation(
            queries.ADD_LINES, lambda cart: {"lines": lines(cart), "idempotencyKey": cart.key}
        ),
        OF_CART,
        has_quantity(2),
    ),
    Step(
        "change line",
        "cart",
        mutation(
            queries.CHANGE_LINE,
            lambda cart: {"lineId": encode_id("CartLine", cart.line), "quantity": 3},
        ),
        OF_CART,
        has_quantity(3),
        is_like_another=True,
    ),
    Step(
        "set address",
        "cart",
        mutation(
            queries.SET_ADDRESS,
            lambda _: {"email": OTHER, "deliveryAddress": in_camel_case(ADDRESS)},
        ),
        OF_CART,
        lambda cart: cart["email"] == OTHER,
        is_like_another=True,
    ),
    Step(
        "set delivery",
        "cart",
        mutation(queries.SET_DELIVERY, lambda _: {"deliveryMethod": STORE}),
        OF_CART,
        lambda cart: cart["delivery"]["delivery_method"] == STORE,
        is_like_another=True,
    ),
    Step(
        "read cart",
        "cart",
        graphql(
            READ_CART,
            lambda cart: {"id": encode_id("Cart", cart.id), "secret": cart.secret},
        ),
        OF_CART,
    ),
    Step(
        "place",
        "whole cart",
        mutation(
            queries.PLACE,
            lambda cart: {
                "agreedTotal": cart.total,
                "payment": PAYMENT,
                "idempotencyKey": cart.key,
            },
        ),
        PLACING,
    ),
    Step(
        "read placement",
        "order",
        graphql(
            queries.PLACEMENT,
            lambda cart: {"id": encode_id("Placement", cart.placing), "secret": cart.secret},
        ),
        OF_ORDERS,
    ),
    Step(
        "read order",
        "order",
        graphql(queries.ORDER, lambda cart: {"number": cart.number, "secret": cart.secret}),
        OF_ORDERS,
    ),
)
"""Through the gateway."""

PRICED = {"pricing": Fate.AWAY}
REST = (
    Step("delivery methods", "goods", rest("GET", f"/v1/delivery-methods?store={STORE}"), {}),
    Step(
        "open cart",
        "goods",
        rest("POST", "/v1/carts", lambda cart: {"store": STORE, "lines": lines(cart)}),
        PRICED,
    ),
    Step(
        "add line",
        "cart",
        rest("POST", "/v1/carts/{cart}/lines", lambda cart: {"lines": lines(cart)}),
        PRICED,
        has_quantity(2),
    ),
    Step(
        "change line",
        "cart",
        rest("PUT", "/v1/carts/{cart}/lines/{line}", lambda _: {"quantity": 3}),
        PRICED,
        has_quantity(3),
        is_like_another=True,
    ),
    Step(
        "set address",
        "cart",
        rest(
            "PUT",
            "/v1/carts/{cart}/address",
            lambda _: {"email": OTHER, "delivery_address": ADDRESS},
        ),
        PRICED,
        lambda cart: cart["email"] == OTHER,
        is_like_another=True,
    ),
    Step(
        "set delivery",
        "cart",
        rest("PUT", "/v1/carts/{cart}/delivery", lambda _: {"delivery_method": STORE}),
        PRICED,
        lambda cart: cart["delivery"]["delivery_method"] == STORE,
        is_like_another=True,
    ),
    Step("read cart", "cart", rest("GET", "/v1/carts/{cart}"), PRICED),
    Step(
        "place",
        "whole cart",
        rest(
            "POST",
            "/v1/carts/{cart}/place",
            lambda cart: {"agreed_total": cart.total, "payment": PAYMENT},
        ),
        CHECKING,
    ),
    Step("read placement", "order", rest("GET", "/v1/placements/{placing}"), {}),
    Step("read order", "order", rest("GET", "/v1/orders/{number}"), {}),
)
"""Straight at orders, which only its own neighbours stand behind."""
