"""The demo on real services: loaded whole, though interrupted and repeated, and bought from."""

import contextlib

import asyncpg
import pytest
from rich.console import Console

from tandem import demo, postgres, run
from tandem.demo_data import Credentials, LoadProgress, load
from tandem.ports import free_ports
from tandem.settings import PARTS, LocalSettings
from tandem.verify import verify

PREFIX = "demo_shop_"


class Interrupted(Exception):
    pass


class Until(LoadProgress):
    """Progress that ends the load when it comes to a step, as a kill would."""

    def __init__(self, step):
        super().__init__(Console(quiet=True))
        self._last = step

    @contextlib.contextmanager
    def step(self, what, total):
        with super().step(what, total) as step:
            if what == self._last:
                step.advance = self.interrupt
            yield step

    def interrupt(self, count):
        raise Interrupted


@pytest.fixture
async def shop(tmp_path, postgres_url):
    """Settings of a whole shop that runs in this loop, nothing in it yet."""
    names = ("gateway", *PARTS)
    settings = LocalSettings.model_validate(
        {
            "data": tmp_path,
            "amqp_url": None,
            "postgres_url": postgres_url,
            "postgres_prefix": PREFIX,
            **dict(zip((f"{name}_port" for name in names), free_ports(len(names)), strict=True)),
        }
    )
    async with run.open_shop(settings, postgres.Postgres(postgres_url)):
        await run.wait_until_ready(settings)
        yield settings
    async with superuser(postgres_url) as connection:
        for name in PARTS:
            await connection.execute(f"DROP DATABASE {PREFIX}{name} WITH (FORCE)")
            await connection.execute(f"DROP ROLE {PREFIX}{name}")


@contextlib.asynccontextmanager
async def superuser(url):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def database_of(shop, name):
    """The address of a service's database, as the superuser."""
    return f"{shop.postgres_url.rpartition('/')[0]}/{PREFIX}{name}"


async def events_of(shop):
    """How many events each service has told so far."""
    counts = {}
    for name in PARTS:
        async with superuser(database_of(shop, name)) as connection:
            counts[name] = await connection.fetchval("SELECT count(*) FROM outbox")
    return counts


async def test_the_demo_is_loaded_once_and_bought_from_again_and_again(shop):
    credentials = Credentials.read(shop.partner_file)
    quiet = Console(quiet=True)

    with pytest.raises(Interrupted):
        await load(shop.urls, credentials, Until("Prices"))
    loaded = await load(shop.urls, credentials, LoadProgress(quiet))
    assert loaded.outcomes["Products"].unchanged == loaded.articles == 2009
    assert loaded.outcomes["Prices"].created == 1994 - 500
    assert loaded.outcomes["Stock"].created == 1994

    gateway = shop.url_of("gateway")
    bought = await demo.play_company(shop.urls, credentials, quiet)
    orders = [await demo.play(gateway, quiet) for _ in range(3)]
    assert len(set(orders)) == 3

    before = await events_of(shop)
    again = await load(shop.urls, credentials, LoadProgress(quiet))
    assert again.changed == 0
    assert await events_of(shop) == before
    assert await demo.play(gateway, quiet) not in orders

    again_bought = await demo.play_company(shop.urls, credentials, quiet)
    assert again_bought.company != bought.company
    assert again_bought.number != bought.number
    report = await verify({name: database_of(shop, name) for name in PARTS}, settle=30)
    assert report.findings == ()
