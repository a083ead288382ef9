"""A whole shop as in production: separate processes, a real PostgreSQL, a real RabbitMQ.

It is started once for all journeys, which run on one worker (`xdist_group`), with the demo's real
articles loaded by a partner. The services run as `all`, but for orders, whose api, relay,
consumer and worker are processes of their own.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tandem import postgres
from tandem.demo_data import load
from tandem.settings import PARTS
from tandem.verify import verify
from tests.journeys.stall import Stall, check_answer
from tests.shop import Shop, open_shop

PREFIX = "journey_"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All journeys share one shop, and need its broker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("shop"))
            item.add_marker(pytest.mark.rabbitmq(shared="journeys"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Shop]:
    """The running shop, its demo data loaded."""
    folder = tmp_path_factory.mktemp("shop")
    server = postgres.Postgres(postgres_url)
    with open_shop(folder, server, os.environ["TANDEM_TEST_AMQP_URL"], prefix=PREFIX) as opened:
        asyncio.run(load(opened.urls, opened.credentials))
        yield opened
        databases = {name: opened.urls[f"database:{name}"] for name in PARTS}
        report = asyncio.run(verify(databases, settle=30))
        assert report.findings == ()


@pytest.fixture(scope="session")
def stall(shop: Shop) -> Iterator[Stall]:
    """The stall; its goods are taken off sale in the end."""
    hooks = {"response": [check_answer]}
    with httpx.Client(timeout=30, event_hooks=hooks, trust_env=False) as client:
        opened = Stall(shop, client)
        opened.open()
        yield opened
        for sku in opened.skus:
            opened.publish(sku, is_published=False)


@pytest.fixture(scope="session")
def sku(stall: Stall) -> str:
    """Goods at 10.00 GBP that nobody ever buys; to be priced and counted by no test."""
    return stall.sell()
