"""Shops to break: settings, a load, and copies of databases that a statement was run on."""

from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from rich.console import Console

from tandem import postgres, run
from tandem.demo_data import Credentials, LoadProgress, load, loading
from tandem.demo_data.articles import read_articles
from tandem.ports import free_ports
from tandem.settings import PARTS, LocalSettings
from tandem.verify import verify


@asynccontextmanager
async def superuser(url):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def make_settings(folder, postgres_url, *, prefix):
    """A shop of its own on the tests' server."""
    names = ("gateway", *PARTS)
    return LocalSettings.model_validate(
        {
            "data": folder,
            "amqp_url": None,
            "postgres_url": postgres_url,
            "postgres_prefix": prefix,
            **dict(zip((f"{name}_port" for name in names), free_ports(len(names)), strict=True)),
        }
    )


@asynccontextmanager
async def loaded(settings, *, every=4, password=None):
    """The shop open, with every so many-th article of the demo."""
    quiet = LoadProgress(Console(quiet=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "read_articles", lambda: read_articles()[::every])
        async with run.open_shop(settings, postgres.Postgres(settings.postgres_url)):
            await run.wait_until_ready(settings)
            credentials = Credentials.read(settings.partner_file)
            await load(settings.urls, credentials, quiet, password=password)
            yield credentials


async def require_clean(settings):
    """Wait until the shop is quiet; nothing may be found."""
    report = await verify(urls_of(settings), settle=30)
    assert report.findings == ()
    assert report.moving == ()


async def drop(settings):
    """Take the shop's databases and roles away."""
    async with superuser(settings.postgres_url) as connection:
        for name in PARTS:
            await connection.execute(f"DROP DATABASE {settings.postgres_prefix}{name} WITH (FORCE)")
            await connection.execute(f"DROP ROLE {settings.postgres_prefix}{name}")


def urls_of(settings):
    """The databases by the names of their services, as a superuser reaches them."""
    server = settings.postgres_url.rpartition("/")[0]
    return {name: f"{server}/{settings.postgres_prefix}{name}" for name in PARTS}


# No triggers, no foreign keys, no CHECK: what the database itself would refuse can be written.
UNGUARDED = """
SET session_replication_role = replica;
DO $$ DECLARE guard record; BEGIN
    FOR guard IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                 WHERE contype = 'c' AND conrelid <> 0 LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', guard.place, guard.conname);
    END LOOP;
END $$;
"""


@asynccontextmanager
async def broken(shop, name, statement):
    """The shop's databases, with a copy in place of one that the statement was run on."""
    urls = urls_of(shop)
    copy = f"verify_{uuid4().hex}"
    async with superuser(shop.postgres_url) as connection:
        await connection.execute(f"CREATE DATABASE {copy} TEMPLATE {shop.postgres_prefix}{name}")
        try:
            urls[name] = f"{shop.postgres_url.rpartition('/')[0]}/{copy}"
            async with superuser(urls[name]) as inside_copy:
                await inside_copy.execute(UNGUARDED)
                await inside_copy.execute(statement)
            yield urls
        finally:
            await connection.execute(f"DROP DATABASE {copy} WITH (FORCE)")
