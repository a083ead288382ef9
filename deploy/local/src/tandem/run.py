"""The whole shop in one process: PostgreSQL beside it, services, workers, gateway and demo data.

Everything that stays is in the data folder; everything that runs ends with `run`, in order.
"""

import asyncio
import errno
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import httpx
from aio_pika.exceptions import AMQPError
from rich.console import Console

from chassis.bus import DirectBus
from chassis.http import create_client
from chassis.migrate import migrate
from chassis.run import serve_all
from chassis.server import run_process, serve_app
from chassis.service import Service
from chassis.settings import DatabaseSettings, Settings
from contracts.accounts import PARTNER_SCOPES
from gateway.app import create_app as create_gateway
from gateway.settings import Settings as GatewaySettings
from tandem import postgres, welcome
from tandem.demo_data import Credentials, LoadProgress, load
from tandem.errors import NotRunnable
from tandem.folder import kept_secret, locked, open_folder, write_private
from tandem.ports import is_free
from tandem.settings import PARTS, LocalSettings

PARTNER = "demo-partner"
DRAIN_S = 5.0
PATIENCE_S = 60.0


def run(settings: LocalSettings, console: Console) -> None:
    """Run the shop until Ctrl-C or SIGTERM. Raises NotRunnable where it cannot."""
    folder = open_folder(settings.data)
    settings = settings.model_copy(update={"data": folder})
    with locked(folder):
        refuse_taken_ports(settings)
        server = open_postgres(settings)
        try:
            process = Settings(
                service="tandem",
                port=settings.gateway_port,
                log_level=settings.log_level,
                log_format=settings.log_format,
            )
            run_process(process, partial(serve_until, settings, server, console))
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise
            refuse_taken_ports(settings)  # somebody took one since we looked
            raise NotRunnable("A port was taken for a moment; please try again.") from problem
        finally:
            server.stop()


async def serve_until(
    settings: LocalSettings, server: postgres.Postgres, console: Console, stop: asyncio.Event
) -> None:
    """Serve the shop, load the demo once, say what there is, and wait for `stop`."""
    async with open_shop(settings, server):
        if await finished(prepare(settings, console), stop):
            welcome.show(
                settings,
                Credentials.read(settings.partner_file),
                people_password(settings),
                console,
            )
            await stop.wait()
        console.print("Stopping ...")


@asynccontextmanager
async def open_shop(settings: LocalSettings, server: postgres.Postgres) -> AsyncIterator[None]:
    """All services with their workers, and the gateway, in the running loop."""
    databases = await postgres.provide_databases(
        server,
        PARTS,
        secrets=settings.data / "secrets" / place_of(settings),
        prefix=settings.postgres_prefix if settings.postgres_url else "",
    )
    write_partner(settings)
    write_staff(settings)
    if settings.amqp_url:
        await check_broker(settings.amqp_url)
    bus = None if settings.amqp_url else DirectBus()
    plans = [(service, settings_of(service, settings, databases)) for service in services()]
    for service, own in plans:
        await migrate(service, own)
    async with AsyncExitStack() as stack:
        for service, own in plans:
            await stack.enter_async_context(serve_all(service, own, bus=bus))
        own_gateway = GatewaySettings(**shared_settings("gateway", settings))
        await stack.enter_async_context(
            serve_app(
                create_gateway(own_gateway, bus=bus),
                host=settings.host,
                port=settings.gateway_port,
                drain_seconds=DRAIN_S,
            )
        )
        yield


def services() -> list[Service]:
    """Every service there is, and the test payment provider; each names itself in its `app`."""
    return [import_module(f"{name}.app").SERVICE for name in PARTS]


def settings_of(
    service: Service, settings: LocalSettings, databases: dict[str, str]
) -> DatabaseSettings:
    """What one service is told: its port, its database, its key, its neighbours."""
    own: dict[str, Any] = {
        "bootstrap_partner_file": settings.partner_file,
        "staff_file": settings.staff_file,
        "testpay_secret": testpay_secret(settings),
    }
    return service.settings(
        **shared_settings(service.name, settings),
        database_url=databases[service.name],
        direct_database_url=None,
        pgbouncer=False,
        pool_size=5,
        **{name: value for name, value in own.items() if name in service.settings.model_fields},
    )


def testpay_secret(settings: LocalSettings) -> str:
    """What orders and the test payment provider know each other by (Standard Webhooks' form)."""
    kept = kept_secret(settings.data / "secrets" / "testpay")
    return f"whsec_{b64encode(kept.encode()).decode()}"


def shared_settings(name: str, settings: LocalSettings) -> dict[str, Any]:
    """What the gateway and every service are told alike."""
    return {
        "service": name,
        "host": settings.host,
        "port": settings.port_of(name),
        "amqp_url": settings.amqp_url,
        "key_file": settings.data / "secrets" / f"{name}.pem",
        "trusted_issuers": {},
        "drain_seconds": DRAIN_S,
        **{f"{service}_url": settings.url_of(service) for service in PARTS},
    }


def open_postgres(settings: LocalSettings) -> postgres.Postgres:
    """The server that was named, or our own, started in the data folder."""
    if settings.postgres_url:
        return postgres.Postgres(settings.postgres_url)
    folder = settings.data / "postgres"
    secret = settings.data / "secrets" / "postgres"
    if (folder / "data").exists() and not secret.exists():
        raise NotRunnable(
            f"The password of the PostgreSQL in {folder} is gone: put {secret} back, or remove "
            "the folder to begin anew."
        )
    return postgres.start(folder, password=kept_secret(secret), port=settings.postgres_port)


def place_of(settings: LocalSettings) -> str:
    """A short name for the server with the databases: each has passwords and a demo of its own."""
    if not settings.postgres_url:
        return "embedded"
    place = settings.postgres_url.rpartition("@")[2] + settings.postgres_prefix
    return f"server-{sha256(place.encode()).hexdigest()[:12]}"


def refuse_taken_ports(settings: LocalSettings) -> None:
    """Say which ports are taken, all at once, before anything is started."""
    names = ("gateway", *PARTS)
    ports = {name: settings.port_of(name) for name in names}
    told = [
        f"Port {port} for {name} is taken: set TANDEM_{name.upper()}_PORT to another."
        for name, port in ports.items()
        if not is_free(port, host=settings.host) or list(ports.values()).count(port) > 1
    ]
    if told:
        raise NotRunnable("\n".join(told))


async def check_broker(url: str) -> None:
    """Refuse a broker that does not let us in, before every service tries for ever."""
    try:
        connection = await aio_pika.connect(url, timeout=10)
    except (OSError, AMQPError, ValueError) as problem:
        place = urlsplit(url).netloc.rpartition("@")[2]
        raise NotRunnable(f"No RabbitMQ at {place} (TANDEM_AMQP_URL): {problem}") from problem
    await connection.close()


def write_partner(settings: LocalSettings) -> None:
    """The file of the first partner application, its secret made at the first start."""
    partner = {
        "client_id": PARTNER,
        "client_secret": kept_secret(settings.data / "secrets" / "partner"),
        "name": "Demo partner",
        "scopes": sorted(PARTNER_SCOPES),
    }
    write_private(settings.partner_file, json.dumps(partner, indent=2) + "\n")


def write_staff(settings: LocalSettings) -> None:
    """The file of the demo's one person of the merchant's, who may do all that partners may."""
    staff = {
        "email": welcome.STAFF,
        "name": "Sam Staff",
        "password": people_password(settings),
        "scopes": sorted(PARTNER_SCOPES),
    }
    write_private(settings.staff_file, json.dumps(staff, indent=2) + "\n")


def people_password(settings: LocalSettings) -> str:
    """The one password of all people of the demo, made at the first start."""
    return kept_secret(settings.data / "secrets" / "people")


async def prepare(settings: LocalSettings, console: Console) -> None:
    """What is left to do once everything runs."""
    await wait_until_ready(settings)
    await load_demo(settings, console)


async def wait_until_ready(settings: LocalSettings) -> None:
    """Wait until everything says that it is ready. Raises NotRunnable with what is not."""
    give_up_at = time.monotonic() + PATIENCE_S
    async with AsyncExitStack() as stack:
        for name, url in settings.urls.items():
            client = await stack.enter_async_context(create_client(url))
            while (answer := await readiness(client)) is not None:
                if time.monotonic() > give_up_at:
                    raise NotRunnable(f"{name} is not ready after {PATIENCE_S:.0f} s: {answer}")
                await asyncio.sleep(0.05)


async def readiness(client: httpx.AsyncClient) -> str | None:
    """None when the process behind this client is ready, else what it says."""
    try:
        response = await client.get("/readyz", timeout=5)
    except httpx.HTTPError as problem:
        return str(problem)
    return None if response.status_code == 200 else response.text


async def load_demo(settings: LocalSettings, console: Console) -> None:
    """Load the demo shop once; an interrupted load goes on at the next start."""
    marker = demo_marker(settings)
    if await asyncio.to_thread(marker.exists):
        return
    console.print("Loading the demo shop through the public APIs (once):")
    credentials = Credentials.read(settings.partner_file)
    await load(
        settings.urls, credentials, LoadProgress(console), password=people_password(settings)
    )
    await asyncio.to_thread(marker.touch)


def demo_marker(settings: LocalSettings) -> Path:
    """The file that says that the demo is there, or is not wanted."""
    return settings.data / f"demo-loaded-{place_of(settings)}"


async def finished(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether the work came to its end before `stop`; it is cancelled otherwise."""
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    await asyncio.wait((task,))
    return False
