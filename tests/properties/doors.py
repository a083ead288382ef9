"""The two doors by which a guest comes to a cart: REST of orders, and GraphQL of the gateway.

Both answer alike here: what the REST answer says, or which problem.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from contracts.orders import Cart, Order
from tests.properties.live import Live
from tests.properties.model.refused import Refused
from tests.properties.seen import seen_cart, seen_order

UNKNOWN_ID = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"


@dataclass
class Opener:
    """What a guest holds of a cart: its id, the secret that opens it, the lines' ids by SKU."""

    store: str
    cart_id: str = UNKNOWN_ID
    secret: str | None = None
    line_ids: Mapping[str, str] | None = None

    def line_id(self, sku: str | None) -> str:
        """The id of a line; of none an id that no cart has."""
        return (self.line_ids or {}).get(sku or "", UNKNOWN_ID)

    def headers(self, **more: str) -> dict[str, str]:
        """What REST is sent."""
        own = {"Tandem-Cart-Secret": self.secret} if self.secret is not None else {}
        return own | more


@dataclass(frozen=True)
class Answer:
    """What was answered: `body` in the words of REST, or codes of what is wrong."""

    body: Any = None
    codes: tuple[str, ...] = ()
    status: int | None = None
    """Only REST has one."""


class Door(Protocol):
    """A way in. Each gives the cart as it is then; placing gives the placement."""

    async def open(self, store: str, wish: Mapping[str, Any]) -> Answer: ...
    async def read(self, held: Opener) -> Answer: ...
    async def add(self, held: Opener, lines: Any, key: str | None) -> Answer: ...
    async def change(self, held: Opener, sku: str | None, quantity: int) -> Answer: ...
    async def remove(self, held: Opener, sku: str | None) -> Answer: ...
    async def address(self, held: Opener, wish: Mapping[str, Any]) -> Answer: ...
    async def deliver(self, held: Opener, method: str) -> Answer: ...
    async def place(self, held: Opener, wish: Mapping[str, Any], key: str) -> Answer: ...
    async def order(self, held: Opener, number: str) -> Answer: ...


@dataclass
class Rest:
    """REST of orders."""

    live: Live

    async def open(self, store: str, wish: Mapping[str, Any]) -> Answer:
        """A cart in a store."""
        body = {"store": store, **wish}
        return as_answer(await self.live.call("orders", "POST", "/v1/carts", json=body))

    async def read(self, held: Opener) -> Answer:
        """The cart as it is."""
        return await self._ask(held, "GET", "")

    async def add(self, held: Opener, lines: Any, key: str | None) -> Answer:
        """More of some SKUs."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._ask(held, "POST", "/lines", {"lines": lines}, **headers)

    async def change(
        self, held: Opener, sku: str | None, quantity: int, version: int | None = None
    ) -> Answer:
        """Another quantity, if the cart has that version."""
        headers = {"If-Match": f'"{version}"'} if version is not None else {}
        path = f"/lines/{held.line_id(sku)}"
        return await self._ask(held, "PUT", path, {"quantity": quantity}, **headers)

    async def remove(self, held: Opener, sku: str | None) -> Answer:
        """A line less."""
        return await self._ask(held, "DELETE", f"/lines/{held.line_id(sku)}")

    async def address(self, held: Opener, wish: Mapping[str, Any]) -> Answer:
        """Who buys and where it goes."""
        return await self._ask(held, "PUT", "/address", wish)

    async def deliver(self, held: Opener, method: str) -> Answer:
        """How it is brought."""
        return await self._ask(held, "PUT", "/delivery", {"delivery_method": method})

    async def place(self, held: Opener, wish: Mapping[str, Any], key: str) -> Answer:
        """Order it."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._ask(held, "POST", "/place", wish, **headers)

    async def order(self, held: Opener, number: str) -> Answer:
        """The order of that number."""
        path = f"/v1/orders/{number}"
        return as_answer(await self.live.call("orders", "GET", path, headers=held.headers()))

    async def placement(self, held: Opener, placement_id: str) -> Answer:
        """How placing stands."""
        path = f"/v1/placements/{placement_id}"
        return as_answer(await self.live.call("orders", "GET", path, headers=held.headers()))

    async def get(self, path: str) -> Answer:
        """What nobody in particular reads of catalog."""
        return as_answer(await self.live.call("catalog", "GET", path))

    async def _ask(
        self, held: Opener, method: str, path: str, body: Any = None, **headers: str
    ) -> Answer:
        url = f"/v1/carts/{held.cart_id}{path}"
        sent = {} if body is None else {"json": body}
        opened = held.headers(**headers)
        return as_answer(await self.live.call("orders", method, url, headers=opened, **sent))


@dataclass
class Graph:
    """The gateway's schema for storefronts. It knows no `If-Match`."""

    live: Live

    async def open(self, store: str, wish: Mapping[str, Any]) -> Answer:
        """A cart in a store, in the guest's locale."""
        wish = dict(wish)
        locale = wish.pop("locale") or ""
        return await self._change(
            Opener(store), "openCart", "secret cart { ...Shown }", wish, locale=locale
        )

    async def read(self, held: Opener) -> Answer:
        """The cart as it is."""
        query = f"query ($id: ID!, $secret: String!) {{ cart(id: $id, secret: $secret) {_SHOWN} }}"
        variables = {"id": encoded("Cart", held.cart_id), "secret": held.secret or "none"}
        return await self._find(held, query, variables, "cart", "cart-not-found")

    async def add(self, held: Opener, lines: Any, key: str | None) -> Answer:
        """More of some SKUs."""
        return await self._cart(held, "addCartLines", {"lines": lines, "idempotency_key": key})

    async def change(self, held: Opener, sku: str | None, quantity: int) -> Answer:
        """Another quantity."""
        line = {"line_id": encoded("CartLine", held.line_id(sku)), "quantity": quantity}
        return await self._cart(held, "changeCartLine", line)

    async def remove(self, held: Opener, sku: str | None) -> Answer:
        """A line less."""
        line = {"line_id": encoded("CartLine", held.line_id(sku))}
        return await self._cart(held, "removeCartLine", line)

    async def address(self, held: Opener, wish: Mapping[str, Any]) -> Answer:
        """Who buys and where it goes."""
        return await self._cart(held, "setCartAddress", wish)

    async def deliver(self, held: Opener, method: str) -> Answer:
        """How it is brought."""
        return await self._cart(held, "setCartDelivery", {"delivery_method": method})

    async def place(self, held: Opener, wish: Mapping[str, Any], key: str) -> Answer:
        """Order it."""
        return await self._change(
            held,
            "placeOrder",
            f"placement {{ id status order {_ORDER} problem {{ code message }} }}",
            self._opened(held) | dict(wish) | {"idempotency_key": key},
        )

    async def order(self, held: Opener, number: str) -> Answer:
        """The order of that number."""
        query = (
            "query ($number: String!, $secret: String!)"
            f" {{ order(number: $number, secret: $secret) {_ORDER} }}"
        )
        variables = {"number": number, "secret": held.secret or "none"}
        return await self._find(held, query, variables, "order", "order-not-found")

    async def product(self, store: str, key: str, locale: str) -> Answer:
        """A product's page; null and no code where there is none."""
        told = await self._ask(Opener(store), _PRODUCT, {"key": key}, locale=locale)
        codes = tuple(one["extensions"]["code"] for one in told.get("errors", ()))
        return Answer(snake(told["data"]["product"]), codes)

    async def _cart(self, held: Opener, name: str, wish: Mapping[str, Any]) -> Answer:
        answer = await self._change(
            held, name, "cart { ...Shown }", self._opened(held) | dict(wish)
        )
        return Answer(answer.body["cart"]) if answer.body else answer

    def _opened(self, held: Opener) -> dict[str, Any]:
        return {"cart_id": encoded("Cart", held.cart_id), "secret": held.secret or "none"}

    async def _change(
        self, held: Opener, name: str, selected: str, wish: Mapping[str, Any], locale: str = ""
    ) -> Answer:
        title = name[0].upper() + name[1:]
        document = (
            f"mutation ($input: {title}Input!) {{ {name}(input: $input)"
            f" {{ {selected} errors {{ code message field }} }} }}"
        )
        if "...Shown" in document:
            document += f" fragment Shown on Cart {_SHOWN}"
        told = await self._ask(held, document, {"input": camel(wish)}, locale=locale)
        assert "errors" not in told, told
        payload = told["data"][name]
        codes = tuple(error["code"] for error in payload.pop("errors"))
        if codes:
            assert not any(payload.values())
            return Answer(codes=codes)
        body = snake(payload)
        return Answer(body.get("placement", body))

    async def _find(
        self, held: Opener, query: str, variables: Mapping[str, Any], name: str, missing: str
    ) -> Answer:
        """One thing; null says that it was not found, an error which problem there is else."""
        told = await self._ask(held, query, variables)
        if told.get("errors"):
            return Answer(codes=tuple(one["extensions"]["code"] for one in told["errors"]))
        found = told["data"][name]
        return Answer(snake(found)) if found else Answer(codes=(missing,))

    async def _ask(
        self, held: Opener, query: str, variables: Mapping[str, Any], *, locale: str = ""
    ) -> Any:
        answer = await self.live.call(
            "gateway",
            "POST",
            "/d2c/graphql",
            json={"query": query, "variables": variables},
            headers={"Tandem-Store": held.store, "Accept-Language": locale},
        )
        return answer.json()


def as_answer(response: httpx.Response) -> Answer:
    """An answer of REST: its body, or which problem."""
    if response.status_code < 400:
        return Answer(response.json(), status=response.status_code)
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert problem["status"] == response.status_code
    return Answer(problem, (problem["code"],), response.status_code)


def check_cart(answer: Answer, expected: Any, *, status: int = 200) -> Cart:
    """The cart is what the model says; it, as the contract reads it."""
    assert not answer.codes, (answer, expected)
    assert answer.status in (None, status)
    cart = Cart.model_validate(answer.body)
    check_same(seen_cart(cart), expected)
    return cart


def check_order(answer: Answer, expected: Any) -> Order:
    """The order is what the model says."""
    assert not answer.codes, (answer, expected)
    order = Order.model_validate(answer.body)
    check_same(seen_order(order), expected)
    return order


def check_same(seen: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Two things are the same; the failure names the parts that differ."""
    names = [*expected, *(name for name in seen if name not in expected)]
    differing = {
        name: {"seen": seen.get(name), "expected": expected.get(name)}
        for name in names
        if seen.get(name) != expected.get(name)
    }
    assert not differing, differing


def check_refused(answer: Answer, expected: Refused) -> None:
    """It was refused as the model says: code, status, and what else had to be told."""
    if answer.status is None:
        is_input = expected.code == "invalid-input"
        assert answer.codes == expected.fields or (is_input and answer.codes), (answer, expected)
        return
    assert (answer.status, answer.codes) == (expected.status, (expected.code,)), answer
    told = {name: answer.body.get(name) for name in expected.told}
    assert told == expected.told


def camel(wish: Any) -> Any:
    """Names as GraphQL spells them, all the way down."""
    if isinstance(wish, Mapping):
        return {
            re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name): camel(value)
            for name, value in wish.items()
        }
    return [camel(one) for one in wish] if isinstance(wish, list) else wish


def snake(told: Any) -> Any:
    """What GraphQL told, as REST would."""
    if isinstance(told, dict):
        return {
            re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name): _plain(name, value)
            for name, value in told.items()
        }
    return [snake(one) for one in told] if isinstance(told, list) else told


def _plain(name: str, value: Any) -> Any:
    if name in ("id", "lineId") and value is not None:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode().partition(":")[2]
    return value.lower() if name == "status" else snake(value)


def encoded(kind: str, key: str) -> str:
    """An id as GraphQL spells it."""
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("=")


_MONEY = "{ amount currency }"
_TAXED = f"{{ net {_MONEY} tax {_MONEY} gross {_MONEY} }}"
_ADDRESS = "{ name company line1 line2 city region postalCode country phone }"
_DELIVERY = f"{{ deliveryMethod name total {_TAXED} }}"
_LINES = f"{{ id sku productKey name quantity unitPrice {_MONEY} total {_TAXED} }}"
_TOTALS = (
    f"{{ items {_TAXED} delivery {_TAXED} total {_TAXED} taxes {{ rate name amount {_TAXED} }} }}"
)
_SAME = (
    f"id version status store currency country locale email deliveryAddress {_ADDRESS}"
    f" billingAddress {_ADDRESS} lines {_LINES} delivery {_DELIVERY} totals {_TOTALS}"
)
_SHOWN = f"{{ {_SAME} problems {{ code message lineId }} orderNumber updatedAt }}"
_PAID = f"{{ method status amount {_MONEY} captured {_MONEY} refunded {_MONEY} reference }}"
_ORDER = f"{{ {_SAME} number payment {_PAID} placedAt }}"
_PRODUCT = """
query ($key: String!) {
  product(by: {key: $key}) {
    key
    name
    variants {
      sku
      availability { available isInStock }
      price { unitPrice { amount currency } isTaxIncluded taxRate }
    }
  }
}
"""
