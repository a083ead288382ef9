"""The same technique for a process without a database."""

import subprocess
import sys
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter

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

    @asynccontextmanager
    async def hold(edge, app):
        held.append(edge.neighbours["catalog"])
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


def test_the_edge_loads_no_database_driver():
    code = (
        "import sys, chassis.app, chassis.server, chassis.bus\n"
        "print([name for name in ('sqlalchemy', 'asyncpg', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
