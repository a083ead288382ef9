"""The market that all tests here share: one shop, on servers that they may stop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import httpx
import pytest

from contracts.topology import QUEUES
from tests.outages.market import HEAL_SECONDS, SENT, Market, Servers, until
from tests.outages.proxy import Proxies
from tests.shop import APART, Shop, open_shop, open_shop_in_one

SETTINGS = {
    "TANDEM_LEASE_SECONDS": "4",
    "TANDEM_PLACE_WAIT_SECONDS": "2",
    "TANDEM_ENRICHMENT_SECONDS": "1",
    "TANDEM_CACHE_SECONDS": "3600",
    "TANDEM_IDLE_TRANSACTION_TIMEOUT_MS": "5000",
    "TANDEM_INBOX_FIRST_RETRY_SECONDS": "0.2",
    "TANDEM_INBOX_LONGEST_RETRY_SECONDS": "2",
}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A PostgreSQL that loses nothing and a RabbitMQ."""
    with ThreadPoolExecutor(1) as hands:
        started = Servers(tmp_path_factory.mktemp("servers"), hands)
        try:
            hands.submit(started.start_database).result()
            hands.submit(started.start_broker).result()
            yield started
        finally:
            hands.submit(started.stop).result()


@pytest.fixture(scope="session")
def proxies() -> Iterator[Proxies]:
    """What stands before each service of the shop."""
    opened = Proxies()
    yield opened
    opened.close()


@dataclass(frozen=True)
class Opened:
    """A shop that is open, and what pricing was told before its consumer was ever started."""

    shop: Shop
    told_before: frozenset[UUID]


@pytest.fixture(scope="session")
def opened(
    tmp_path_factory: pytest.TempPathFactory, servers: Servers, proxies: Proxies
) -> Iterator[Opened]:
    """The shop, its store written by a partner before pricing's consumer is started at last."""
    with open_shop(
        tmp_path_factory.mktemp("market"),
        servers.database,
        servers.broker.url,
        prefix="market_",
        apart={**APART, "pricing": ("api", "relay", "work")},
        between=proxies.open,
        **SETTINGS,
    ) as shop:
        told_before = asyncio.run(open_market(shop, servers))
        shop.start("pricing consume", "pricing", "consume")
        yield Opened(shop, told_before)


async def open_market(shop: Shop, servers: Servers) -> frozenset[UUID]:
    """Write the store and some goods; what catalog has told of them, and nobody at pricing took."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        market = Market(shop, servers, client)
        await market.sign_in()
        await market.open()
        await market.write_goods(stock=5)
        async with asyncio.timeout(HEAL_SECONDS):
            await until(partial(market.has_told_all, "catalog"))
        assert await market.rows("pricing", "SELECT event_id FROM inbox") == []
        sent = await market.rows("catalog", SENT, list(QUEUES["pricing.products"]))
        sent += await market.rows("catalog", SENT, list(QUEUES["pricing.stores"]))
        return frozenset(row[0] for row in sent)


@pytest.fixture
async def market(opened: Opened, servers: Servers, proxies: Proxies) -> AsyncIterator[Market]:
    """The market, its partner signed in."""
    async with enter(opened.shop, servers, proxies) as entered:
        yield entered


@asynccontextmanager
async def enter(
    shop: Shop, servers: Servers, proxies: Proxies | None = None
) -> AsyncIterator[Market]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx.AsyncClient(timeout=HEAL_SECONDS, limits=limits, trust_env=False) as client:
        entered = Market(shop, servers, client, proxies)
        await entered.sign_in()
        yield entered


@pytest.fixture(scope="session")
def opened_in_one(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Shop]:
    """A shop in one process, which carries its events itself; its store is open."""
    folder = tmp_path_factory.mktemp("one")
    with open_shop_in_one(folder, servers.database, prefix="one_", **SETTINGS) as shop:
        asyncio.run(open_store(shop, servers))
        yield shop


async def open_store(shop: Shop, servers: Servers) -> None:
    async with enter(shop, servers) as entered:
        await entered.open()


@pytest.fixture
async def market_in_one(opened_in_one: Shop, servers: Servers) -> AsyncIterator[Market]:
    """As `market`, over the shop in one process."""
    async with enter(opened_in_one, servers) as entered:
        yield entered


@pytest.fixture(params=["rabbitmq", "direct"])
def either_market(request: pytest.FixtureRequest) -> Market:
    """A market over each bus."""
    name = "market" if request.param == "rabbitmq" else "market_in_one"
    entered: Market = request.getfixturevalue(name)
    return entered
