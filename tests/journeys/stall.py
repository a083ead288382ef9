"""A stall in the shop: a store with goods of its own, for whoever does everything wrong there."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.shop import START_SECONDS, Shop

STALL = "bad-stall"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}
LEAKS = (
    "Traceback",
    "sqlalchemy",
    "asyncpg",
    "pydantic",
    "joserfc",
    "SELECT ",
    "INSERT ",
    'File "',
)
OURS = frozenset({"internal-error", "catalog-unavailable", "orders-unavailable"})


def check_answer(response: httpx.Response) -> None:
    """What holds for every answer: no fault of ours, and a refusal is told as a problem."""
    response.read()
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert not any(word in response.text for word in LEAKS), response.text
    told = response.headers.get("content-type", "").partition(";")[0]
    if told == "application/graphql-response+json":
        codes = {error["extensions"]["code"] for error in response.json().get("errors", [])}
        assert not codes & OURS, response.text
    elif response.status_code >= 400:
        assert told == "application/problem+json", response.text
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["request_id"] == response.headers["x-request-id"]
        assert problem["code"]
        assert problem["detail"]
        assert "errors" in problem


@dataclass(frozen=True)
class StallCart:
    """A cart and what opens it."""

    id: str
    secret: str

    @property
    def path(self) -> str:
        return f"/v1/carts/{self.id}"


@dataclass
class Stall:
    """A store of its own within the shop, with its own goods, for whoever does all wrong there.

    Every answer to its client goes through `check_answer`.
    """

    shop: Shop
    client: httpx.Client
    skus: list[str] = field(default_factory=list)
    _token: tuple[float, str] = (0.0, "")

    @property
    def token(self) -> str:
        """The partner's, with all its rights; a new one every five minutes."""
        renew_at, token = self._token
        if time.monotonic() > renew_at:
            renew_at, token = self._token = (time.monotonic() + 300, self.get_token())
        return token

    def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        token: str | None = None,
        secret: str | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """Call a service as a guest, or with a token; `key` is the Idempotency-Key."""
        named = {"Tandem-Cart-Secret": secret, "Idempotency-Key": key}
        sent = {name: value for name, value in named.items() if value is not None}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        raw = [
            (name.encode(), value.encode("latin-1"))
            for name, value in (sent | (headers or {})).items()
        ]
        return self.client.request(method, self.shop.urls[service] + path, headers=raw, **request)

    def ask(
        self, query: str, variables: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Send a GraphQL query about this store."""
        return self.call(
            "gateway",
            "POST",
            "/d2c/graphql",
            json={"query": query, "variables": variables or {}},
            headers={"Tandem-Store": STALL} | headers,
        )

    def get_token(self, **wanted: str) -> str:
        answer = self.client.post(
            f"{self.shop.urls['accounts']}/v1/tokens",
            data={"grant_type": "client_credentials", **wanted},
            auth=(self.shop.credentials.client_id, self.shop.credentials.client_secret),
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def put(self, service: str, path: str, body: dict[str, Any]) -> Any:
        """Write something as the partner."""
        answer = self.call(service, "PUT", path, token=self.token, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def read(self, service: str, path: str, **params: str) -> Any:
        """Read something as the partner."""
        answer = self.call(service, "GET", path, token=self.token, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def open(self) -> None:
        """Make the store with its price list, warehouse and delivery method."""
        sold = {"currencies": ["GBP"], "locales": ["en"], "countries": ["GB"]}
        named = {"name": {"en": "Stall"}, "audience": "d2c", "tax_display": "gross"}
        self.put("catalog", f"/v1/stores/{STALL}", named | sold)
        listed = {"name": "Stall", "currency": "GBP", "stores": [STALL], "is_tax_included": True}
        self.put("pricing", f"/v1/price-lists/{STALL}", listed)
        self.put("orders", f"/v1/warehouses/{STALL}", {"name": "Stall", "country": "GB"})
        price = {"amount": "5.00", "currency": "GBP"}
        method = {"name": {"en": "Cart"}, "stores": [STALL], "countries": ["GB"], "price": price}
        self.put("orders", f"/v1/delivery-methods/{STALL}", method)

    def sell(self, *, price: str = "10.00", stock: int = 1000) -> str:
        """Put new goods on sale: published, priced, counted and known to all; their SKU."""
        sku = f"bad-{uuid4().hex}"
        self.skus.append(sku)
        self.publish(sku, is_published=True)
        self.price(sku, price)
        self.count(sku, stock)
        until = time.monotonic() + START_SECONDS
        while not self._is_on_sale(sku):
            assert time.monotonic() < until, f"{sku} is not on sale"
            time.sleep(0.02)
        return sku

    def _is_on_sale(self, sku: str) -> bool:
        body = {"store": STALL, "lines": [{"sku": sku, "quantity": 1}]}
        answer = self.call("orders", "POST", "/v1/carts", json=body)
        return answer.status_code == 201 and answer.json()["cart"]["lines"][0]["total"] is not None

    def publish(self, sku: str, *, is_published: bool) -> None:
        body = {"name": {"en": "Bad"}, "variants": [{"sku": sku}], "is_published": is_published}
        self.put("catalog", f"/v1/products/{sku}", body)

    def price(self, sku: str, amount: str) -> None:
        self.put(
            "pricing", f"/v1/price-lists/{STALL}/prices/{sku}", {"tiers": [{"amount": amount}]}
        )

    def count(self, sku: str, on_hand: int) -> None:
        self.put("orders", f"/v1/warehouses/{STALL}/stock/{sku}", {"on_hand": on_hand})

    def stock(self, sku: str) -> Any:
        """The stock of goods, as the partner sees it."""
        return self.read("orders", f"/v1/warehouses/{STALL}/stock/{sku}")

    def fill(self, *skus: str, quantity: int = 1, is_ready: bool = False) -> StallCart:
        """Open a cart with goods in it; a ready one has an address and delivery."""
        body = {"store": STALL, "lines": [{"sku": sku, "quantity": quantity} for sku in skus]}
        opened = self.call("orders", "POST", "/v1/carts", json=body)
        assert opened.status_code == 201, opened.text
        cart = StallCart(opened.json()["cart"]["id"], opened.json()["secret"])
        if is_ready:
            address = {"email": "ada@example.com", "delivery_address": ADDRESS}
            for what, said in (("address", address), ("delivery", {"delivery_method": STALL})):
                path = f"{cart.path}/{what}"
                answer = self.call("orders", "PUT", path, secret=cart.secret, json=said)
                assert answer.status_code == 200, answer.text
            assert answer.json()["problems"] == []
        return cart

    def cart(self, cart: StallCart) -> Any:
        """A cart as its owner sees it."""
        answer = self.call("orders", "GET", cart.path, secret=cart.secret)
        assert answer.status_code == 200, answer.text
        return answer.json()
