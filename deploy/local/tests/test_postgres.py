"""The embedded PostgreSQL: kept between starts, closed to strangers, clear in its failures."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tandem import postgres
from tandem.errors import NotRunnable
from tandem.folder import kept_secret, locked, open_folder

PASSWORD = "a-b_c"


@pytest.fixture
def folder(tmp_path):
    # As under /root or a private home: nobody but the owner gets through.
    private = tmp_path / "a private home"
    private.mkdir(mode=0o700)
    return private / "postgres"


@pytest.fixture
def start(folder):
    servers = []

    def start_one(**options):
        servers.append(postgres.start(folder, password=PASSWORD, durable=False, **options))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


async def test_each_role_owns_its_database_and_enters_no_other(start, tmp_path):
    server = start()
    names = ("catalog", "orders")
    urls = await postgres.provide_databases(server, names, secrets=tmp_path / "secrets")
    again = await postgres.provide_databases(server, names, secrets=tmp_path / "secrets")

    assert urls == again
    connection = await asyncpg.connect(urls["catalog"])
    await connection.execute("CREATE TABLE products (sku text)")
    await connection.execute("CREATE EXTENSION pg_trgm; CREATE EXTENSION unaccent")
    order = "SELECT string_agg(x, '' ORDER BY x) FROM unnest(ARRAY['b', 'Ł', 'a', 'B']) AS x"
    assert await connection.fetchval(order) == "BabŁ"
    assert await connection.fetchval("SELECT lower('ŁÓDŹ')") == "łódź"
    assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    await connection.close()
    for database in ("orders", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(urls["catalog"], database=database)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(urls["catalog"], password="guess")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


async def test_role_of_someone_else_is_left_alone(start, tmp_path):
    server = postgres.Postgres(start().url)
    await postgres.provide_databases(server, ["catalog"], secrets=tmp_path / "first")
    with pytest.raises(NotRunnable, match="TANDEM_POSTGRES_PREFIX"):
        await postgres.provide_databases(server, ["catalog"], secrets=tmp_path / "second")
    urls = await postgres.provide_databases(
        server, ["catalog"], secrets=tmp_path / "second", prefix="b_"
    )
    assert urlsplit(urls["catalog"]).path == "/b_catalog"


async def test_data_and_port_are_kept_between_starts(start):
    server = start()
    connection = await asyncpg.connect(server.url)
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    await connection.close()
    server.stop()
    again = start()
    assert again.url == server.url
    connection = await asyncpg.connect(again.url)
    assert await connection.fetchval("SELECT one FROM kept") == 1
    await connection.close()


def test_another_port_is_taken_when_the_last_one_is_busy(start):
    server = start()
    server.stop()
    with socket.create_server(("127.0.0.1", urlsplit(server.url).port)) as taken:
        assert urlsplit(start().url).port != taken.getsockname()[1]
        with pytest.raises(NotRunnable, match="TANDEM_POSTGRES_PORT"):
            start(port=taken.getsockname()[1])


async def test_start_after_the_server_was_killed(start):
    server = start()
    os.kill(server.child.process.pid, signal.SIGKILL)
    server.child.process.wait()
    connection = await asyncpg.connect(start().url)
    await connection.close()


def test_start_when_the_id_of_a_killed_server_was_given_to_another_program(start, folder):
    start().stop()
    settings = (folder / "data" / "postgresql.conf").stat()
    stale = folder / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/proc/self/cwd\n0\n0\n\n127.0.0.1\n\nready   \n")
    os.chown(stale, settings.st_uid, settings.st_gid)
    assert start().child.is_running


def test_leftover_server_of_a_killed_run_is_ended_first(start, folder):
    left = start()
    assert start().child.is_running
    assert not left.child.is_running


def test_server_ends_with_the_run_that_started_it(folder):
    code = (
        "import sys, time; from pathlib import Path; from tandem import postgres;"
        f"s = postgres.start(Path(sys.argv[1]), password='{PASSWORD}', durable=False);"
        "print(s.child.process.pid, flush=True); time.sleep(60)"
    )
    run = subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE, text=True)
    assert run.stdout
    server = int(run.stdout.readline())
    run.kill()
    run.communicate()
    give_up_at = time.monotonic() + 20
    while Path(f"/proc/{server}").exists() and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert not (folder / "data" / "postmaster.pid").exists()


def test_data_of_another_major_version_is_refused(start, folder):
    start().stop()
    (folder / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(NotRunnable, match=r"PostgreSQL 17.*brings PostgreSQL 18"):
        start()


def test_failure_tells_what_the_server_said(start, folder):
    start().stop()
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(NotRunnable, match="no_such_setting"):
        start()


def test_half_made_cluster_is_made_again(start, folder):
    (folder / "data.new" / "base").mkdir(parents=True)
    assert start().child.is_running


def test_data_folder_belongs_to_one_run(tmp_path):
    data = open_folder(tmp_path / "data")
    with locked(data), pytest.raises(NotRunnable, match=f"process {os.getpid()}"), locked(data):
        pass
    with locked(data):
        assert kept_secret(data / "secrets" / "one") == kept_secret(data / "secrets" / "one")


def test_data_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotRunnable, match="TANDEM_DATA"):
        open_folder(tmp_path / "file" / "data")
