"""A shop whose processes may be killed.

It is a shop of its own, so that others' tests do not suffer, and has only what a guest and a
company can order.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from chassis.http import create_client
from tandem import postgres
from tests.resilience.company import open_company
from tests.resilience.goods import STORE, Partner
from tests.resilience.killing import Stage
from tests.shop import Shop, open_shop

PREFIX = "kills_"
LEASE_SECONDS = "2.5"
"""What a killed process had in hand is taken over after this; shorter than in production, for the
many kills."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share one shop, and need its broker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("kills"))
            item.add_marker(pytest.mark.rabbitmq(shared="kills"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Shop]:
    """The running shop, its store open."""
    with open_shop(
        tmp_path_factory.mktemp("kills"),
        postgres.Postgres(postgres_url),
        os.environ["TANDEM_TEST_AMQP_URL"],
        prefix=PREFIX,
        TANDEM_FAILPOINTS_ALLOWED="1",
        TANDEM_LEASE_SECONDS=LEASE_SECONDS,
        TANDEM_SWEEP_SECONDS="0.2",
        TANDEM_SETTLE_AFTER_SECONDS="0",
    ) as opened:
        asyncio.run(open_store(opened))
        yield opened


async def open_store(shop: Shop) -> None:
    async with create_client() as client:
        partner = Partner(shop, client)
        await partner.open_store()
        await open_company(partner)


@pytest.fixture
async def partner(shop: Shop) -> AsyncIterator[Partner]:
    """The partner's system."""
    async with create_client() as client:
        signed_in = Partner(shop, client)
        await signed_in.sign_in()
        yield signed_in


@pytest.fixture
async def storefront(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the gateway."""
    async with create_client(shop.urls["gateway"]) as client:
        client.headers.update({"Tandem-Store": STORE, "Accept-Language": "en"})
        yield client


@pytest.fixture(scope="session")
def killed() -> set[tuple[str, str]]:
    """Which process was killed at which point already."""
    return set()


@pytest.fixture
def stage(shop, storefront, partner, killed) -> Stage:
    return Stage(shop, storefront, partner, killed)
