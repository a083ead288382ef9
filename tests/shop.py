"""A whole shop as in production: separate processes over a PostgreSQL and a RabbitMQ."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tandem import postgres
from tandem.databases import open_databases
from tandem.demo_data import Credentials
from tandem.folder import open_folder
from tandem.run import demo_marker
from tandem.settings import PARTS, LocalSettings

START_SECONDS = 90
APART = {"orders": ("api", "relay", "consume", "work")}
"""The services whose roles are processes of their own; the others run as `all`."""


@dataclass
class Shop:
    """Where a shop is, its partner, and its processes by what was started."""

    folder: Path
    urls: dict[str, str]
    environment: dict[str, str]
    credentials: Credentials
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, *command: str, ready: str | None = None) -> None:
        """Start `python -m <command>`; `ready` names the service whose /readyz to wait for."""
        service = command[0]
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=self.environment | self.own_environment(service) | self.failpoints(name),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        if ready:
            self.wait_until_ready(name, ready)

    def own_environment(self, service: str) -> dict[str, str]:
        """What only one service's processes get: its port, its database, its key."""
        if service not in self.urls:
            return {}
        own = {
            "TANDEM_SERVICE": service,
            "TANDEM_PORT": self.urls[service].rpartition(":")[2],
            "TANDEM_KEY_FILE": str(self.folder / f"{service}.pem"),
        }
        if f"database:{service}" in self.urls:
            own["TANDEM_DATABASE_URL"] = self.urls[f"database:{service}"]
        return own

    def failpoints(self, name: str) -> dict[str, str]:
        """Where a process reads what is armed in it and tells what it hits, if the shop's
        settings allow that (TANDEM_FAILPOINTS_ALLOWED).
        """
        if self.environment.get("TANDEM_FAILPOINTS_ALLOWED") != "1":
            return {}
        return {
            "TANDEM_FAILPOINTS_FILE": str(self.folder / f"{name}.points"),
            "TANDEM_FAILPOINTS_RECORD": str(self.folder / f"{name}.hits"),
        }

    def arm(self, name: str, orders: str) -> None:
        """Arm a process that runs, or disarm it by an empty string; it counts hits from here."""
        fresh = self.folder / f"{name}.points.new"
        fresh.write_text(orders)
        fresh.rename(self.folder / f"{name}.points")

    def hits(self, name: str) -> list[str]:
        """The failpoints that a process hit since `forget_hits`, each once, in their order."""
        with contextlib.suppress(FileNotFoundError):
            return list(dict.fromkeys((self.folder / f"{name}.hits").read_text().splitlines()))
        return []

    def forget_hits(self) -> None:
        """Begin to record anew, for all processes."""
        for record in self.folder.glob("*.hits"):
            record.unlink()

    def wait_until_ready(self, name: str, service: str) -> None:
        """Until /readyz answers 200. Fails with the process' log when it dies or takes too long."""
        until = time.monotonic() + START_SECONDS
        while not is_ready(self.urls[service]):
            ended = self.processes[name].poll()
            if ended is not None or time.monotonic() > until:
                pytest.fail(f"{name} is not ready (exit {ended}):\n{self.log(name)}")
            time.sleep(0.05)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        """End a process by its own id and wait for it; its exit status."""
        process = self.processes.pop(name)
        process.send_signal(how)
        return process.wait(timeout=60)

    def log(self, name: str) -> str:
        """The last of what a process printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    async def rows(self, service: str, statement: str, *values: Any) -> list[Any]:
        """Ask a service's database."""
        connection = await asyncpg.connect(self.urls[f"database:{service}"])
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    def query(
        self,
        document: str,
        variables: dict[str, Any] | None = None,
        *,
        schema: str = "d2c",
        **headers: str,
    ) -> dict[str, Any]:
        """Ask one of the gateway's schemas; the whole GraphQL answer."""
        body = json.dumps({"query": document, "variables": variables or {}}).encode()
        request = urllib.request.Request(
            f"{self.urls['gateway']}/{schema}/graphql",
            data=body,
            headers={"Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
        return answer


def is_ready(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
        return True  # anything but a 2xx raises
    return False


def surroundings() -> dict[str, str]:
    """Our own environment without what is Tandem's, but for where failpoints are recorded."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TANDEM_") or name.startswith("TANDEM_FAILPOINTS")
    }


@contextlib.contextmanager
def open_shop(
    folder: Path,
    server: postgres.Postgres,
    amqp_url: str,
    *,
    prefix: str,
    apart: Mapping[str, Sequence[str]] = APART,
    between: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda urls: urls,
    **settings: str,
) -> Iterator[Shop]:
    """A running shop with nothing in it; databases are named `prefix` and service.

    `settings` are environment variables of all its processes. `between` puts something between
    them: from the addresses of the services to those at which they find each other.
    """
    credentials = Credentials(client_id="journey", client_secret=secrets.token_urlsafe(32))
    partner = folder / "partner.json"
    partner.write_text(json.dumps(credentials.as_dict() | {"name": "Journeys"}))
    databases = asyncio.run(
        postgres.provide_databases(server, PARTS, secrets=folder, prefix=prefix)
    )
    with contextlib.ExitStack() as stack:
        urls = {name: f"http://127.0.0.1:{hold_port(stack)}" for name in (*PARTS, "gateway")}
        environment = surroundings()
        found_at = between({name: urls[name] for name in PARTS})
        environment |= {f"TANDEM_{name.upper()}_URL": url for name, url in found_at.items()}
        environment |= {
            "TANDEM_AMQP_URL": amqp_url,
            "TANDEM_BOOTSTRAP_PARTNER_FILE": str(partner),
            "TANDEM_TESTPAY_SECRET": f"whsec_{b64encode(secrets.token_bytes(32)).decode()}",
            "PYTHONUNBUFFERED": "1",
        }
        urls |= {f"database:{name}": url for name, url in databases.items()}
        opened = Shop(folder, urls, environment | settings, credentials)
        try:
            start_all(opened, apart)
            yield opened
        finally:
            for name in reversed(list(opened.processes)):
                opened.stop(name)


@contextlib.contextmanager
def open_shop_in_one(
    folder: Path, server: postgres.Postgres, *, prefix: str, **settings: str
) -> Iterator[Shop]:
    """A running shop in one process, `tandem run`, with nothing in it and no broker."""
    with contextlib.ExitStack() as stack:
        names = ("gateway", *PARTS)
        ports = {name: hold_port(stack) for name in names}
        environment = surroundings()
        environment |= {f"TANDEM_{name.upper()}_PORT": str(port) for name, port in ports.items()}
        environment |= {
            "TANDEM_DATA": str(folder / "data"),
            "TANDEM_POSTGRES_URL": server.url,
            "TANDEM_POSTGRES_PREFIX": prefix,
            "PYTHONUNBUFFERED": "1",
        }
        local = LocalSettings(
            data=open_folder(folder / "data"), postgres_url=server.url, postgres_prefix=prefix
        )
        demo_marker(local).touch()
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        nobody = Credentials(client_id="", client_secret="")
        opened = Shop(folder, urls, environment | settings, nobody)
        try:
            start_in_one(opened)
            opened.credentials = Credentials.read(local.partner_file)
            databases = stack.enter_context(open_databases(local))
            opened.urls |= {f"database:{name}": url for name, url in databases.items()}
            yield opened
        finally:
            for name in list(opened.processes):
                opened.stop(name)


IN_ONE = "tandem run"


def start_in_one(shop: Shop) -> None:
    """Start the one process, and wait until all that is in it is ready."""
    shop.start(IN_ONE, "tandem", "run")
    for name in ("gateway", *PARTS):
        shop.wait_until_ready(IN_ONE, name)


def start_all(shop: Shop, apart: Mapping[str, Sequence[str]]) -> None:
    """Migrate, then start every process; all at once, then wait for each."""
    for service in PARTS:
        shop.start(f"{service} migrate", service, "migrate")
    for service in PARTS:
        name = f"{service} migrate"
        assert shop.processes.pop(name).wait(START_SECONDS) == 0, shop.log(name)
    for service in PARTS:
        for role in apart.get(service, ("all",)):
            shop.start(f"{service} {role}", service, role)
    shop.start("gateway api", "gateway", "api")
    for service in PARTS:
        shop.wait_until_ready(f"{service} {'api' if service in apart else 'all'}", service)
    shop.wait_until_ready("gateway api", "gateway")


def hold_port(stack: contextlib.ExitStack) -> int:
    """A port that nobody has: kept bound until the stack ends, shared by SO_REUSEADDR."""
    holder = stack.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    return port
