"""Servers and neighbours go away and come back: nothing is lost, nothing is done twice."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.outages.market import HEAL_SECONDS, ROUNDS, Market, until
from tests.shop import IN_ONE, start_in_one

BUYERS = 4
ORDERS_WITHOUT = 8
"""How many orders are placed while a server is away, at least."""
SECONDS_WITHOUT = float(os.environ.get("TANDEM_TEST_OUTAGE_SECONDS", "0"))
"""How long it is away, at least."""

OF_DATABASE = frozenset(
    {"database-unavailable", "database-busy", "catalog-unavailable", "pricing-unavailable"}
)
"""What may be said while databases are away: it is the neighbours' database, too."""


class Crowd:
    """Guests who buy one after the other, and a partner who counts stock, until told to stop."""

    def __init__(self, market: Market, sku: str) -> None:
        self.market = market
        self.sku = sku
        self.numbers: list[str] = []
        self.counted = 0
        self.is_over = False

    async def buy(self) -> None:
        while not self.is_over:
            self.numbers.append(await self.market.buy({self.sku: 1}))

    async def count(self) -> None:
        while not self.is_over:
            self.counted += 1
            await self.market.count(self.sku, 1000 + self.counted)

    async def grow(self, by: int) -> None:
        """Until so many more orders were placed, and some stock was counted."""
        orders, counts = len(self.numbers) + by, self.counted + 2
        await until(lambda: len(self.numbers) >= orders and self.counted >= counts)


@asynccontextmanager
async def buying(market: Market) -> AsyncIterator[Crowd]:
    """A crowd at work; at the end everybody finishes what they have in hand."""
    crowd = Crowd(market, await market.sell(stock=1000))
    await market.buy({crowd.sku: 1})
    async with asyncio.timeout(HEAL_SECONDS + SECONDS_WITHOUT), asyncio.TaskGroup() as group:
        for _ in range(BUYERS):
            group.create_task(crowd.buy())
        group.create_task(crowd.count())
        try:
            yield crowd
        finally:
            crowd.is_over = True


async def test_a_consumer_that_was_never_started_gets_everything(market, opened, eventually):
    async def has_all() -> bool:
        taken = await market.rows("pricing", "SELECT event_id FROM inbox WHERE status = 'done'")
        return bool(opened.told_before <= {row[0] for row in taken})

    assert opened.told_before
    await eventually(has_all, timeout=HEAL_SECONDS)
    await market.check()


async def test_rabbitmq_is_away_while_guests_buy(market):
    async with buying(market) as crowd:
        await crowd.grow(2)
        await market.servers.do(market.servers.broker.stop)
        over_at = time.monotonic() + SECONDS_WITHOUT
        await crowd.grow(ORDERS_WITHOUT)
        await until(lambda: time.monotonic() >= over_at)
        await market.servers.do(market.servers.start_broker)
        await crowd.grow(2)
    assert market.refusals == {}
    await market.check(numbers=crowd.numbers)


async def test_rabbitmq_restarts_while_guests_buy(market):
    async with buying(market) as crowd:
        await crowd.grow(1)
        await market.servers.do(market.servers.kill_broker)
        await market.servers.do(market.servers.start_broker)
        await crowd.grow(1)
    assert market.refusals == {}
    await market.check(numbers=crowd.numbers)


@pytest.mark.parametrize("how", ["fast", "crash"])
async def test_postgresql_restarts_while_guests_buy(either_market, how):
    market = either_market
    servers = market.servers
    async with buying(market) as crowd:
        await crowd.grow(2)
        await servers.do(servers.database.stop if how == "fast" else servers.kill_database)
        await until(lambda: market.refusals)
        await servers.do(servers.start_database)
        await crowd.grow(ORDERS_WITHOUT)
    assert market.refusals.keys() <= OF_DATABASE
    await market.check(numbers=crowd.numbers)


async def test_a_consumer_whose_database_was_away_gets_everything(either_market):
    """Over the direct bus an event is only sent when all who wait for it have it."""
    market = either_market
    sku = await market.sell(stock=5)
    name = urlsplit(market.shop.urls["database:pricing"]).path.strip("/")
    await market.servers.administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        await market.servers.administer(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        others = [uuid4().hex for _ in range(5)]
        for other in others:
            await market.name(other, "Others")
    finally:
        await market.servers.administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await market.check(numbers=[await market.buy({sku: 1})])
    known = await market.rows("pricing", "SELECT sku FROM product_skus WHERE sku = ANY($1)", others)
    assert sorted(row[0] for row in known) == sorted(others)


async def test_the_one_process_is_killed_while_guests_buy(market_in_one):
    market = market_in_one
    async with buying(market) as crowd:
        for _ in range(max(1, ROUNDS // 10)):
            await crowd.grow(2)
            market.may_be_gone = True
            assert await asyncio.to_thread(market.shop.stop, IN_ONE, signal.SIGKILL) < 0
            await asyncio.to_thread(start_in_one, market.shop)
            await crowd.grow(2)
            market.may_be_gone = False
    await market.check(numbers=crowd.numbers)
