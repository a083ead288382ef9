"""A portal for companies: its members, what each may see, and by which quantities it sells."""

from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from chassis import buyers
from chassis.testing import FakeCall, NeighbourFake
from contracts.buyers import BuyerProfile
from contracts.catalog import CheckEntitlement, Entitlement, SkuEntitlement, Store
from contracts.pricing import PricedLine, PriceResolution, QuantityProblem
from orders.store.commands import keep_stores


@dataclass
class Member:
    """Somebody of a company with a token."""

    client: httpx.AsyncClient
    profile: BuyerProfile
    headers: dict[str, str]

    async def open(self, *lines: tuple[str, int], **body: Any) -> httpx.Response:
        """A new cart in the portal."""
        return await self.client.post(
            "/v1/carts",
            json={
                "store": "portal",
                "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
                **body,
            },
            headers=self.headers,
        )

    async def cart(self, *lines: tuple[str, int]) -> str:
        """The path of a new cart."""
        answer = await self.open(*lines)
        assert answer.status_code == 201, answer.text
        return f"/v1/carts/{answer.json()['cart']['id']}"

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers)

    async def add(self, path: str, *lines: tuple[str, int]) -> httpx.Response:
        return await self.client.post(
            f"{path}/lines",
            json={"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]},
            headers=self.headers,
        )

    async def paste(self, path: str, text: str, **headers: str) -> httpx.Response:
        return await self.client.post(
            f"{path}/quick-order", json={"text": text}, headers={**self.headers, **headers}
        )


@dataclass
class Portal:
    """A store for companies."""

    shop: Any
    make_token: Callable[..., str]
    hidden: dict[str, set[str]] = field(default_factory=dict)
    """SKUs that a member does not see, by their id; `` for everybody else."""
    rules: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Minimum and multiple of a SKU."""
    asked_for: list[tuple[str, str | None]] = field(default_factory=list)
    """Which neighbour was asked, and for which member."""

    async def member(
        self, *, company: str = "brighton-gifts", units: tuple[str, ...] = ("shop-one",)
    ) -> Member:
        """A member that orders has heard of, with a token."""
        member_id = uuid4()
        profile = BuyerProfile.model_validate(
            {
                "member_id": member_id,
                "sequence": 1,
                "is_active": True,
                "company": company,
                "units": units,
                "roles": ["buyer"],
                "groups": [],
                "agreements": [],
                "country": "GB",
                "currency": "GBP",
            }
        )
        await self.keep(profile)
        claim = {
            "member_id": str(member_id),
            "company": company,
            "unit": units[0],
            "roles": ["buyer"],
            "version": 1,
        }
        token = self.make_token(kind="member", subject=str(member_id), buyer=claim)
        return Member(self.shop.client, profile, {"Authorization": f"Bearer {token}"})

    async def keep(self, profile: BuyerProfile) -> None:
        """The copy of profiles has it."""
        async with self.shop.runtime.sessions() as session:
            await buyers.keep(session, [profile])
            await session.commit()

    async def keep_store(self, **changes: Any) -> None:
        """Have a store."""
        store = Store.model_validate(
            {
                "name": {"en": "Tandem"},
                "currencies": ["GBP"],
                "locales": ["en"],
                "countries": ["GB"],
                "tax_display": "net",
                "version": 2,
                "updated_at": "2026-11-22T10:00:00Z",
                **changes,
            }
        )
        async with self.shop.runtime.sessions() as session:
            await keep_stores(session, [store])
            await session.commit()

    def check(self, call: FakeCall) -> Entitlement:
        asked = CheckEntitlement.model_validate(call.json())
        who = member_of(call)
        self.asked_for.append(("catalog", who))
        hidden = self.hidden.get(who or "", set()) | self.shop.neighbours.unsold
        return Entitlement(
            items=[
                SkuEntitlement(sku=sku, is_orderable=False)
                if sku in hidden
                else SkuEntitlement(
                    sku=sku, is_orderable=True, product_key=sku, name={"en": f"Lantern {sku}"}
                )
                for sku in asked.skus
            ]
        )

    def resolve(self, call: FakeCall) -> PriceResolution:
        self.asked_for.append(("pricing", member_of(call)))
        resolution: PriceResolution = self.shop.neighbours.resolve(call)
        return resolution.model_copy(
            update={"lines": [self.judge(one) for one in resolution.lines]}
        )

    def judge(self, line: PricedLine) -> PricedLine:
        minimum, multiple = self.rules.get(line.sku or "", (1, 1))
        code = "below-minimum" if line.quantity < minimum else "off-multiple"
        if line.quantity >= minimum and not line.quantity % multiple:
            return line
        problem = broken(code, line.sku, minimum, multiple)
        return line.model_copy(update={"quantity_problem": problem})


def broken(code: str, sku: str | None, minimum: int, multiple: int) -> QuantityProblem:
    return QuantityProblem.model_validate(
        {
            "code": code,
            "message": f"{sku} is sold from {minimum}, in multiples of {multiple}.",
            "minimum": minimum,
            "multiple": multiple,
        }
    )


def member_of(call: FakeCall) -> str | None:
    """The member for whom a neighbour was asked."""
    payload = call.headers["authorization"].split(".")[1]
    claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["kind"] == "service"
    who: str | None = claims.get("on_behalf_of")
    return who


@pytest.fixture
async def portal(
    shop: Any, neighbour_fake: NeighbourFake, make_token: Callable[..., str]
) -> Portal:
    """A store for companies that sells 71053 and 85123A."""
    made = Portal(shop, make_token)
    neighbour_fake.on("catalog", "POST", "/v1/entitlements/check", made.check)
    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", made.resolve)
    await made.keep_store(key="portal", audience="b2b")
    await shop.sell("71053", price="3.39")
    await shop.sell("85123A", price="2.55")
    return made
