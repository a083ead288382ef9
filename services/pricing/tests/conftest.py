"""Pricing under test: a partner who writes over HTTP, and what catalog would have told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import buyers
from chassis.runtime import Runtime
from chassis.service import Service
from contracts.buyers import BuyerProfile
from contracts.catalog import ProductFacts, Store
from contracts.ids import new_id
from pricing.app import SERVICE
from pricing.product.commands import keep_products
from pricing.store.commands import keep_stores

PRODUCT_ID = UUID("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10")


@pytest.fixture(scope="session")
def service() -> Service:
    """The service under test."""
    return SERVICE


def make_store(key: str = "d2c-uk", **changes: Any) -> Store:
    return Store.model_validate(
        {
            "key": key,
            "name": {"en": "Tandem Gifts UK"},
            "audience": "d2c",
            "currencies": ["GBP"],
            "locales": ["en"],
            "countries": ["GB"],
            "tax_display": "gross",
            "version": 1,
            "updated_at": "2026-11-22T10:00:00Z",
            **changes,
        }
    )


def make_product(key: str = "71053", **changes: Any) -> ProductFacts:
    return ProductFacts.model_validate(
        {
            "product_id": PRODUCT_ID,
            "key": key,
            "sequence": 1,
            "is_published": True,
            "tax_class": "standard",
            "name": {"en": "White metal lantern"},
            "categories": [],
            "skus": [key],
            **changes,
        }
    )


@dataclass
class Shop:
    """Writes as a partner, asks as a guest, and hears from catalog."""

    client: httpx.AsyncClient
    runtime: Runtime
    headers: dict[str, str]

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.client.put(f"/v1/{path}", json=body, headers={**self.headers, **headers})

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(f"/v1/{path}", params=params, headers=self.headers)

    async def put_rule(
        self, key: str, sku: str, status: int | None = None, **changes: Any
    ) -> dict[str, Any]:
        answer = await self.put(f"quantity-rules/{key}", {"sku": sku, **changes})
        assert answer.status_code == status or (status is None and answer.is_success), answer.text
        return dict(answer.json())

    async def know_buyers(self, *profiles: BuyerProfile) -> None:
        async with self.runtime.sessions() as session:
            await buyers.keep(session, profiles)
            await session.commit()

    async def put_list(self, key: str = "public-uk", **changes: Any) -> dict[str, Any]:
        body = {
            "name": "Public UK",
            "currency": "GBP",
            "is_tax_included": True,
            **changes,
        }
        answer = await self.put(f"price-lists/{key}", body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def put_price(
        self, sku: str, amount: str, price_list: str = "public-uk", **changes: Any
    ) -> httpx.Response:
        body = {"tiers": [{"amount": amount}], **changes}
        answer = await self.put(f"price-lists/{price_list}/prices/{sku}", body)
        assert answer.is_success, answer.text
        return answer

    async def put_rate(
        self, country: str = "GB", tax_class: str = "standard", rate: str = "0.2", **changes: Any
    ) -> dict[str, Any]:
        body = {
            "country": country,
            "tax_class": tax_class,
            "rate": rate,
            "name": f"VAT {rate}",
            **changes,
        }
        answer = await self.put(f"tax-rates/{country}-{tax_class}", body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def bulk(
        self, lines: list[Any] | bytes, price_list: str = "public-uk", **params: Any
    ) -> list[dict[str, Any]]:
        body = lines if isinstance(lines, bytes) else b"\n".join(map(orjson.dumps, lines))
        answer = await self.client.post(
            f"/v1/price-lists/{price_list}/prices/bulk",
            content=body,
            params=params,
            headers={**self.headers, "Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        return [orjson.loads(line) for line in answer.content.splitlines()]

    async def resolve(self, *lines: Any, token: str | None = None, **changes: Any) -> Any:
        """Lines are SKUs, or (SKU, quantity), or whole lines; without a token as a guest."""
        body = {"store": "d2c-uk", "lines": [as_line(*one) for one in enumerate(lines)], **changes}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.post("/v1/prices/resolve", json=body, headers=headers)

    async def resolved(self, *lines: Any, **changes: Any) -> dict[str, Any]:
        answer = await self.resolve(*lines, **changes)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def know_store(self, *stores: Store) -> None:
        async with self.runtime.sessions() as session:
            await keep_stores(session, stores)
            await session.commit()

    async def know_products(self, *products: ProductFacts) -> None:
        async with self.runtime.sessions() as session:
            await keep_products(session, products)
            await session.commit()


def make_buyer(**changes: Any) -> BuyerProfile:
    """A buyer of a shop of Acme, below its head office, in no group and with no agreement."""
    return BuyerProfile.model_validate(
        {
            "member_id": new_id(),
            "sequence": 1,
            "is_active": True,
            "company": "acme",
            "units": ["acme-shop", "acme-head"],
            "roles": ["buyer"],
            "groups": [],
            "agreements": [],
            "country": "GB",
            "currency": "EUR",
            **changes,
        }
    )


def as_line(index: int, line: Any) -> dict[str, Any]:
    ref = str(index + 1)
    if isinstance(line, dict):
        return {"ref": ref, **line}
    sku, quantity = line if isinstance(line, tuple) else (line, 1)
    return {"ref": ref, "sku": sku, "quantity": quantity}


@pytest.fixture
def shop(app_client: httpx.AsyncClient, runtime: Runtime, make_token: Any) -> Shop:
    """An empty shop and a partner who may read and write."""
    token = make_token(scopes=("pricing:read", "pricing:write"))
    return Shop(app_client, runtime, {"Authorization": f"Bearer {token}"})


@pytest.fixture
async def open_shop(shop: Shop) -> Shop:
    """A shop with the store d2c-uk, the list public-uk, and UK VAT at 20 %."""
    await shop.know_store(make_store())
    await shop.put_list()
    await shop.put_rate()
    return shop


@pytest.fixture
def buyer_facts() -> Callable[..., BuyerProfile]:
    """Makes what accounts tells of a buyer."""
    return make_buyer


@pytest.fixture
def token_of(make_token: Any) -> Callable[[BuyerProfile], str]:
    """The token that a member signed in with."""

    def make(profile: BuyerProfile) -> str:
        token: str = make_token(
            kind="member",
            subject=str(profile.member_id),
            buyer={
                "member_id": str(profile.member_id),
                "company": profile.company,
                "unit": profile.units[0],
                "roles": [role.value for role in profile.roles],
                "version": profile.sequence,
            },
        )
        return token

    return make


@pytest.fixture
def store_facts() -> Callable[..., Store]:
    """Makes what catalog tells of a store."""
    return make_store


@pytest.fixture
def product_facts() -> Callable[..., ProductFacts]:
    """Makes what catalog tells of a product."""
    return make_product


@pytest.fixture
def told(runtime: Runtime) -> Callable[[], Any]:
    """The events told so far, as (type, subject, sequence, data), in order."""

    async def ask() -> list[tuple[str, str, int, Any]]:
        async with runtime.sessions() as session:
            return await _outbox(session)

    return ask


async def _outbox(session: AsyncSession) -> list[tuple[str, str, int, Any]]:
    rows = await session.execute(
        text("SELECT type, subject, sequence, event FROM outbox ORDER BY id")
    )
    return [
        (row.type.split(".")[2], row.subject, row.sequence, orjson.loads(row.event)["data"])
        for row in rows
    ]
