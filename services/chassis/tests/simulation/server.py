"""The real PostgreSQL, and connections to it on a loop of its own.

Whoever uses it stands still meanwhile: nothing else runs while an operation is under way.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_GLANCE_SECONDS = 0.002
_SESSION = {
    "timezone": "UTC",
    "jit": "off",
    "deadlock_timeout": "1h",
    "plan_cache_mode": "force_custom_plan",
}
_WAITING = "SELECT pid, locktype FROM pg_locks WHERE NOT granted AND pid = ANY($1::int[])"
_CLEAN = """
ROLLBACK; CLOSE ALL; RESET ALL; SELECT pg_advisory_unlock_all(); DISCARD TEMP
"""

connect = asyncpg.connect
"""The real one, whatever stands in its place meanwhile."""

Work = Callable[["Real"], Awaitable[Any]]


class Real:
    """A connection to PostgreSQL, used by one simulated connection after the other."""

    def __init__(self, connection: Any, database: str) -> None:
        self.connection = connection
        self.database = database
        self.pid: int = connection.get_server_pid()
        self.codecs: set[str] = set()
        self._statements: dict[str, Any] = {}

    async def prepare(self, query: str) -> Any:
        """A prepared statement, made once."""
        if query not in self._statements:
            self._statements[query] = await self.connection.prepare(query)
        return self._statements[query]


class Server:
    """The session's PostgreSQL, with some databases of the simulation's own."""

    def __init__(self, url: str) -> None:
        self.home = urlsplit(url).path[1:]
        """The database that every server has."""
        self._url = url
        self._loop = asyncio.SelectorEventLoop()
        self._glances = 0
        self._idle: defaultdict[str, list[Real]] = defaultdict(list)
        self._monitor = self.run(self._connect(self.home)).connection

    def close(self) -> None:
        """Close every connection."""
        for database in tuple(self._idle):
            self.leave(database)
        self.run(self._monitor.close())
        self._loop.close()

    def leave(self, database: str) -> None:
        """Close the connections to a database."""
        for real in self._idle.pop(database, ()):
            self.run(real.connection.close())

    def url_of(self, database: str) -> str:
        """URL of one of its databases."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something to its end, whatever loop stands still meanwhile."""
        with self._standing_still():
            return self._loop.run_until_complete(work)

    def query(self, database: str, statement: str, *values: Any) -> list[Any]:
        """Look into a database, or prepare it, from outside the simulated world."""
        real = self.take(database)
        try:
            return list(self.run(real.connection.fetch(statement, *values)))
        finally:
            self._idle[database].append(real)

    def execute(self, database: str, script: str) -> None:
        """Run a script, from outside the simulated world."""
        real = self.take(database)
        try:
            self.run(real.connection.execute(script))
        finally:
            self._idle[database].append(real)

    def take(self, database: str) -> Real:
        """A clean connection."""
        idle = self._idle[database]
        return idle.pop() if idle else self.run(self._connect(database))

    def give_back(self, real: Real) -> None:
        """End whatever the connection was at; its locks are free when this returns."""
        self.run(real.connection.execute(_CLEAN))
        self._idle[real.database].append(real)

    def begin(self, real: Real, work: Work) -> "asyncio.Task[Any]":
        """Start an operation, and glance at it."""
        task: asyncio.Task[Any] = self._loop.create_task(_call(work, real))
        self.glance([task])
        return task

    def glance(self, tasks: Sequence["asyncio.Task[Any]"]) -> None:
        """Wait for one of these operations, but hardly."""
        self._glances += 1
        stop = partial(self._stop, self._glances)
        for task in tasks:
            task.add_done_callback(stop)
        timer = self._loop.call_later(_GLANCE_SECONDS, stop, None)
        with self._standing_still():
            self._loop.run_forever()
        self._glances += 1
        timer.cancel()
        for task in tasks:
            task.remove_done_callback(stop)

    def waiting(self, pids: Sequence[int]) -> dict[int, str]:
        """Which of these wait for a lock, and of what type, all seen at one moment."""
        return dict(self.run(self._monitor.fetch(_WAITING, pids)))

    def cancel(self, real: Real, task: "asyncio.Task[Any]") -> None:
        """Let PostgreSQL cancel what a connection is at, and wait until it has."""
        self.run(self._monitor.fetch("SELECT pg_cancel_backend($1)", real.pid))
        while not task.done():
            self.glance([task])

    @contextmanager
    def _standing_still(self) -> Iterator[None]:
        """The loop that runs now, if one does, stands still meanwhile."""
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        try:
            yield
        finally:
            asyncio._set_running_loop(outer)

    def _stop(self, glance: int, _: object) -> None:
        if glance == self._glances:
            self._loop.stop()

    async def _connect(self, database: str) -> Real:
        made = await connect(self.url_of(database), server_settings=_SESSION)
        return Real(made, database)


async def _call(work: Work, real: Real) -> Any:
    return await work(real)
