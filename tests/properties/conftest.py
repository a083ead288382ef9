"""One shop for all examples; at the end the checker finds nothing in its databases."""

import asyncio
from collections.abc import Iterator

import pytest

from tandem import postgres
from tandem.verify import verify
from tests.properties.live import Live, database_urls, open_live


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Live]:
    """The running shop."""
    server = postgres.Postgres(postgres_url)
    folder = tmp_path_factory.mktemp("properties")
    with asyncio.Runner() as runner:
        opening = open_live(runner, folder, server)
        opened = runner.run(opening.__aenter__())
        try:
            yield opened
            report = runner.run(verify(database_urls(server), settle=30))
            assert (report.findings, report.moving, report.dead_letters) == ((), (), ())
        finally:
            runner.run(opening.__aexit__(None, None, None))
