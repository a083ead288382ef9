"""What the tests of messaging share: a clock to turn, events to send, effects to count."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.bus import Bus, DirectBus, RabbitBus
from chassis.clock import Clock
from chassis.inbox import Consumer
from chassis.runtime import Runtime
from contracts.envelope import Event, make_event
from contracts.ids import new_id
from contracts.orders import StockChanged, StockFacts

QUEUE = "catalog.availability"


class TurnedClock(Clock):
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def turn(self, **step: float) -> None:
        """Go on by so much."""
        self.moment += timedelta(**step)


@pytest.fixture
def clock() -> TurnedClock:
    """The clock of `runtime` in tests that ask for both."""
    return TurnedClock()


def make_stock_event(sku: str, sequence: int, *, available: int = 1, event_id: UUID | None = None):
    """A whole event about one SKU."""
    return make_event(
        StockChanged(items=[StockFacts(sku=sku, sequence=sequence, available=available)]),
        event_id=event_id or new_id(),
        subject=sku,
        sequence=sequence,
        time=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


@pytest.fixture
def make_stock() -> Callable[..., Event[StockChanged]]:
    """Makes events about a SKU's stock."""
    return make_stock_event


class Effects:
    """A handler that notes each effect in the database, and fails as it is told to."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.failures: dict[str, Exception] = {}
        self.before: Callable[[Event[Any]], Awaitable[None]] | None = None
        self.consumer = Consumer(queue=QUEUE, handlers={StockChanged: self})

    async def __call__(self, session: AsyncSession, event: Event[Any], /) -> None:
        await session.execute(
            text("INSERT INTO effects (subject, sequence) VALUES (:subject, :sequence)"),
            {"subject": event.subject, "sequence": event.sequence},
        )
        if self.before is not None:
            await self.before(event)
        if event.subject in self.failures:
            raise self.failures[event.subject]

    async def seen(self) -> list[tuple[str, int]]:
        """Subject and sequence of every committed effect, in order."""
        async with self.runtime.reader.connect() as connection:
            rows = await connection.execute(
                text("SELECT subject, sequence FROM effects ORDER BY n")
            )
            return [(row.subject, row.sequence) for row in rows]


@pytest.fixture
async def effects(runtime: Runtime) -> Effects:
    """The consumer of the runtime's service."""
    async with runtime.sessions() as session:
        await session.execute(
            text(
                "CREATE TABLE effects ("
                " n bigserial PRIMARY KEY, subject text NOT NULL, sequence bigint NOT NULL,"
                " UNIQUE (subject, sequence) DEFERRABLE INITIALLY DEFERRED)"
            )
        )
        await session.commit()
    made = Effects(runtime)
    runtime.service = replace(runtime.service, consumers=(made.consumer,))
    runtime.random = Random(7)
    return made


@pytest.fixture
def tell(runtime: Runtime) -> Callable[..., Awaitable[None]]:
    """Commits one event about a SKU into the runtime's outbox."""

    async def commit(sku: str, sequence: int) -> None:
        async with runtime.sessions() as session:
            data = StockChanged(items=[StockFacts(sku=sku, sequence=sequence, available=1)])
            outbox.add(session, data, subject=sku, sequence=sequence)
            await session.commit()

    return commit


class Proxy:
    """Stands between a client and a server; can cut every connection and refuse new ones."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.refuses = False
        self.accepted = 0
        self.url = ""

    async def serve(self) -> None:
        """Begin to listen on a port of its own."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection."""
        for writer in tuple(self._open):
            writer.transport.abort()

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        self.accepted += 1
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._open |= {writer, far_writer}
        for one, other in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._copy(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.transport.abort()


@pytest.fixture
async def broker_proxy(rabbitmq: str) -> AsyncIterator[Proxy]:
    """A proxy before the real broker; `url` is the broker through it."""
    parts = urlsplit(rabbitmq)
    proxy = Proxy(parts.hostname or "", parts.port or 5672)
    await proxy.serve()
    place = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"
    proxy.url = urlunsplit((parts.scheme, place, parts.path, "", ""))
    yield proxy
    await proxy.close()


@pytest.fixture
def direct_bus() -> DirectBus:
    """A bus within this process."""
    return DirectBus()


@pytest.fixture
async def rabbit_bus(rabbitmq: str) -> AsyncIterator[RabbitBus]:
    """A bus over the real broker, its queues declared."""
    opened = RabbitBus(rabbitmq, name="test", prefetch=10)
    await opened.declare()
    yield opened
    await opened.close()


@pytest.fixture(params=["direct", pytest.param("rabbit", marks=pytest.mark.rabbitmq)])
def any_bus(request: pytest.FixtureRequest) -> Bus:
    """Both buses, one after the other."""
    bus: Bus = request.getfixturevalue(f"{request.param}_bus")
    return bus
