"""A company in a shop whose parts may fail: its portal, its people, and what they do.

People ask over REST, and ask the same again while the shop says that it passes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.shop import Shop

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.05
PASSWORD = "a-password-for-tests"
PASSING = frozenset({"idempotency-key-in-use", "concurrent-change", "cart-changed"})
ADDRESS = {
    "name": "Bea Buyer",
    "line1": "1 Station Road",
    "city": "Leeds",
    "postal_code": "LS1 4DY",
    "country": "GB",
}
DELIVERY = {"amount": "4.00", "currency": "GBP"}

Put = Callable[[str, str, dict[str, Any]], Awaitable[Any]]
"""Writes a thing as the shop's partner: service, path, body."""


async def open_portal(put: Put, store: str) -> None:
    """A store for companies in GBP, net, with a list for everybody and a way to deliver."""
    sold = {"currencies": ["GBP"], "locales": ["en"], "countries": ["GB"]}
    named = {"name": {"en": "Portal"}, "audience": "b2b", "tax_display": "net"}
    await put("catalog", f"/v1/stores/{store}", named | sold)
    listed = {"name": "Portal", "currency": "GBP", "stores": [store], "is_tax_included": False}
    await put("pricing", f"/v1/price-lists/{store}", listed)
    method = {
        "name": {"en": "Pallet"},
        "stores": [store],
        "countries": ["GB"],
        "price": DELIVERY,
        "is_tax_included": False,
    }
    await put("orders", f"/v1/delivery-methods/{store}", method)


async def found(
    put: Put, key: str, *, credit: str = "1000000.00", limit: str = "50.00", buyers: int = 1
) -> None:
    """A company with a head office, a shop below it, an approver, an admin, and buyers."""
    path = f"/v1/companies/{key}"
    await put("accounts", path, {"name": key, "country": "GB", "currency": "GBP"})
    await put("accounts", f"{path}/units/{key}-head", {"name": "Head office"})
    await put("accounts", f"{path}/units/{key}-shop", {"name": "Shop", "parent": f"{key}-head"})
    terms = {
        "company": key,
        "payment_days": 30,
        "credit_limit": {"amount": credit, "currency": "GBP"},
        "requires_purchase_order": True,
    }
    await put("accounts", f"/v1/agreements/{key}", terms)
    budget = {
        "unit": f"{key}-shop",
        "amount": {"amount": credit, "currency": "GBP"},
        "over_budget": "refuse",
    }
    await put("accounts", f"/v1/budgets/{key}", budget)
    people = {"approver": (f"{key}-head", "approver"), "admin": (f"{key}-head", "admin")}
    people |= {f"buyer{n}": (f"{key}-shop", "buyer") for n in range(buyers)}
    for name, (unit, role) in people.items():
        member: dict[str, Any] = {
            "email": f"{name}@{key}.example",
            "name": name,
            "unit": unit,
            "roles": [role],
            "password": PASSWORD,
        }
        if role == "buyer":
            member["order_limit"] = {"amount": limit, "currency": "GBP"}
        await put("accounts", f"{path}/members/{key}-{name}", member)


@dataclass
class Person:
    """A member at work. What they cannot have now, they ask for again, for half a minute."""

    shop: Shop
    client: httpx.AsyncClient
    email: str
    store: str
    until: float = field(default_factory=lambda: time.monotonic() + PATIENCE_SECONDS)
    headers: dict[str, str] = field(default_factory=dict)

    async def sign_in(self) -> "Person":
        """Get a token."""
        wish = {"email": self.email, "password": PASSWORD}
        answer = await self.insist("POST", "accounts", "/v1/sessions", wish)
        assert answer.status_code == 200, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return self

    async def ask(
        self, method: str, service: str, path: str, body: Any = None, key: str = ""
    ) -> httpx.Response:
        """Ask once."""
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        url = self.shop.urls[service] + path
        return await self.client.request(method, url, json=body, headers=headers)

    async def insist(
        self, method: str, service: str, path: str, body: Any = None, key: str = ""
    ) -> httpx.Response:
        """Ask the same until there is an answer that will not change by itself."""
        while True:
            why = "no connection"
            with suppress(httpx.TransportError):
                answer = await self.ask(method, service, path, body, key)
                why = answer.text
                is_busy = answer.status_code == 409 and answer.json()["code"] in PASSING
                if answer.status_code != 503 and not is_busy:
                    return answer
            await self.rest(why)

    async def rest(self, why: str) -> None:
        assert time.monotonic() < self.until, f"out of patience: {why}"
        await asyncio.sleep(PAUSE_SECONDS)

    async def fill(self, wish: Mapping[str, int]) -> "Basket":
        """A cart that could be placed."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wish.items()]
        body = {"store": self.store, "lines": lines}
        opened = await self.insist("POST", "orders", "/v1/carts", body)
        assert opened.status_code == 201, opened.text
        path = f"/v1/carts/{opened.json()['cart']['id']}"
        who = {"email": "bea@example.com", "delivery_address": ADDRESS}
        await self.insist("PUT", "orders", f"{path}/address", who)
        way = {"delivery_method": self.store}
        shown = await self.insist("PUT", "orders", f"{path}/delivery", way)
        assert shown.status_code == 200, shown.text
        assert shown.json()["problems"] == []
        return Basket(path, shown.json()["totals"]["total"]["gross"])

    async def submit(self, basket: "Basket", key: str = "") -> httpx.Response:
        """Place a cart on terms, asking once."""
        return await self.ask("POST", "orders", f"{basket.path}/place", basket.wish, key or uuid())

    async def place(self, basket: "Basket", key: str = "") -> Any:
        """Place a cart on terms; where it stands when nothing goes on by itself any more."""
        path, key = f"{basket.path}/place", key or uuid()
        return await self.follow(await self.insist("POST", "orders", path, basket.wish, key))

    async def follow(self, answer: httpx.Response, *, past: str = "pending") -> Any:
        """A placement once it is past a status; a refusal as one that says why."""
        if answer.status_code >= 400:
            return {"status": "refused", "problem": answer.json(), "order": None}
        placement = answer.json()
        while placement["status"] in ("pending", past):
            await self.rest(str(placement))
            path = f"/v1/placements/{placement['id']}"
            placement = (await self.insist("GET", "orders", path)).json()
        return placement

    async def look(self, placement: Any) -> httpx.Response:
        """A placement as it stands now."""
        return await self.insist("GET", "orders", f"/v1/placements/{placement['id']}")

    async def decide(self, placement: Any, verdict: str) -> httpx.Response:
        """Approve or reject, until there is an answer."""
        path = f"/v1/approval-requests/{placement['approval_request_id']}/{verdict}"
        return await self.insist("POST", "approvals", path, {}, uuid())

    async def cancel(self, placement: Any) -> httpx.Response:
        """Cancel a placement, until there is an answer."""
        path = f"/v1/placements/{placement['id']}/cancel"
        return await self.insist("POST", "orders", path, None, uuid())


@dataclass(frozen=True)
class Basket:
    """A cart and what was agreed to."""

    path: str
    total: dict[str, str]

    @property
    def wish(self) -> dict[str, Any]:
        return {
            "agreed_total": self.total,
            "payment": {"method": "terms"},
            "purchase_order_number": "PO-4711",
        }


def uuid() -> str:
    """A key of one's own."""
    return str(uuid4())
