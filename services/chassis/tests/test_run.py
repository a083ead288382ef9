"""Processes: roles, signals, draining; and several services in one interpreter."""

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from chassis.bus import DirectBus
from chassis.jobs import Job, run_job
from chassis.run import main, serve_all, serve_roles
from chassis.testing import _in_thread

HERE = Path(__file__).parent


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@asynccontextmanager
async def process(*arguments, **environment):
    """`python -m shelf ...`, ended at the end whatever happens."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shelf",
        *arguments,
        cwd=HERE,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def test_sigterm_finishes_what_is_under_way(settings, eventually):
    port = free_port()
    environment = {"TANDEM_DATABASE_URL": settings.database_url, "TANDEM_PORT": str(port)}
    base = f"http://127.0.0.1:{port}"
    async with process("all", **environment) as shelf, httpx.AsyncClient(timeout=20) as client:

        async def ready():
            try:
                return (await client.get(f"{base}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(ready, timeout=20)
        slow = asyncio.create_task(client.get(f"{base}/v1/sleep?seconds=1"))
        await asyncio.sleep(0.3)
        shelf.send_signal(signal.SIGTERM)
        assert (await slow).status_code == 200
        _, logged = await asyncio.wait_for(shelf.communicate(), 10)
        assert shelf.returncode == 0, logged.decode()
        with pytest.raises(httpx.TransportError):
            await client.get(f"{base}/livez")
    lines = [json.loads(line) for line in logged.splitlines()]
    assert {line["service"] for line in lines} == {"shelf"}
    assert not [line for line in lines if line["level"] in ("error", "warning")], lines


async def test_commands_that_end(settings, tmp_path):
    environment = {"TANDEM_DATABASE_URL": settings.database_url}
    async with process("migrate", **environment) as one:
        await asyncio.wait_for(one.wait(), 20)
        assert one.returncode == 0
    async with process("openapi") as one:
        out, _ = await asyncio.wait_for(one.communicate(), 20)
        assert json.loads(out)["info"]["title"] == "Shelf"
    environment.pop("TANDEM_DATABASE_URL")
    async with process("api", **environment) as one:
        _, told = await asyncio.wait_for(one.communicate(), 20)
        assert one.returncode == 2
        assert b"TANDEM_DATABASE_URL: Field required" in told


def test_an_unknown_command_is_refused(service, capsys):
    with pytest.raises(SystemExit) as ended:
        main(service, ["dance"])
    assert ended.value.code == 2
    assert "migrate" in capsys.readouterr().err


async def test_two_services_share_an_interpreter(service, settings, postgres_url, database):
    """Nothing of one leaks into the other: data, names in logs, tokens, keys."""
    from chassis import testing

    twin = replace(service, name="attic", title="Attic")
    name = f"twin_{database.rpartition('/')[2]}"
    _in_thread(testing._execute(postgres_url, f'CREATE DATABASE "{name}" OWNER tandem_test'))
    try:
        attic_settings = settings.model_copy(
            update={
                "service": "attic",
                "database_url": testing._url_of(postgres_url, name),
                "key_file": None,
            }
        )
        from chassis.migrate import migrate

        await asyncio.gather(migrate(twin, attic_settings), migrate(service, settings))
        bus = DirectBus()
        async with (
            serve_all(service, settings, bus=bus) as shelf,
            serve_all(twin, attic_settings, bus=bus) as attic,
            httpx.AsyncClient() as client,
        ):
            assert shelf.port != attic.port
            for runtime, key in ((shelf, "a"), (attic, "b")):
                url = f"http://127.0.0.1:{runtime.port}/v1/books"
                headers = {"Idempotency-Key": "same"}
                body = {"key": key, "title": key}
                assert (await client.post(url, json=body, headers=headers)).status_code == 201
                assert [book["key"] for book in (await client.get(url)).json()] == [key]
            assert shelf.signer.kid != attic.signer.kid
            token = shelf.signer.own_token("tandem:attic")
            answer = await client.get(
                f"http://127.0.0.1:{shelf.port}/v1/me", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 401
    finally:
        _in_thread(testing._execute(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def test_a_taken_port_is_an_error_of_its_own(service, settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with serve_all(service, settings.model_copy(update={"port": port})):
                pass


async def test_a_role_without_the_api_answers_for_its_health_only(service, settings):
    quiet = settings.model_copy(update={"health_port": 0})
    async with serve_roles(service, quiet, ["work"]) as runtime, httpx.AsyncClient() as client:
        base = f"http://127.0.0.1:{runtime.port}"
        assert (await client.get(f"{base}/readyz")).status_code == 200
        assert (await client.get(f"{base}/v1/books")).status_code == 404
    async with serve_roles(service, settings, ["relay"]) as runtime:
        assert runtime.port is None


async def test_draining_is_not_ready(app_client, app):
    app.state.edge.is_draining = True
    assert (await app_client.get("/readyz")).status_code == 503
    assert (await app_client.get("/livez")).status_code == 200


async def test_a_job_runs_in_one_place_at_a_time(runtime):
    running = 0
    most = 0

    async def work(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.2)
        running -= 1

    job = Job(name="count", every=timedelta(hours=1), run=work)
    done = await asyncio.gather(*(run_job(runtime, job) for _ in range(3)))
    assert sorted(done) == [False, False, True]
    assert most == 1
    assert await run_job(runtime, job)


async def test_jobs_and_failing_jobs_follow_their_schedule(service, settings, eventually):
    seen = []

    async def fail(_):
        seen.append(1)
        raise RuntimeError("again")

    busy = replace(service, jobs=(Job(name="fail", every=timedelta(seconds=0.05), run=fail),))
    async with serve_all(busy, settings):
        await eventually(lambda: len(seen) >= 3)
