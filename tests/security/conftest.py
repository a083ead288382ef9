"""One shop for all tests here, loaded once."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tandem import postgres
from tests.security.people import People
from tests.security.shop import PATIENCE, open_shop
from tests.security.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[World]:
    """The loaded shop."""
    folder = tmp_path_factory.mktemp("security")
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        for name, value in PATIENCE.items():
            patch.setenv(name, value)
        stack = AsyncExitStack()
        try:
            opened = open_shop(runner, folder, postgres.Postgres(postgres_url))
            shop = runner.run(stack.enter_async_context(opened))
            loaded = World(shop, People(shop))
            runner.run(loaded.load())
            yield loaded
        finally:
            runner.run(stack.aclose())
