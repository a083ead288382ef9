"""Catalog under test: a guest, a partner who may write, and short ways to say what they do."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from catalog.app import SERVICE
from chassis import buyers
from chassis.outbox import OutboxRow
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.testing import MakeToken
from contracts.buyers import BuyerProfile
from contracts.ids import new_id

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


@pytest.fixture
def put_assortment(partner: httpx.AsyncClient) -> Put:
    """`await put_assortment("lights", categories=["lighting"], company="acme")`; see below."""

    async def put(key: str, **fields: Any) -> httpx.Response:
        return await partner.put(f"/v1/assortments/{key}", json=an_assortment(**fields))

    return put


def an_assortment(
    *,
    assigned: tuple[tuple[str, ...], ...] = (),
    exclude: dict[str, list[str]] | None = None,
    stores: tuple[str, ...] = (),
    **include: list[str],
) -> dict[str, Any]:
    """`assigned` has (level, key, effect) or (level, key, effect, company)."""
    names = ("level", "key", "effect", "company")
    return {
        "name": "Some",
        "stores": list(stores),
        "include": include or None,
        "exclude": exclude,
        "assignments": [dict(zip(names, one, strict=False)) for one in assigned],
    }


@pytest.fixture
async def portal(partner: httpx.AsyncClient) -> str:
    """Key of a store for companies."""
    answer = await partner.put("/v1/stores/b2b-eu", json=STORE | {"audience": "b2b"})
    assert answer.status_code == 201
    return "b2b-eu"


@pytest.fixture
async def sign_in(
    app: Any, runtime: Runtime, make_token: MakeToken
) -> AsyncIterator[Callable[..., Awaitable[httpx.AsyncClient]]]:
    """`await sign_in(company="acme", units=["shop", "root"])`: a member's client.

    `client.profile` is what the copy has of them; give one as `profile` to change it.
    """
    clients: list[httpx.AsyncClient] = []

    async def enter(**values: Any) -> httpx.AsyncClient:
        profile = BuyerProfile.model_validate(
            {
                "member_id": new_id(),
                "sequence": 1,
                "is_active": True,
                "company": "acme",
                "units": ["root"],
                "roles": ["buyer"],
                "groups": [],
                "agreements": [],
                "country": "GB",
                "currency": "EUR",
                **values,
            }
        )
        async with runtime.sessions() as session:
            await buyers.keep(session, [profile])
            await session.commit()
        member = str(profile.member_id)
        claim = {
            "member_id": member,
            "company": profile.company,
            "unit": profile.units[0],
            "roles": profile.roles,
            "version": profile.sequence,
        }
        token = make_token(kind="member", subject=member, buyer=claim)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://service",
            headers={"Authorization": f"Bearer {token}"},
        )
        client.profile = profile  # type: ignore[attr-defined]
        clients.append(client)
        return client

    yield enter
    for client in clients:
        await client.aclose()


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
