"""The same technique for a process without a database."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from chassis.app import create_edge_app
from chassis.auth import Caller
from chassis.server import serve_app
from chassis.settings import SERVICES, Settings


@pytest.fixture
def settings(key_file, neighbour_fake):
    urls = {f"{name}_url": neighbour_fake.url(name) for name in SERVICES}
    return Settings(service="gateway", port=0, key_file=key_file, **urls)


async def test_an_edge_has_ids_limits_problems_docs_and_health(settings, make_token):
    router = APIRouter()
    held = []

    @router.get("/me")
    async def me(caller: Caller) -> dict[str, str]:
        return {"kind": caller.kind}

    @router.post("/echo")
    async def echo(body: dict[str, str]) -> dict[str, str]:
        return body

    ended = []

    @asynccontextmanager
    async def hold(edge, app):
        held.append(edge.neighbours["catalog"])
        edge.on_drain.append(lambda: ended.append(edge.is_draining))
        yield
        held.clear()

    async def broken(request):
        raise RuntimeError

    app = create_edge_app(
        settings,
        title="Gateway",
        summary="Doors.",
        routers=[router],
        on_start=[hold],
        checks={"broken": broken},
    )
    async with serve_app(app, host="127.0.0.1", port=0) as port, httpx.AsyncClient() as client:
        base = f"http://127.0.0.1:{port}"
        assert held
        headers = {"Authorization": f"Bearer {make_token()}"}
        assert (await client.get(f"{base}/me", headers=headers)).json() == {"kind": "partner"}
        bad = await client.post(
            f"{base}/echo",
            content=b'{"a": "\\u0000"}',
            headers={"Content-Type": "application/json"},
        )
        assert bad.json()["code"] == "value-not-allowed"
        assert (await client.get(f"{base}/docs")).status_code == 200
        assert (await client.get(f"{base}/.well-known/jwks.json")).status_code == 200
        assert (await client.get(f"{base}/livez")).status_code == 200
        assert (await client.get(f"{base}/readyz")).status_code == 503
        assert "/me" in (await client.get(f"{base}/openapi.json")).json()["paths"]
    assert not held
    assert ended == [True]


def test_the_edge_loads_no_database_driver():
    code = (
        "import sys, chassis.app, chassis.server, chassis.bus\n"
        "print([name for name in ('sqlalchemy', 'asyncpg', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_nobody_waits_past_the_deadline_whatever_the_work_waits_for(settings):
    router = APIRouter()
    ends = []

    @router.get("/stuck")
    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("stuck")

    @router.get("/own")
    async def own() -> None:
        raise TimeoutError

    @router.get("/begun")
    async def begun() -> StreamingResponse:
        async def parts():
            yield b"a"
            await go_on.wait()
            yield b"b"

        return StreamingResponse(parts())

    go_on = asyncio.Event()
    app = create_edge_app(settings, title="Gateway", summary="Doors.", routers=[router])
    async with serve_app(app, host="127.0.0.1", port=0) as port, httpx.AsyncClient() as client:
        late = {"Tandem-Deadline": "1"}
        answer = await client.get(f"http://127.0.0.1:{port}/stuck", headers=late)
        assert (answer.status_code, answer.json()["code"]) == (503, "deadline-passed")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["x-request-id"]
        assert ends == ["stuck"]
        answer = await client.get(f"http://127.0.0.1:{port}/own", headers=late)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
        begins = client.stream("GET", f"http://127.0.0.1:{port}/begun", headers=late)
        async with begins as answer:
            stuck_too = await client.get(f"http://127.0.0.1:{port}/stuck", headers=late)
            assert stuck_too.status_code == 503  # so the deadline of the first has passed, too
            go_on.set()
            assert await answer.aread() == b"ab"
