"""The way to the database: one operation at a time, in an order that the seed decides.

A `Gate` stands in for `asyncpg.connect`: each operation of a simulated connection waits for its
turn in the virtual loop, is then carried out at once while the simulated world stands still, and
its answer waits for a turn again.

An operation that waits for a lock is parked: PostgreSQL says so (`pg_locks`), no timer does. After
each other operation the parked ones are looked at again. Time limits of locks are virtual seconds.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from asyncpg.cursor import Cursor

from services.chassis.tests.simulation.driver import Connection, Listener
from services.chassis.tests.simulation.loop import WORLD, Domain, VirtualLoop
from services.chassis.tests.simulation.server import Server, Work


@dataclass(eq=False)
class Operation:
    """Something that a simulated connection asks of the database."""

    connection: "Connection"
    told: str
    work: Work
    limit: float | None
    answer: "asyncio.Future[Any]"
    task: "asyncio.Task[Any] | None" = None
    timer: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class Gate:
    """The database as one simulated world sees it.

    `loses` is asked before each operation whether its connection breaks: `before` the operation,
    `after` it (its effect stays, its answer is lost), or not at all (None); `delay` is asked how
    long an operation is on its way.
    """

    server: Server
    loop: VirtualLoop
    note: Callable[[str], None]
    loses: Callable[["Connection"], str | None]
    delay: Callable[["Connection"], float]
    is_closed: bool = False
    operations: int = 0
    races: int = 0
    """How often several waited for one row, or were set free at once: PostgreSQL then decided."""
    parked: list[Operation] = field(default_factory=list)
    open: list["Connection"] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    _made: int = 0

    async def connect(
        self, *_: Any, database: str, server_settings: Mapping[str, str], **__: Any
    ) -> "Connection":
        """What `asyncpg.connect` does."""
        answer: asyncio.Future[Connection] = self.loop.create_future()
        self.loop.call_soon(self._connect, database, server_settings, answer)
        return await answer

    def _connect(
        self, database: str, limits: Mapping[str, str], answer: "asyncio.Future[Connection]"
    ) -> None:
        if self.is_closed:
            _fail(answer, OSError("the simulation is over"))
            return
        self._made += 1
        made = Connection(self, self.server.take(database), self._made, limits)
        self.open.append(made)
        self.note(f"{made} connects")
        if answer.cancelled():
            self.cut(made)
        else:
            answer.set_result(made)

    async def operate(
        self, connection: "Connection", told: str, work: Work, limit: float | None = None
    ) -> Any:
        """Wait for a turn, do it, wait for a turn."""
        answer: asyncio.Future[Any] = self.loop.create_future()
        operation = Operation(connection, told, work, limit, answer)
        self.loop.call_later(self.delay(connection), self._perform, operation)
        try:
            return await answer
        except asyncio.CancelledError:
            if operation in self.parked:
                self.loop.call_soon(self.cut, connection, context=WORLD)
            raise

    def _perform(self, operation: Operation) -> None:
        connection = operation.connection
        if operation.answer.done():
            return
        if self.is_closed or connection.is_cut:
            _fail(operation.answer, asyncpg.InterfaceError("connection is closed"))
            return
        self.operations += 1
        loss = self.loses(connection)
        if loss == "before":
            self._lose(operation)
            return
        operation.task = self.server.begin(connection.real, operation.work)
        while not operation.task.done():
            waiting = self.server.waiting([connection.real.pid])
            if waiting:
                self.races += "tuple" in waiting.values()
                self._park(operation)
                return
            self.server.glance([operation.task])
        if loss == "after":
            self._tell(operation)
            self._lose(operation)
        else:
            self._finish(operation)
            self._look_at_parked()

    def _park(self, operation: Operation) -> None:
        self.note(f"{operation.connection} waits for a lock: {operation.told}")
        self.parked.append(operation)
        seconds = operation.limit or operation.connection.lock_seconds
        if seconds:
            operation.timer = self.loop.call_later(seconds, self._expire, operation, context=WORLD)

    def _expire(self, operation: Operation) -> None:
        """The server, or the driver, waits no longer."""
        if operation not in self.parked:
            return
        assert operation.task is not None
        self.server.cancel(operation.connection.real, operation.task)
        self.parked.remove(operation)
        self._finish(operation)
        self._look_at_parked()

    def _look_at_parked(self) -> None:
        """Finish those that got their lock, once all that are left wait for one again."""
        done: list[Operation] = []
        left = self.parked
        while left:
            waiting = self.server.waiting([one.connection.real.pid for one in left])
            free = [one for one in left if one.connection.real.pid not in waiting]
            if not free:
                break
            self.server.glance([one.task for one in free if one.task])
            done += [one for one in free if one.task and one.task.done()]
            left = [one for one in left if one not in done]
        self.races += len(done) > 1
        for operation in [one for one in self.parked if one in done]:
            self.parked.remove(operation)
            self._finish(operation)

    def _finish(self, operation: Operation) -> None:
        self._tell(operation)
        if operation.timer is not None:
            operation.timer.cancel()
        task = operation.task
        assert task is not None
        failure = task.exception()
        if operation.answer.done():
            return
        if failure is None:
            operation.answer.set_result(task.result())
        else:
            operation.answer.set_exception(failure)

    def _tell(self, operation: Operation) -> None:
        assert operation.task is not None
        failure = operation.task.exception()
        outcome = _plain(operation.task.result() if failure is None else failure)
        self.note(f"{operation.connection} {operation.told} -> {outcome}")

    def _lose(self, operation: Operation) -> None:
        self.note(f"{operation.connection} is lost: {operation.told}")
        self.cut(operation.connection)
        _fail(
            operation.answer,
            asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        )

    def cut(self, connection: "Connection") -> None:
        """End a connection for the server too: its transaction is undone, its locks are free."""
        if connection.is_cut:
            return
        connection.is_cut = True
        self.open.remove(connection)
        self.listeners = [one for one in self.listeners if one.connection is not connection]
        for operation in [one for one in self.parked if one.connection is connection]:
            self.parked.remove(operation)
            assert operation.task is not None
            self.server.cancel(connection.real, operation.task)
            operation.task.exception()
            if operation.timer is not None:
                operation.timer.cancel()
            _fail(operation.answer, asyncpg.ConnectionDoesNotExistError("connection was closed"))
        self.server.give_back(connection.real)
        self.note(f"{connection} ends")
        for listener, context in connection.termination_listeners:
            self.loop.call_soon(listener, connection, context=context)
        self._look_at_parked()

    def cut_all(self, node: Domain | None) -> None:
        """End all connections of a node."""
        for connection in [one for one in self.open if one.node is node]:
            self.cut(connection)

    def time_out(self, node: Domain, seconds: float) -> None:
        """The node has been silent so long: the server ends what it left in a transaction."""
        for connection in [one for one in self.open if one.node is node]:
            is_idle = connection.real.connection.is_in_transaction() and not any(
                one.connection is connection for one in self.parked
            )
            if is_idle and 0 < connection.idle_seconds <= seconds:
                self.cut(connection)

    def notify(self, database: str, channel: str) -> None:
        """Deliver a NOTIFY; asyncpg would, some time later."""
        for listener in self.listeners:
            if listener.channel == channel and listener.connection.real.database == database:
                self.loop.call_soon(listener.hear, context=listener.context)


def _fail(answer: "asyncio.Future[Any]", failure: Exception) -> None:
    if not answer.done():
        answer.set_exception(failure)


def _plain(outcome: Any) -> str:
    """What came of an operation, without what differs from run to run."""
    return (
        ""
        if type(outcome).__module__.startswith("asyncpg.prepared") or isinstance(outcome, Cursor)
        else repr(outcome)
    )
