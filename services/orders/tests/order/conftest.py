"""A company that orders: its members, and accounts and approvals as orders sees them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest

from chassis.testing import FakeCall, NeighbourFake
from contracts.approvals import (
    ApprovalFacts,
    ApprovalRequest,
    ApprovalRequestDecided,
    ApprovalStatus,
    PutApprovalRequest,
)
from contracts.buyers import BuyerProfile
from contracts.companies import Hold, HoldOutcome, HoldProblem, OverReason, PutHold, SettleHold
from contracts.envelope import Event, make_event
from contracts.ids import new_id
from contracts.problems import Conflict, NotFound, Unavailable
from orders.order.consumers import on_decided
from orders.store.commands import keep_stores

FUNCTIONS = {"PUT": "put", "POST": "post", "GET": "get"}


@dataclass
class Accounts:
    """Accounts from its contract: profiles, and holds on one credit with a ledger."""

    credit: int = 100_000
    """What the company may owe, in minor units."""
    approves_over: bool = False
    """Whether more than that is held for approval, or refused."""
    needs_number: bool = False
    profiles: dict[str, BuyerProfile] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    asked: dict[str, PutHold] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    is_away: bool = False
    refuses: str = ""
    """A code with which every hold is refused."""

    def sum(self, *outcomes: HoldOutcome) -> int:
        return sum(
            hold.amount.minor
            for name, hold in self.holds.items()
            if hold.outcome in outcomes and hold.amount and self.asked[name].takes_credit
        )

    @property
    def held(self) -> int:
        return self.sum(HoldOutcome.GRANTED, HoldOutcome.NEEDS_APPROVAL)

    @property
    def used(self) -> int:
        return self.sum(HoldOutcome.SETTLED)

    def answer(self, call: FakeCall) -> Any:
        _, _, kind, name, *rest = unquote(call.path).split("/")
        if kind == "buyer-profiles":
            if self.is_away:
                raise Unavailable("away")
            if name not in self.profiles:
                raise NotFound("no such member")
            return self.profiles[name]
        assert call.headers["authorization"]
        if self.is_away:
            raise Unavailable("away")
        if call.method == "PUT":
            return self.put(name, PutHold.model_validate_json(call.body))
        assert call.headers["idempotency-key"] == f"{name}:{rest[0]}"
        if rest == ["release"]:
            return self.release(name)
        return self.settle(name, SettleHold.model_validate_json(call.body).order_number)

    def put(self, name: str, asked: PutHold) -> Hold:
        if name not in self.holds:
            self.holds[name] = self.decide(name, asked)
            self.asked[name] = asked
        assert name not in self.asked or self.asked[name] == asked
        return self.holds[name]

    def decide(self, name: str, asked: PutHold) -> Hold:
        if self.refuses:
            return refused(name, self.refuses)
        if self.needs_number and asked.purchase_order_number is None:
            return refused(name, "purchase-order-number-required", "/purchase_order_number")
        terms = {"agreement": "brighton-2026", "payment_days": 30} if asked.takes_credit else {}
        over = asked.takes_credit and asked.amount.minor > self.credit - self.held - self.used
        if over and not self.approves_over:
            return refused(name, "credit-exceeded", "/amount")
        return Hold(
            id=name,
            outcome=HoldOutcome.NEEDS_APPROVAL if over else HoldOutcome.GRANTED,
            amount=asked.amount,
            over=[OverReason.CREDIT] if over else [],
            **terms,
        )

    def release(self, name: str) -> Hold:
        there = self.holds.get(name, Hold(id=name, outcome=HoldOutcome.RELEASED))
        assert there.outcome is not HoldOutcome.SETTLED
        if there.outcome is not HoldOutcome.REFUSED:
            there = there.model_copy(update={"outcome": HoldOutcome.RELEASED})
        self.holds[name] = there
        return there

    def settle(self, name: str, order_number: str) -> Hold:
        there = self.holds[name]
        assert there.outcome in (
            HoldOutcome.GRANTED,
            HoldOutcome.NEEDS_APPROVAL,
            HoldOutcome.SETTLED,
        )
        self.holds[name] = there.model_copy(update={"outcome": HoldOutcome.SETTLED})
        assert self.numbers.setdefault(name, order_number) == order_number
        return self.holds[name]


def refused(name: str, code: str, pointer: str | None = None) -> Hold:
    error = {"pointer": pointer, "code": code, "message": "That will not do."}
    problem = HoldProblem.model_validate(
        {"code": code, "detail": "That will not do.", "errors": [error] if pointer else []}
    )
    return Hold(id=name, outcome=HoldOutcome.REFUSED, problem=problem)


@dataclass
class Approvals:
    """Approvals from its contract, with the one built-in policy."""

    requests: dict[str, ApprovalRequest] = field(default_factory=dict)
    asked: dict[str, PutApprovalRequest] = field(default_factory=dict)
    tombstones: set[str] = field(default_factory=set)
    is_away: bool = False
    expires_at: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(days=3))

    def answer(self, call: FakeCall) -> Any:
        if self.is_away:
            raise Unavailable("away")
        assert call.headers["authorization"]
        name, *rest = unquote(call.path).split("/")[3:]
        if call.method == "PUT":
            return self.put(name, PutApprovalRequest.model_validate_json(call.body))
        if rest == ["withdraw"]:
            return self.withdraw(name)
        return self.requests[name]

    def put(self, name: str, asked: PutApprovalRequest) -> ApprovalRequest:
        limit = asked.order_limit
        reasons = ["over_order_limit"] if limit and asked.amount.minor > limit.minor else []
        reasons += [f"over_{reason}" for reason in asked.over]
        status = "withdrawn" if name in self.tombstones else "pending" if reasons else "not_needed"
        made = ApprovalRequest.model_validate(
            {
                "id": name,
                "version": 1,
                "company": "brighton-gifts",
                "unit": "shop-one",
                "reasons": reasons,
                "status": status,
                "is_escalated": False,
                "created_at": datetime.now(UTC),
                "expires_at": self.expires_at,
                **asked.model_dump(exclude={"over"}),
            }
        )
        assert self.asked.setdefault(name, asked) == asked
        return self.requests.setdefault(name, made)

    def withdraw(self, name: str) -> Any:
        there = self.requests.get(name)
        if there is None:
            self.tombstones.add(name)
            return 204, b""
        if there.status is not ApprovalStatus.PENDING:
            raise Conflict("It has ended.")
        return self.end(ApprovalStatus.WITHDRAWN, name)

    def end(self, status: ApprovalStatus, name: str, comment: str | None = None) -> ApprovalRequest:
        changes = {"status": status, "comment": comment, "version": 2}
        self.requests[name] = self.requests[name].model_copy(update=changes)
        return self.requests[name]

    def decide(self, status: str, comment: str | None = None) -> Event[ApprovalRequestDecided]:
        """End the one request that is pending, and tell."""
        (name,) = [one.id for one in self.requests.values() if one.status == "pending"]
        ended = self.end(ApprovalStatus(status), name, comment)
        facts = ApprovalFacts.model_validate(ended.model_dump())
        return make_event(
            ApprovalRequestDecided(request=facts),
            event_id=new_id(),
            subject=name,
            sequence=2,
            time=datetime.now(UTC),
            traceparent=None,
        )


@dataclass
class Member:
    """Somebody of a company with a token, and maybe a cart."""

    client: httpx.AsyncClient
    profile: BuyerProfile
    headers: dict[str, str]
    cart: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> dict[str, str]:
        total: dict[str, str] = self.cart["totals"]["total"]["gross"]
        return total

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers)

    async def fill(self, *lines: tuple[str, int]) -> "Member":
        """Open a cart that has only to be submitted."""
        answer = await self.client.post(
            "/v1/carts",
            json={"store": "b2b-uk", "lines": [{"sku": s, "quantity": q} for s, q in lines]},
            headers=self.headers,
        )
        assert answer.status_code == 201, answer.text
        path = f"/v1/carts/{answer.json()['cart']['id']}"
        for what, body in (("address", ADDRESS), ("delivery", {"delivery_method": "pallet"})):
            answer = await self.client.put(f"{path}/{what}", json=body, headers=self.headers)
            assert answer.status_code == 200, answer.text
        self.cart = answer.json()
        return self

    async def place(
        self,
        *,
        key: str | None = None,
        payment: dict[str, str] | None = None,
        number: str | None = "PO-4711",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return await self.client.post(
            f"/v1/carts/{self.cart['id']}/place",
            json={
                "agreed_total": self.total,
                "payment": payment or {"method": "terms"},
                **({} if number is None else {"purchase_order_number": number}),
            },
            headers={**(headers or self.headers), "Idempotency-Key": key or uuid4().hex},
        )

    async def cancel(self, placement_id: str) -> httpx.Response:
        return await self.client.post(f"/v1/placements/{placement_id}/cancel", headers=self.headers)

    async def cart_status(self) -> str:
        status: str = (await self.get(f"/v1/carts/{self.cart['id']}")).json()["status"]
        return status


ADDRESS = {
    "email": "ada@brighton.example",
    "delivery_address": {
        "name": "Brighton Gifts",
        "line1": "1 North Road",
        "city": "Brighton",
        "postal_code": "BN1 1AA",
        "country": "GB",
    },
}


@dataclass
class Company:
    """A company with members in a store for companies, and those who decide about its money."""

    shop: Any
    accounts: Accounts
    approvals: Approvals
    make_token: Callable[..., str]

    def member(
        self,
        *roles: str,
        units: tuple[str, ...] = ("shop-one", "head-office"),
        limit: str | None = None,
        company: str = "brighton-gifts",
        **changes: Any,
    ) -> Member:
        """A member that accounts knows, with a token."""
        member_id = uuid4()
        profile = BuyerProfile.model_validate(
            {
                "member_id": member_id,
                "sequence": 1,
                "is_active": True,
                "company": company,
                "units": units,
                "roles": roles or ("buyer",),
                "groups": [],
                "agreements": [],
                "order_limit": limit and {"amount": limit, "currency": "GBP"},
                "country": "GB",
                "currency": "GBP",
                **changes,
            }
        )
        self.accounts.profiles[str(member_id)] = profile
        claim = {
            "member_id": str(member_id),
            "company": company,
            "unit": units[0],
            "roles": list(roles or ("buyer",)),
            "version": 1,
        }
        token = self.make_token(kind="member", subject=str(member_id), buyer=claim)
        return Member(self.shop.client, profile, {"Authorization": f"Bearer {token}"})

    async def tell(self, event: Event[ApprovalRequestDecided]) -> None:
        """The event comes."""
        async with self.shop.runtime.sessions() as session:
            await on_decided(session, event)
            await session.commit()

    async def decide(self, status: str, comment: str | None = None) -> None:
        """Somebody decides, the event comes, and the worker goes on."""
        await self.tell(self.approvals.decide(status, comment))
        await self.shop.work()

    async def told(self) -> list[tuple[str, int]]:
        """What PlacementChanged told, status and sequence, in order."""
        found = await self.shop.scalar(
            "SELECT json_agg(json_build_array(event::jsonb -> 'data' ->> 'status', sequence)"
            " ORDER BY id) FROM outbox WHERE type = 'tandem.orders.placement.changed.v1'"
        )
        return [(status, sequence) for status, sequence in found or []]

    async def check_nothing_held(self, member: Member) -> None:
        """Stock, credit and the cart are as they were."""
        assert self.accounts.held == self.accounts.used == 0
        assert await self.shop.scalar("SELECT sum(reserved) FROM stock_items") == 0
        assert await self.shop.scalar("SELECT count(*) FROM orders") == 0
        assert all(one.status != "pending" for one in self.approvals.requests.values())
        assert await member.cart_status() == "open"
        await self.shop.check()


@pytest.fixture
async def company(
    shop: Any, neighbour_fake: NeighbourFake, make_token: Callable[..., str]
) -> Company:
    """A company that may owe 1000.00 GBP, and a store that sells to it."""
    accounts, approvals = Accounts(), Approvals()
    for method in FUNCTIONS:
        neighbour_fake.on("accounts", method, "*", accounts.answer)
        neighbour_fake.on("approvals", method, "*", approvals.answer)
    async with shop.runtime.sessions() as session:
        await keep_stores(session, [make_b2b_store()])
        await session.commit()
    answer = await shop.client.put(
        "/v1/delivery-methods/pallet",
        json={
            "name": {"en": "Pallet"},
            "stores": ["b2b-uk"],
            "countries": ["GB"],
            "price": {"amount": "10.00", "currency": "GBP"},
        },
        headers=shop.partner,
    )
    assert answer.status_code == 201, answer.text
    return Company(shop, accounts, approvals, make_token)


def make_b2b_store() -> Any:
    from contracts.catalog import Store

    return Store.model_validate(
        {
            "key": "b2b-uk",
            "name": {"en": "Tandem Trade"},
            "audience": "b2b",
            "currencies": ["GBP"],
            "locales": ["en"],
            "countries": ["GB"],
            "tax_display": "net",
            "version": 1,
            "updated_at": "2026-11-22T10:00:00Z",
        }
    )
