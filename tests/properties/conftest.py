"""One shop for all examples; at the end the checker finds nothing in its databases."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tandem import postgres
from tandem.verify import verify
from tests.properties.live import PATIENCE, SETTLE_SECONDS, Live, database_urls, open_live


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Live]:
    """The running shop."""
    server = postgres.Postgres(postgres_url)
    folder = tmp_path_factory.mktemp("properties")
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        for name, value in PATIENCE.items():
            patch.setenv(name, value)
        stack = AsyncExitStack()
        try:
            yield runner.run(stack.enter_async_context(open_live(runner, folder, server)))
            report = runner.run(verify(database_urls(server), settle=SETTLE_SECONDS))
            assert (report.findings, report.moving, report.dead_letters) == ((), (), ())
        finally:
            runner.run(stack.aclose())
