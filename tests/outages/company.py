"""A company in the market, and whatever of it a test needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.company import Basket, Person, found, open_portal
from tests.outages.market import HEAL_SECONDS, Market, until

PORTAL = "market-portal"
SMALL, LARGE = 1, 30
"""Pieces of 2.00: an order of 30 is over the buyers' limit of 50.00."""


@dataclass
class Trade:
    """A company of its own, its people signed in."""

    market: Market
    key: str
    buyers: list[Person]
    approver: Person
    admin: Person
    numbers: list[str] = field(default_factory=list)
    """Of the orders that it placed."""

    @property
    def buyer(self) -> Person:
        return self.buyers[0]

    async def sell(self, stock: int) -> str:
        """New goods that the company can buy; their SKU."""
        sku = await self.market.write_goods(stock)
        body = {"tiers": [{"amount": "2.00"}]}
        await self.market.put("pricing", f"/v1/price-lists/{PORTAL}/prices/{sku}", body)
        wish = {"store": PORTAL, "lines": [{"sku": sku, "quantity": 1}]}

        async def is_on_sale() -> bool:
            answer = await self.buyer.ask("POST", "orders", "/v1/carts", wish)
            return answer.status_code == 201 and bool(answer.json()["cart"]["lines"][0]["total"])

        async with asyncio.timeout(HEAL_SECONDS):
            await until(is_on_sale)
        return sku

    async def wait(self, sku: str) -> Any:
        """A placement over the limit, that somebody must decide on."""
        waiting = await self.buyer.place(await self.buyer.fill({sku: LARGE}))
        assert waiting["status"] == "awaiting_approval", waiting
        return waiting

    async def ending(self, placement: Any) -> Any:
        """A placement when it has ended."""
        ended = await self.buyer.follow(await self.buyer.look(placement), past="awaiting_approval")
        self.note(ended)
        return ended

    def note(self, ended: Any) -> None:
        """Remember the order of a placement that has one."""
        if ended["status"] == "placed":
            self.numbers.append(ended["order"]["number"])

    async def fill_some(self, sku: str, count: int) -> list[Basket]:
        return [await self.buyer.fill({sku: SMALL}) for _ in range(count)]

    async def check(self) -> None:
        """Everything comes to rest and is right, to the piece and the penny."""
        await self.market.check(numbers=self.numbers)
        held = await self.market.rows(
            "accounts", "SELECT held_minor FROM ledgers WHERE owner LIKE $1", f"{self.key}%"
        )
        assert [row[0] for row in held if row[0]] == []


@asynccontextmanager
async def trading(market: Market, *, buyers: int = 1, **terms: str) -> AsyncIterator[Trade]:
    """A company in the market; its people have all the patience that a test needs."""
    await open_portal(market.put, PORTAL)
    key = f"c-{uuid4().hex[:12]}"
    await found(market.put, key, buyers=buyers, **terms)

    async def enter(name: str) -> Person:
        person = Person(market.shop, market.client, f"{name}@{key}.example", PORTAL)
        person.until += 3 * HEAL_SECONDS
        return await person.sign_in()

    people = [await enter(f"buyer{number}") for number in range(buyers)]
    yield Trade(market, key, people, await enter("approver"), await enter("admin"))
