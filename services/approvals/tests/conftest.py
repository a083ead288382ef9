"""Approvals under test: a company's people, and short ways to ask and decide."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from approvals.app import SERVICE
from chassis import buyers
from chassis.outbox import OutboxRow
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.testing import MakeToken
from contracts.buyers import BuyerProfile
from contracts.ids import new_id

# head-office
# └── region
#     └── shop
UNITS = {
    "shop": ["shop", "region", "head-office"],
    "region": ["region", "head-office"],
    "head-office": ["head-office"],
    "other-shop": ["other-shop", "region", "head-office"],
}


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


def make_profile(
    *roles: str, unit: str = "shop", company: str = "acme", **values: Any
) -> BuyerProfile:
    """A member with these roles; in another company its units have other keys."""
    units = [one if company == "acme" else f"{company}-{one}" for one in UNITS[unit]]
    return BuyerProfile.model_validate(
        {
            "member_id": new_id(),
            "sequence": 1,
            "is_active": True,
            "company": company,
            "units": units,
            "roles": roles,
            "groups": [],
            "agreements": [],
            "country": "GB",
            "currency": "EUR",
            **values,
        }
    )


PEOPLE = {
    "buyer": make_profile("buyer"),
    "colleague": make_profile("buyer"),
    "shop_approver": make_profile("buyer", "approver"),
    "head_approver": make_profile("approver", unit="head-office"),
    "other_approver": make_profile("approver", unit="other-shop"),
    "admin": make_profile("admin", unit="head-office"),
    "stranger": make_profile("admin", "approver", unit="head-office", company="globex"),
    "strange_buyer": make_profile("buyer", company="globex"),
}


@pytest.fixture
def people() -> dict[str, BuyerProfile]:
    """Everybody, by what they are."""
    return PEOPLE


@pytest.fixture
async def keep(runtime: Runtime) -> Callable[..., Awaitable[None]]:
    """Puts profiles into the copy, as accounts' events would; everybody's at first."""

    async def write(*profiles: BuyerProfile) -> None:
        async with runtime.sessions() as session:
            await buyers.keep(session, profiles)
            await session.commit()

    await write(*PEOPLE.values())
    return write


class Door:
    """Who calls, and what they are told."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def put(self, request_id: str, **changes: Any) -> httpx.Response:
        """Ask for the buyer's order of 480 EUR, who places up to 250 alone."""
        body = {
            "subject_type": "order",
            "subject_id": "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10",
            "member_id": str(PEOPLE["buyer"].member_id),
            "amount": {"amount": "480.00", "currency": "EUR"},
            "order_limit": {"amount": "250.00", "currency": "EUR"},
            "over": [],
            "purchase_order_number": "PO-4711",
            **changes,
        }
        return await self.client.put(f"/v1/approval-requests/{request_id}", json=body)

    async def get(self, request_id: str = "", **params: Any) -> httpx.Response:
        path = f"/v1/approval-requests/{request_id}".rstrip("/")
        return await self.client.get(path, params=params)

    async def post(self, request_id: str, verb: str, **body: Any) -> httpx.Response:
        content = None if verb == "withdraw" else body
        return await self.client.post(f"/v1/approval-requests/{request_id}/{verb}", json=content)


@pytest.fixture
async def door(app: Any, make_token: MakeToken, keep: Any) -> AsyncIterator[Callable[..., Door]]:
    """Opens the door for somebody: a person, `orders`, or whom a token's words describe."""
    async with AsyncExitStack() as stack:

        def enter(who: str | BuyerProfile | None = None, **words: Any) -> Door:
            if who == "orders":
                words = {"kind": "service", "subject": "orders"}
            elif who is not None:
                profile = PEOPLE[who] if isinstance(who, str) else who
                words = {
                    "kind": "member",
                    "subject": str(profile.member_id),
                    "buyer": {
                        "member_id": str(profile.member_id),
                        "company": profile.company,
                        "unit": profile.units[0],
                        "roles": profile.roles,
                        "version": profile.sequence,
                    },
                    **words,
                }
            headers = {"Authorization": f"Bearer {make_token(**words)}"} if words else {}
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://service", headers=headers
            )
            stack.push_async_callback(client.aclose)
            return Door(client)

        yield enter


@pytest.fixture
def events(runtime: Runtime) -> Callable[[], Awaitable[list[tuple[str, str, int]]]]:
    """What was told: the type's last words, the request's status, and the sequence."""

    async def read() -> list[tuple[str, str, int]]:
        async with runtime.sessions() as session:
            rows = await session.scalars(select(OutboxRow).order_by(OutboxRow.event_id))
            told = [(row.type, row.event, row.sequence) for row in rows]
        return [
            (kind.split(".")[3], json.loads(event)["data"]["request"]["status"], sequence)
            for kind, event, sequence in told
        ]

    return read


@pytest.fixture
def asked(door: Callable[..., Door]) -> Callable[..., Awaitable[str]]:
    """Asks for the buyer's order over the limit; the request's id."""

    async def ask(**changes: Any) -> str:
        request_id = f"{new_id()}:approve"
        answer = await door("orders").put(request_id, **changes)
        assert answer.status_code == 200, answer.text
        return request_id

    return ask


@pytest.fixture
def together() -> Callable[..., Awaitable[list[Any]]]:
    """Does several things at the same time."""

    async def gather(*things: Awaitable[Any]) -> list[Any]:
        return list(await asyncio.gather(*things))

    return gather
