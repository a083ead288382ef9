"""A small store of its own, put into an empty shop by its partner over REST."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.shop import Shop

STORE = "fort"
SKUS = ("fort-1", "fort-2")
ON_HAND = 100_000
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Partner:
    """The partner's system, its token in hand."""

    shop: Shop
    client: httpx.AsyncClient

    async def put(self, service: str, path: str, body: dict[str, Any]) -> None:
        """Write something; while the service is away, again."""
        await self.insist("PUT", service, path, body)

    async def get(self, service: str, path: str) -> Any:
        """Read something; while the service is away, again."""
        return await self.insist("GET", service, path)

    async def move(self, number: str, what: str, amount: str) -> Any:
        """Capture or refund some of an order's payment, under one key, until it is done."""
        body = {"amount": {"amount": amount, "currency": "GBP"}}
        key = str(uuid4())
        return await self.insist("POST", "orders", f"/v1/orders/{number}/{what}", body, key=key)

    async def insist(
        self,
        method: str,
        service: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        key: str = "",
    ) -> Any:
        """Ask until there is an answer that will not change by itself."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            failure = "no connection"
            with suppress(httpx.TransportError):
                answer = await self.client.request(
                    method,
                    self.shop.urls[service] + path,
                    json=body,
                    headers={"Idempotency-Key": key} if key else {},
                )
                failure = answer.text
                is_passing = answer.status_code in (202, 503) or (
                    answer.status_code == 409 and answer.json()["code"] == "idempotency-key-in-use"
                )
                if not is_passing:
                    assert answer.status_code in (200, 201), answer.text
                    return answer.json()
            assert time.monotonic() < until, failure
            await asyncio.sleep(PAUSE_SECONDS)

    async def sign_in(self) -> None:
        credentials = self.shop.credentials
        answer = await self.client.post(
            f"{self.shop.urls['accounts']}/v1/tokens",
            data={"grant_type": "client_credentials"},
            auth=(credentials.client_id, credentials.client_secret),
        )
        assert answer.status_code == 200, answer.text
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def open_store(self) -> None:
        """A store with goods on sale, in stock, and a way to have them brought."""
        await self.sign_in()
        await self.put_store(name="Fort")
        listed = {"name": "Fort", "currency": "GBP", "stores": [STORE], "is_tax_included": True}
        await self.put("pricing", f"/v1/price-lists/{STORE}", listed)
        rate = {"country": "GB", "tax_class": "standard", "rate": "0.2", "name": "VAT 20 %"}
        await self.put("pricing", "/v1/tax-rates/gb-standard", rate)
        await self.put("orders", f"/v1/warehouses/{STORE}", {"name": "Fort", "country": "GB"})
        price = {"amount": "5.00", "currency": "GBP"}
        method = {"name": {"en": "Cart"}, "stores": [STORE], "countries": ["GB"], "price": price}
        await self.put("orders", f"/v1/delivery-methods/{STORE}", method)
        for sku in SKUS:
            await self.put_product(sku, name="Wall")
            await self.put_price(sku, "10.00")
            await self.put_stock(sku, ON_HAND)

    async def put_store(self, *, name: str) -> None:
        sold = {"currencies": ["GBP"], "locales": ["en"], "countries": ["GB"]}
        named = {"name": {"en": name}, "audience": "d2c", "tax_display": "gross"}
        await self.put("catalog", f"/v1/stores/{STORE}", named | sold)

    async def put_product(self, sku: str, *, name: str) -> None:
        body = {"name": {"en": name}, "variants": [{"sku": sku}], "is_published": True}
        await self.put("catalog", f"/v1/products/{sku}", body)

    async def put_price(self, sku: str, amount: str) -> None:
        body = {"tiers": [{"amount": amount}]}
        await self.put("pricing", f"/v1/price-lists/{STORE}/prices/{sku}", body)

    async def put_stock(self, sku: str, on_hand: int) -> None:
        body = {"on_hand": on_hand}
        await self.put("orders", f"/v1/warehouses/{STORE}/stock/{sku}", body)
