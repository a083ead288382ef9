"""Which service is under test, with partner applications, and companies to trade with."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from accounts.app import SERVICE
from accounts.partner import commands
from accounts.partner.domain import PartnerApplication
from chassis.runtime import Runtime
from chassis.service import Service

SECRET = "correct-horse-battery-staple-2010-12-01"


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
def put_application(runtime):
    """Makes a partner application, or changes it; whether anything changed."""

    async def put(
        *,
        client_id="erp",
        client_secret=SECRET,
        scopes=("catalog:read", "catalog:write"),
        name=None,
    ) -> bool:
        application = PartnerApplication(
            client_id=client_id,
            client_secret=SecretStr(client_secret),
            scopes=list(scopes),
            name=name,
        )
        async with runtime.sessions.begin() as session:
            return await commands.put_application(session, application, now=runtime.clock.now())

    return put


@pytest.fixture
async def erp(put_application) -> tuple[str, str]:
    """Client id and secret of an application that is known."""
    await put_application()
    return "erp", SECRET


@dataclass
class Trade:
    """A shop with companies: a partner who writes, orders that holds, and members who read."""

    client: httpx.AsyncClient
    runtime: Runtime
    make_token: Any
    partner: dict[str, str]
    orders: dict[str, str]

    async def put(self, path: str, body: Any, *, status: tuple[int, ...] = (200, 201)) -> Any:
        answer = await self.client.put(path, json=body, headers=self.partner)
        assert answer.status_code in status, answer.text
        return answer.json()

    async def get(self, path: str, *, status: int = 200, headers: Any = None, **params: Any) -> Any:
        answer = await self.client.get(path, headers=headers or self.partner, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def company(self, key: str = "acme", **changes: Any) -> Any:
        body = {"name": key.title(), "country": "GB", "currency": "EUR", **changes}
        return await self.put(f"/v1/companies/{key}", body)

    async def unit(self, key: str, *, company: str = "acme", parent: str | None = None) -> Any:
        body = {"name": key.title(), "parent": parent}
        return await self.put(f"/v1/companies/{company}/units/{key}", body)

    async def member(
        self, key: str = "ada", *, company: str = "acme", unit: str = "head", **changes: Any
    ) -> UUID:
        body = {
            "email": f"{key}@{company}.example",
            "name": key.title(),
            "unit": unit,
            "roles": ["buyer"],
            **changes,
        }
        made = await self.put(f"/v1/companies/{company}/members/{key}", body)
        return UUID(made["id"])

    async def agreement(self, key: str = "acme-1", **changes: Any) -> Any:
        body = {
            "company": "acme",
            "payment_days": 30,
            "credit_limit": {"amount": "1000.00", "currency": "EUR"},
            **changes,
        }
        return await self.put(f"/v1/agreements/{key}", body)

    async def budget(self, key: str = "q4", amount: str = "500.00", **changes: Any) -> Any:
        body = {"unit": "head", "amount": {"amount": amount, "currency": "EUR"}, **changes}
        return await self.put(f"/v1/budgets/{key}", body)

    async def group(self, key: str, **body: Any) -> Any:
        return await self.put(f"/v1/customer-groups/{key}", {"name": key.title(), **body})

    async def ready(self) -> UUID:
        """acme with its unit head, its buyer ada, and 1000.00 EUR of credit; the buyer's id."""
        await self.company()
        await self.unit("head")
        buyer = await self.member()
        await self.agreement()
        return buyer

    def ask(self, member: UUID, amount: str = "100.00", **changes: Any) -> dict[str, Any]:
        """What orders sends to hold so much for a member."""
        money = {"amount": amount, "currency": changes.pop("currency", "EUR")}
        return {"member_id": str(member), "amount": money, **changes}

    async def hold(self, hold_id: str, body: Any, *, status: int = 200) -> Any:
        answer = await self.client.put(f"/v1/holds/{hold_id}", json=body, headers=self.orders)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def release(self, hold_id: str, *, status: int = 200) -> Any:
        answer = await self.client.post(f"/v1/holds/{hold_id}/release", headers=self.orders)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def settle(self, hold_id: str, number: str = "T-1", *, status: int = 200) -> Any:
        answer = await self.client.post(
            f"/v1/holds/{hold_id}/settle", json={"order_number": number}, headers=self.orders
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    def member_headers(self, member: UUID, *, company: str = "acme") -> dict[str, str]:
        """A member's token."""
        buyer = {
            "member_id": str(member),
            "company": company,
            "unit": "head",
            "roles": ["buyer"],
            "version": 1,
        }
        token = self.make_token(kind="member", subject=str(member), buyer=buyer)
        return {"Authorization": f"Bearer {token}"}

    async def rows(self, statement: str) -> list[Any]:
        async with self.runtime.sessions() as session:
            return list((await session.execute(text(statement))).all())

    async def told(self, noun: str) -> list[Any]:
        """The data of the events told of a noun so far, in order."""
        rows = await self.rows("SELECT type, event FROM outbox ORDER BY id")
        return [orjson.loads(row.event)["data"] for row in rows if row.type.split(".")[2] == noun]

    async def check_ledgers(self) -> None:
        """Held and used of every ledger are the sums of its entries."""
        wrong = await self.rows(
            """
            SELECT l.kind, l.owner FROM ledgers AS l
            LEFT JOIN ledger_entries AS e ON e.ledger = l.kind AND e.owner = l.owner
            GROUP BY l.kind, l.owner, l.held_minor, l.used_minor
            HAVING l.held_minor <> coalesce(sum(e.held_minor), 0)
                OR l.used_minor <> coalesce(sum(e.used_minor), 0)
            """
        )
        assert wrong == []


@pytest.fixture
def trade(app_client: httpx.AsyncClient, runtime: Runtime, make_token: Any) -> Trade:
    """An empty shop, a partner who may read and write companies, and the service orders."""
    partner = make_token(scopes=("companies:read", "companies:write"))
    orders = make_token(kind="service", subject="orders")
    return Trade(
        app_client,
        runtime,
        make_token,
        {"Authorization": f"Bearer {partner}"},
        {"Authorization": f"Bearer {orders}"},
    )
