"""The relay: gives committed events their place in the feed and sends them, one relay at a time.

The role is a session advisory lock on a direct connection, and everything the relay writes goes
through that same connection: who loses the connection loses the role and can write no more, so
that two relays never give positions side by side. What a relay had under way when it died is
sent again by the next: duplicates, never gaps.

Positions are 1, 2, 3, ... without gaps, given in one statement that moves the head row and the
events together; whoever reads the head reads a feed that is whole up to it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chassis import failpoints
from chassis.backoff import Backoff
from chassis.bus import BusUnavailable, Outcome, Outgoing, pause
from chassis.db import lock_number
from chassis.logs import get_logger
from chassis.wake import OUTBOX, Bell, channel

if TYPE_CHECKING:
    from chassis.runtime import Runtime

_PLACE_AT_ONCE = 1_000
_STATEMENT_SECONDS = 30.0
_LONGEST_STUCK_SECONDS = 30.0

log = get_logger(__name__)

_PLACE = """
WITH unplaced AS (
    SELECT event_id, row_number() OVER (ORDER BY id) AS n
    FROM (SELECT event_id, id FROM outbox WHERE position IS NULL ORDER BY id LIMIT $1) AS first
), head AS (
    UPDATE feed_head SET position = position + (SELECT count(*) FROM unplaced)
    WHERE id = 1 RETURNING position - (SELECT count(*) FROM unplaced) AS before
)
UPDATE outbox SET position = head.before + unplaced.n
FROM unplaced, head WHERE outbox.event_id = unplaced.event_id
"""
_TRY_LOCK = "SELECT pg_try_advisory_lock($1)"
_HEAD = "INSERT INTO feed_head (id, position, pruned) VALUES (1, 0, 0) ON CONFLICT DO NOTHING"
_UNPUBLISHED = """
SELECT position, event_id, type, event FROM outbox
WHERE published_at IS NULL AND position IS NOT NULL AND position > $1 AND type <> ALL($2::text[])
ORDER BY position LIMIT $3
"""
_MARK = "UPDATE outbox SET published_at = $2 WHERE event_id = ANY($1::uuid[])"
_KEEPALIVE = """
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3
"""
_TRACEPARENT = re.compile(r'"traceparent":"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"')


async def run(runtime: "Runtime", *, stop: asyncio.Event) -> None:
    """Be the relay whenever no other is, until `stop`; then finish what is under way."""
    backoff = Backoff(runtime.random)
    while not stop.is_set():
        try:
            async with _connection(runtime) as connection:
                if await _get_role(runtime, connection, stop):
                    backoff.reset()
                    await Relay(runtime, connection).work(stop)
        except Exception as error:
            log.warning("relay interrupted", error=f"{type(error).__name__}: {error}")
            await pause(stop, backoff.next())


@asynccontextmanager
async def _connection(runtime: "Runtime") -> AsyncIterator[Any]:
    """A direct connection, closed at the end and never pooled, for the lock goes with it.

    The server notices within half a minute when our machine is gone.
    """
    async with runtime.direct.connect() as outer:
        connection = (await outer.get_raw_connection()).driver_connection
        if connection is None:
            raise ConnectionError
        await connection.execute(_KEEPALIVE, timeout=_STATEMENT_SECONDS)
        yield connection


async def _get_role(runtime: "Runtime", connection: Any, stop: asyncio.Event) -> bool:
    """Ask for the lock until it is ours; False at the stop.

    Asking now and then, not waiting in the statement, whose snapshot would hold up vacuum.
    """
    key = lock_number(f"relay:{runtime.service.name}")
    while not stop.is_set():
        if await connection.fetchval(_TRY_LOCK, key, timeout=_STATEMENT_SECONDS):
            return True
        await pause(stop, runtime.settings.sweep_seconds)
    return False


@dataclass
class _Stuck:
    """A type that somebody waits for and nobody could take."""

    backoff: Backoff
    again_at: float = 0.0


@dataclass
class Relay:
    """The one relay of a service, as long as its connection lives."""

    runtime: "Runtime"
    connection: Any
    after: int = 0
    """Everything up to here was sent, or is stuck."""
    stuck: dict[str, _Stuck] = field(default_factory=dict)

    async def work(self, stop: asyncio.Event) -> None:
        """Place and send whatever is committed, until `stop` or until the connection fails."""
        failpoints.hit("relay:beginning")
        await self.execute(_HEAD)
        failpoints.hit("relay:begun")
        with self.runtime.wake.bell(OUTBOX) as bell:
            async with self._heard(bell, stop):
                bell.serves = True
                log.info("relaying")
                await self._work(bell, stop)
                log.info("relay stopped")

    async def _work(self, bell: Bell, stop: asyncio.Event) -> None:
        backoff = Backoff(self.runtime.random)
        while not stop.is_set():
            try:
                await self.runtime.bus.declare()
                backoff.reset()
                await self._sweep(bell, stop)
            except BusUnavailable as error:
                log.warning("broker away", error=str(error.__cause__))
                self.after = 0
                await self.place()
                await pause(stop, backoff.next())

    async def _sweep(self, bell: Bell, stop: asyncio.Event) -> None:
        """Work through what there is, again and again; returns for queues to be declared anew."""
        while not stop.is_set():
            placed = await self.place()
            sent, refused = await self.send()
            if refused:
                return
            if not placed and not sent:
                await bell.wait(self.runtime.settings.sweep_seconds)

    async def place(self) -> int:
        """Give events that were committed since the next positions; how many."""
        failpoints.hit("relay:placing")
        count = _count(await self.execute(_PLACE, _PLACE_AT_ONCE))
        if count:
            failpoints.hit("relay:placed")
        return count

    async def send(self) -> tuple[int, int]:
        """Publish one window of placed events in order; how many went, and how many were refused.

        Types that were refused are left out until their pause is over.
        """
        loop = asyncio.get_running_loop()
        due = [kind for kind, stuck in self.stuck.items() if stuck.again_at <= loop.time()]
        if due:
            self.after = 0
        held = [kind for kind in self.stuck if kind not in due]
        rows = await self.fetch(_UNPUBLISHED, self.after, held, self.runtime.settings.relay_window)
        if not rows:
            for kind in due:
                del self.stuck[kind]
            return 0, 0
        failpoints.hit("relay:publishing")
        outcomes = await self.runtime.bus.publish([_outgoing(row) for row in rows])
        failpoints.hit("relay:published")
        return await self.settle(rows, outcomes)

    async def settle(self, rows: Sequence[Any], outcomes: Sequence[Outcome]) -> tuple[int, int]:
        """Mark what was sent, remember what was not; how many of each."""
        by_outcome: dict[Outcome, list[Any]] = {outcome: [] for outcome in Outcome}
        for row, outcome in zip(rows, outcomes, strict=True):
            by_outcome[outcome].append(row)
        sent, refused = by_outcome[Outcome.SENT], by_outcome[Outcome.REFUSED]
        if sent:
            now = self.runtime.clock.now()
            failpoints.hit("relay:marking")
            await self.execute(_MARK, [row["event_id"] for row in sent], now)
            failpoints.hit("relay:marked")
        refused_types = {row["type"] for row in refused}
        for kind in refused_types:
            self._hold(kind)
        for kind in {row["type"] for row in sent} - refused_types:
            self.stuck.pop(kind, None)
        if by_outcome[Outcome.LOST]:
            self.after = 0
            raise BusUnavailable
        self.after = rows[-1]["position"]
        return len(sent), len(refused)

    async def execute(self, statement: str, *values: Any) -> str:
        """Run a statement on the connection that holds the role."""
        done = await self.connection.execute(statement, *values, timeout=_STATEMENT_SECONDS)
        return str(done)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """Read on the connection that holds the role."""
        return list(await self.connection.fetch(statement, *values, timeout=_STATEMENT_SECONDS))

    def _hold(self, kind: str) -> None:
        stuck = self.stuck.get(kind)
        if stuck is None:
            stuck = _Stuck(Backoff(self.runtime.random, cap=_LONGEST_STUCK_SECONDS))
            self.stuck[kind] = stuck
        stuck.again_at = asyncio.get_running_loop().time() + stuck.backoff.next()

    @asynccontextmanager
    async def _heard(self, bell: Bell, stop: asyncio.Event) -> AsyncIterator[None]:
        """Ring the bell for a NOTIFY of another process, at the stop, and at the role's loss."""

        def ring(*_: Any) -> None:
            bell.ring()

        await self.connection.add_listener(channel(OUTBOX), ring)
        self.connection.add_termination_listener(ring)
        stopping = asyncio.ensure_future(stop.wait())
        stopping.add_done_callback(ring)
        try:
            yield
        finally:
            stopping.cancel()
            self.connection.remove_termination_listener(ring)


def _outgoing(row: Any) -> Outgoing:
    body: str = row["event"]
    return Outgoing(str(row["event_id"]), row["type"], body.encode(), _traceparent(body))


def _traceparent(body: str) -> str | None:
    """The trace that the event tells, for the message's header."""
    found = _TRACEPARENT.search(body)
    return found[1] if found else None


def _count(done: str) -> int:
    """`UPDATE 3` means 3."""
    return int(done.rpartition(" ")[2])
