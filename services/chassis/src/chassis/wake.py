"""Bells that wake a sleeping worker after a commit: in this process by an event, in another by
PostgreSQL's NOTIFY.

A NOTIFY never goes inside the transaction that changed something, for it makes commits wait for
each other. It goes on an autocommit connection of its own, a few times a second at most, and is
only a hint: every worker sweeps too, so a lost one costs time and nothing else.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import failpoints
from chassis.logs import get_logger

OUTBOX = "outbox"
INBOX = "inbox"
WORK = "work"

log = get_logger(__name__)


def channel(name: str) -> str:
    """The NOTIFY channel of a bell."""
    return f"tandem_{name}"


class Bell:
    """One worker's ear. `serves` says that ringing it is enough: no other process need hear."""

    def __init__(self) -> None:
        self.serves = False
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the worker, now or as soon as it waits."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Sleep until rung, `seconds` at most; whether it was rung."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        finally:
            self._rung.clear()
        return True


class Wake:
    """All bells of one runtime. Without an engine only this process hears them."""

    def __init__(self, engine: AsyncEngine | None = None, *, pause_seconds: float = 0.02) -> None:
        self._engine = engine
        self._pause = pause_seconds
        self._bells: defaultdict[str, list[Bell]] = defaultdict(list)
        self._due: set[str] = set()
        self._notifier: asyncio.Task[None] | None = None
        self._closed = False

    @contextmanager
    def bell(self, name: str) -> Iterator[Bell]:
        """Hear the bell `name` while inside."""
        bell = Bell()
        self._bells[name].append(bell)
        try:
            yield bell
        finally:
            self._bells[name].remove(bell)

    def ring(self, name: str) -> None:
        """Wake who waits for `name`, here and in other processes. Call it after the commit."""
        self.heard(name)
        served = any(bell.serves for bell in self._bells[name])
        if self._engine is None or served or self._closed:
            return
        self._due.add(name)
        if self._notifier is None or self._notifier.done():
            self._notifier = asyncio.get_running_loop().create_task(self._notify(self._engine))

    def heard(self, name: str) -> None:
        """Pass on a ring that came from another process."""
        for bell in self._bells[name]:
            bell.ring()

    async def close(self) -> None:
        """Stop notifying; what was rung last may be lost, and is found by sweeping."""
        self._closed = True
        self._due.clear()
        if self._notifier is not None:
            await asyncio.gather(self._notifier, return_exceptions=True)

    async def _notify(self, engine: AsyncEngine) -> None:
        while self._due:
            due, self._due = self._due, set()
            try:
                async with engine.connect() as connection:
                    alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
                    for name in sorted(due):
                        failpoints.hit("wake", name, "ringing")
                        await alone.exec_driver_sql(f"NOTIFY {channel(name)}")
                        failpoints.hit("wake", name, "rung")
            except Exception as error:
                log.info("notify failed", error=type(error).__name__)
            await asyncio.sleep(self._pause)
