"""Catalog under test: a guest, a partner who may write, and short ways to say what they do."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from catalog.app import SERVICE
from chassis.outbox import OutboxRow
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.testing import MakeToken

STORE = {
    "name": {"en": "Tandem Gifts UK"},
    "audience": "d2c",
    "currencies": ["GBP"],
    "locales": ["en"],
    "countries": ["GB"],
    "tax_display": "gross",
}


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
async def guest(app_client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Calls without a token."""
    return app_client


@pytest.fixture
async def partner(app: Any, make_token: MakeToken) -> AsyncIterator[httpx.AsyncClient]:
    """Calls with a partner's token that may read and write the catalog."""
    token = make_token(scopes=("catalog:read", "catalog:write", "changes:read"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://service",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client


@pytest.fixture
async def store(partner: httpx.AsyncClient) -> str:
    """Key of a store."""
    answer = await partner.put("/v1/stores/d2c-uk", json=STORE)
    assert answer.status_code == 201
    return "d2c-uk"


Put = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def put_category(partner: httpx.AsyncClient) -> Put:
    """`await put_category("lighting", parent="home")`."""

    async def put(key: str, *, parent: str | None = None, **fields: Any) -> httpx.Response:
        body = {"name": {"en": key.title()}, "parent": parent, **fields}
        return await partner.put(f"/v1/categories/{key}", json=body)

    return put


@pytest.fixture
def put_product(partner: httpx.AsyncClient) -> Put:
    """`await put_product("71053", skus=["71053"], categories=["lighting"])`."""

    async def put(
        key: str, *, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        return await partner.put(
            f"/v1/products/{key}", json=a_product(key, **fields), headers=headers
        )

    return put


@pytest.fixture
def product() -> Callable[..., dict[str, Any]]:
    """Makes the body of a product."""
    return a_product


def a_product(
    key: str, *, name: str = "White metal lantern", skus: list[str] | None = None, **fields: Any
) -> dict[str, Any]:
    return {
        "name": {"en": name},
        "variants": [{"sku": sku} for sku in (skus or [key])],
        **fields,
    }


Bulk = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def bulk(partner: httpx.AsyncClient) -> Bulk:
    """Sends lines (values, or bytes as they are) and gives back the results."""

    async def send(path: str, lines: list[Any], **params: Any) -> list[dict[str, Any]]:
        raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        answer = await partner.post(
            path,
            content=b"\n".join(raw),
            params=params,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    return send


Told = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def told(runtime: Runtime) -> Told:
    """Events of a type in the outbox, whole, in their order; then forgets all."""

    async def read(type: str) -> list[dict[str, Any]]:
        async with runtime.sessions() as session:
            rows = await session.scalars(
                select(OutboxRow.event).where(OutboxRow.type == type).order_by(OutboxRow.id)
            )
            events = [json.loads(event) for event in rows]
            await session.execute(text("DELETE FROM outbox"))
            await session.commit()
        return events

    return read
