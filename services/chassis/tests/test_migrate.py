"""Migrations: idempotent, side by side, equal to the mapped tables."""

import asyncio
import os

import asyncpg
import pytest

from chassis import failpoints, migrate
from chassis.db import ChassisBase


@pytest.fixture
async def empty(database):
    """The test's database with nothing in it."""
    connection = await asyncpg.connect(database)
    await connection.execute("DROP OWNED BY current_user")
    await connection.execute("CREATE SCHEMA IF NOT EXISTS public")
    yield connection
    await connection.close()


async def tables(connection):
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def test_many_at_once_migrate_once(service, settings, empty):
    assert await tables(empty) == set()
    await asyncio.gather(*(migrate.migrate(service, settings) for _ in range(4)))
    versions = {"alembic_version", "alembic_version_chassis"}
    own = {table.name for table in service.metadata.tables.values()}
    assert await tables(empty) == versions | own | set(ChassisBase.metadata.tables)
    assert await empty.fetchval("SELECT version_num FROM alembic_version_chassis") == "0002"
    assert await empty.fetchval("SELECT version_num FROM alembic_version") == "0001"


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("point", ["committing", "committed"])
async def test_what_broke_off_at_a_commit_goes_on(
    service, settings, empty, monkeypatch, point, number
):
    orders = {"TANDEM_FAILPOINTS": f"migrate:{point}=raise@{number}"}
    armed = failpoints.from_environment(os.environ | orders | {"TANDEM_FAILPOINTS_ALLOWED": "1"})
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "_armed", armed)
        with pytest.raises(failpoints.FailpointRaised):
            await migrate.migrate(service, settings)
    done = number - (point == "committing")
    made = await tables(empty)
    assert ["inbox" in made, "buyer_profiles" in made, "books" in made] == [
        done > before for before in range(3)
    ]
    await migrate.migrate(service, settings)
    assert await migrate.differences(service, settings) == []


async def test_models_and_migrated_schema_are_equal(service, settings):
    assert await migrate.differences(service, settings) == []


async def test_a_difference_is_found(service, settings, database):
    connection = await asyncpg.connect(database)
    await connection.execute("ALTER TABLE books ADD COLUMN colour text")
    await connection.execute("ALTER TABLE outbox ALTER COLUMN subject TYPE varchar(10)")
    await connection.execute("DROP INDEX ix_inbox_due")
    await connection.close()
    found = "\n".join(await migrate.differences(service, settings))
    assert "colour" in found
    assert "subject" in found
    assert "ix_inbox_due" in found


async def test_only_a_migrated_database_is_ready(service, settings, app_client, database):
    assert (await app_client.get("/readyz")).status_code == 200
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert (await app_client.get("/readyz")).status_code == 200, "a newer release has migrated"
    await connection.execute("DELETE FROM alembic_version")
    assert (await app_client.get("/readyz")).status_code == 503
    await connection.execute("DROP TABLE alembic_version, alembic_version_chassis")
    assert (await app_client.get("/readyz")).status_code == 503
    await connection.close()
