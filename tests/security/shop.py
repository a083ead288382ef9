"""The shop that all tests here share: every service and the gateway in one process, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from chassis.http import create_client
from chassis.service import Service
from chassis.service import create_app as create
from tandem import postgres, run
from tandem.demo_data import Credentials
from tandem.ports import free_ports
from tandem.settings import PARTS, LocalSettings

Result = TypeVar("Result")
PREFIX = "security_"
SETTLE_SECONDS = 60.0
SILENCE_SECONDS = 0.5
"""A stream that has told nothing for so long has nothing to tell."""
UNSENT = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
UNDONE = "SELECT count(*) FROM inbox WHERE status IN ('retrying', 'waiting')"
PATIENCE = {
    "TANDEM_DEADLINE_SECONDS": "60",
    "TANDEM_PLACE_WAIT_SECONDS": "55",
    "TANDEM_STATEMENT_TIMEOUT_MS": "60000",
    "TANDEM_LOCK_TIMEOUT_MS": "60000",
}
"""Settings of the shop, so that a slow machine is no reason for another answer."""


@dataclass(frozen=True)
class Ask:
    """A request, to a service or the gateway."""

    service: str
    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    is_form: bool = False
    is_lines: bool = False
    is_stream: bool = False
    """Whether the first of many events is the answer."""

    @property
    def text(self) -> str:
        """All that was said, to tell an echo from a leak."""
        return f"{unquote(self.path)} {dict(self.query or {})} {json.dumps(self.body)}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str
    is_silent: bool = False

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The problem's code; empty where there is none."""
        try:
            body = self.body
        except ValueError:
            return ""
        return str(body.get("code", "")) if isinstance(body, dict) else ""


@dataclass
class Shop:
    """A running shop and a client of it, in an event loop that runs while something is asked."""

    runner: asyncio.Runner
    settings: LocalSettings
    client: httpx.AsyncClient
    databases: dict[str, asyncpg.Connection]
    apps: dict[str, FastAPI] = field(default_factory=dict)
    """The services' applications."""

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Let the shop run until this is done."""
        return self.runner.run(work)

    async def ask(self, ask: Ask, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask once. There is nothing that a shop at peace may answer by a 5xx."""
        sent = {**(ask.headers or {}), **(headers or {})}
        request: dict[str, Any] = {}
        if ask.is_form:
            request["data"] = ask.body
        elif ask.body is not None:
            request["content"] = json.dumps(ask.body)
            sent["Content-Type"] = "application/x-ndjson" if ask.is_lines else "application/json"
        url = self.settings.url_of(ask.service) + ask.path
        if ask.is_stream:
            sent["Accept"] = "text/event-stream"
            async with self.client.stream(ask.method, url, headers=sent, **request) as stream:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SILENCE_SECONDS):
                        async for line in stream.aiter_lines():
                            if line.startswith("data: "):
                                return Answer(stream.status_code, line.removeprefix("data: "))
                return Answer(stream.status_code, "", is_silent=True)
        answer = await self.client.request(
            ask.method, url, params=ask.query, headers=sent, **request
        )
        assert answer.status_code < 500, (ask, answer.text)
        return Answer(answer.status_code, answer.text)

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        **ask: Any,
    ) -> Any:
        """Ask for something that is granted; the answer's body."""
        answer = await self.ask(Ask(service, method, path, body, **ask), headers)
        assert answer.status < 300, (method, path, answer)
        return json.loads(answer.text) if answer.text else None

    async def settle(self) -> None:
        """Wait until every event that was told has had its effect."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while await self._is_moving():  # noqa: ASYNC110 (it moves in databases)
                await asyncio.sleep(0.01)

    async def _is_moving(self) -> bool:
        for database in self.databases.values():
            for statement in (UNSENT, UNDONE):
                if await database.fetchval(statement):
                    return True
        return False

    def credentials(self) -> Credentials:
        """Those of the partner application."""
        return Credentials.read(self.settings.partner_file)


def path_of(template: str, values: Mapping[str, Any]) -> str:
    """A path of OpenAPI with its parameters filled in."""
    return template.format_map({name: quote(str(one), safe="") for name, one in values.items()})


@asynccontextmanager
async def open_shop(
    runner: asyncio.Runner, folder: Path, server: postgres.Postgres
) -> AsyncIterator[Shop]:
    """A running shop with nothing in it."""
    names = ("gateway", *PARTS)
    settings = LocalSettings.model_validate(
        {
            "data": folder,
            "amqp_url": None,
            "postgres_url": server.url,
            "postgres_prefix": PREFIX,
            **dict(zip((f"{name}_port" for name in names), free_ports(len(names)), strict=True)),
        }
    )
    apps: dict[str, FastAPI] = {}

    def create_app(service: Service, *arguments: Any, **options: Any) -> FastAPI:
        apps[service.name] = create(service, *arguments, **options)
        return apps[service.name]

    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("chassis.run.create_app", create_app)
        await stack.enter_async_context(run.open_shop(settings, server))
        await run.wait_until_ready(settings)
        client = await stack.enter_async_context(create_client())
        client.timeout = 90.0
        place = server.url.rpartition("/")[0]
        databases = {}
        for name in PARTS:
            databases[name] = await asyncpg.connect(f"{place}/{PREFIX}{name}")
            stack.push_async_callback(databases[name].close)
        yield Shop(runner, settings, client, databases, apps)
