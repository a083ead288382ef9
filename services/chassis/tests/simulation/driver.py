"""What stands in for asyncpg's connections, as far as SQLAlchemy and the relay use them."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from services.chassis.tests.simulation.loop import NODE
from services.chassis.tests.simulation.server import Real, Work

if TYPE_CHECKING:
    from services.chassis.tests.simulation.gate import Gate


@dataclass(eq=False)
class Listener:
    """Who hears a channel of NOTIFY."""

    connection: "Connection"
    channel: str
    hear: Callable[..., None]
    context: Context


class Connection:
    """What stands in for a connection of asyncpg, as far as SQLAlchemy and the relay use it."""

    def __init__(self, gate: "Gate", real: Real, number: int, limits: Mapping[str, str]) -> None:
        self.gate = gate
        self.real = real
        self.node = node = NODE.get()
        self.is_cut = False
        self.lock_seconds = float(limits.get("lock_timeout", 0)) / 1000
        self.idle_seconds = float(limits.get("idle_in_transaction_session_timeout", 0)) / 1000
        self.termination_listeners: list[tuple[Callable[..., None], Context]] = []
        self._name = f"{node.name if node else 'outside'}#{number}"

    def __str__(self) -> str:
        return self._name

    def is_closed(self) -> bool:
        return self.is_cut

    async def execute(self, query: str, *values: Any, timeout: float | None = None) -> Any:
        return await self._do("execute", query, values, timeout)

    async def fetch(self, query: str, *values: Any, timeout: float | None = None) -> Any:
        return await self._do("fetch", query, values, timeout)

    async def fetchval(self, query: str, *values: Any, timeout: float | None = None) -> Any:
        return await self._do("fetchval", query, values, timeout)

    async def executemany(self, query: str, rows: Sequence[Any]) -> Any:
        return await self._do("executemany", query, (rows,), None)

    async def _do(self, how: str, query: str, values: tuple[Any, ...], limit: float | None) -> Any:
        async def work(real: Real) -> Any:
            return await getattr(real.connection, how)(query, *values)

        return await self.gate.operate(self, f"{_brief(query)} {values!r}", work, limit)

    async def prepare(self, query: str, *, name: str | None = None) -> "Prepared":
        async def work(real: Real) -> Any:
            return await real.prepare(query)

        return Prepared(
            self, query, await self.gate.operate(self, f"prepare {_brief(query)}", work)
        )

    def transaction(self, *, isolation: str | None, readonly: bool, deferrable: bool) -> Any:
        return Transaction(self, isolation)

    async def set_type_codec(self, typename: str, **options: Any) -> None:
        async def work(real: Real) -> None:
            if typename not in real.codecs:
                await real.connection.set_type_codec(typename, **options)
                real.codecs.add(typename)

        await self.gate.operate(self, f"codec {typename}", work)

    async def add_listener(self, channel: str, hear: Callable[..., None]) -> None:
        await self.execute(f"LISTEN {channel}")
        self.gate.listeners.append(Listener(self, channel, hear, copy_context()))

    def add_termination_listener(self, hear: Callable[..., None]) -> None:
        self.termination_listeners.append((hear, copy_context()))

    def remove_termination_listener(self, hear: Callable[..., None]) -> None:
        self.termination_listeners = [one for one in self.termination_listeners if one[0] != hear]

    async def close(self, *, timeout: float | None = None) -> None:
        self.termination_listeners.clear()
        self.terminate()

    def terminate(self) -> None:
        if not self.gate.is_closed:
            self.gate.loop.call_soon(self.gate.cut, self)


class Transaction:
    """A transaction that SQLAlchemy began."""

    def __init__(self, connection: Connection, isolation: str | None) -> None:
        self._connection = connection
        level = f" ISOLATION LEVEL {isolation.replace('_', ' ')}" if isolation else ""
        self.start = partial(connection.execute, f"BEGIN{level}")
        self.commit = partial(connection.execute, "COMMIT")
        self.rollback = partial(connection.execute, "ROLLBACK")


class Prepared:
    """A prepared statement."""

    def __init__(self, connection: Connection, query: str, statement: Any) -> None:
        self._connection = connection
        self._query = query
        self._statement = statement
        self.get_attributes = statement.get_attributes
        self._status = ""

    def get_statusmsg(self) -> str:
        return self._status

    async def fetch(self, *values: Any) -> Any:
        async def work(real: Real) -> Any:
            rows = await self._statement.fetch(*values)
            return rows, self._statement.get_statusmsg()

        rows, self._status = await self._operate(f"{values!r}", work)
        if self._query.startswith("NOTIFY "):
            self._connection.gate.notify(self._connection.real.database, self._query[7:])
        return rows

    async def cursor(self, *values: Any) -> "Cursor":
        async def work(real: Real) -> Any:
            return await self._statement.cursor(*values)

        return Cursor(self._connection, await self._operate(f"cursor {values!r}", work))

    async def _operate(self, told: str, work: Work) -> Any:
        return await self._connection.gate.operate(
            self._connection, f"{_brief(self._query)} {told}", work
        )


class Cursor:
    """Rows that come as they are asked for."""

    def __init__(self, connection: Connection, cursor: Any) -> None:
        self._connection = connection
        self._cursor = cursor

    async def fetch(self, count: int) -> Any:
        async def work(real: Real) -> Any:
            return await self._cursor.fetch(count)

        return await self._connection.gate.operate(self._connection, f"fetch {count}", work)


def _brief(query: str) -> str:
    return " ".join(query.split())
