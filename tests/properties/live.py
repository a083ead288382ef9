"""A running shop as a test reaches it: its addresses, its partner's token, and when it has settled.

The shop is the embedded one, in the test's own event loop, which runs while something is asked.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

from chassis.http import create_client
from tandem import postgres, run
from tandem.demo_data import Credentials
from tandem.ports import free_ports
from tandem.settings import PARTS, LocalSettings

Result = TypeVar("Result")
PREFIX = "properties_"
ANSWER_SECONDS = 90.0
SETTLE_SECONDS = 60.0
LOOK_SECONDS = 0.005
TOLD = ("catalog", "pricing", "orders")
"""The services that tell events."""
PATIENCE = {
    "TANDEM_DEADLINE_SECONDS": "60",
    "TANDEM_PLACE_WAIT_SECONDS": "55",
    "TANDEM_ENRICHMENT_SECONDS": "55",
    "TANDEM_LEASE_SECONDS": "60",
    "TANDEM_STATEMENT_TIMEOUT_MS": "60000",
    "TANDEM_LOCK_TIMEOUT_MS": "60000",
    "TANDEM_POOL_TIMEOUT_SECONDS": "60",
    "TANDEM_CONNECT_TIMEOUT_SECONDS": "60",
}
"""Settings of the shop, so that a slow machine is no reason for another answer."""
UNSENT = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
UNDONE = "SELECT count(*) FROM inbox WHERE status <> 'done'"


@dataclass
class Live:
    """The shop, and a client of it."""

    runner: asyncio.Runner
    settings: LocalSettings
    client: httpx.AsyncClient
    databases: dict[str, asyncpg.Connection]
    partner: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    """How far the change feed of each service was read."""
    examples: int = 0

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Let the shop run until this is done."""
        return self.runner.run(work)

    async def call(self, service: str, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask once. There is nothing that a shop at peace may answer by a 5xx."""
        url = self.settings.url_of(service) + path
        answer = await self.client.request(method, url, **request)
        assert answer.status_code < 500, answer.text
        return answer

    async def sign_in(self) -> None:
        """A fresh token of the partner."""
        credentials = Credentials.read(self.settings.partner_file)
        answer = await self.call(
            "accounts",
            "POST",
            "/v1/tokens",
            data={"grant_type": "client_credentials"},
            auth=(credentials.client_id, credentials.client_secret),
        )
        assert answer.status_code == 200, answer.text
        self.partner = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def write(self, service: str, path: str, body: Any) -> httpx.Response:
        """PUT as the partner."""
        return await self.call(service, "PUT", path, json=body, headers=self.partner)

    async def write_lines(self, service: str, path: str, lines: Iterable[Any]) -> list[Any]:
        """POST many lines as the partner; what became of each."""
        answer = await self.call(
            service,
            "POST",
            path,
            content="".join(json.dumps(line) + "\n" for line in lines),
            headers=self.partner | {"Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    async def read(self, service: str, path: str, **query: Any) -> httpx.Response:
        """GET as the partner."""
        return await self.call(service, "GET", path, params=query, headers=self.partner)

    async def settle(self) -> None:
        """Wait until every event that was told has had its effect."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while await self._is_moving():  # noqa: ASYNC110 (it moves in databases)
                await asyncio.sleep(LOOK_SECONDS)

    async def _is_moving(self) -> bool:
        for statement in (UNSENT, UNDONE):
            for name in TOLD:
                if await self.databases[name].fetchval(statement):
                    return True
        return False

    async def told(self, service: str) -> list[Any]:
        """What the service's change feed has that was not read yet, once it has settled."""
        events: list[Any] = []
        while True:
            query = {"after": self.cursors[service]} if service in self.cursors else {}
            answer = await self.read(service, "/v1/changes", limit=200, **query)
            assert answer.status_code == 200, answer.text
            stretch = answer.json()
            self.cursors[service] = stretch["next"]
            if not stretch["items"]:
                return events
            events += stretch["items"]


@asynccontextmanager
async def open_live(
    runner: asyncio.Runner, folder: Path, server: postgres.Postgres
) -> AsyncIterator[Live]:
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
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(run.open_shop(settings, server))
        await run.wait_until_ready(settings)
        client = await stack.enter_async_context(create_client())
        client.timeout = ANSWER_SECONDS
        databases = {}
        for name, url in database_urls(server).items():
            databases[name] = await asyncpg.connect(url)
            stack.push_async_callback(databases[name].close)
        yield Live(runner, settings, client, databases)


def database_urls(server: postgres.Postgres) -> dict[str, str]:
    """Each service's database, as the superuser reaches it."""
    place = server.url.rpartition("/")[0]
    return {name: f"{place}/{PREFIX}{name}" for name in PARTS}
