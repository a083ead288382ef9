"""The simulated world: nodes that run the chassis' own roles, and what befalls them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any, cast
from uuid import UUID

from chassis import copies, feed, inbox, process, relay
from chassis.clock import Clock
from chassis.db import create_sessions
from chassis.http import NeighbourUnavailable
from chassis.runtime import Runtime
from chassis.wake import Wake
from contracts.problems import Invalid, Unavailable
from services.chassis.tests.simulation import mirror, source
from services.chassis.tests.simulation.bank import Bank
from services.chassis.tests.simulation.broker import CALM, Broker, SimulatedBus
from services.chassis.tests.simulation.driver import Connection
from services.chassis.tests.simulation.garage import Engines, Garage
from services.chassis.tests.simulation.gate import Gate
from services.chassis.tests.simulation.loop import NODE, WORLD, Domain, VirtualLoop
from services.chassis.tests.simulation.plan import Plan

BEGINNING = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_DRAIN_SECONDS = 20.0
_IDLE_SECONDS = 30.0
_SILENCE_SECONDS = 60.0
_ROLES: dict[str, tuple[Callable[..., Coroutine[Any, Any, None]], ...]] = {
    "source": (relay.run, process.run),
    "mirror": (inbox.run, copies.run),
}


class VirtualClock(Clock):
    """Goes with the loop, a little wrong."""

    def __init__(self, loop: VirtualLoop, skew_seconds: float = 0.0) -> None:
        self._loop = loop
        self._skew = skew_seconds

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self._loop.time() + self._skew)


class Node(Domain):
    """One process of a service."""

    def __init__(self, name: str, runtime: Runtime) -> None:
        super().__init__(name)
        self.runtime = runtime
        self.engines = Engines(runtime.engine, runtime.direct)
        self.stop = asyncio.Event()
        self.roles: list[asyncio.Task[None]] = []
        self.asked: list[asyncio.Task[Any]] = []
        self._context = Context()
        self._context.run(NODE.set, self)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Do something as part of this process."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())


@dataclass(eq=False)
class World:
    """Everything there is in a simulated story."""

    seed: int
    plan: Plan
    loop: VirtualLoop
    garage: Garage
    tail: deque[str]
    gate: Gate = field(init=False)
    accusations: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    attempts: dict[tuple[str, UUID], int] = field(default_factory=dict)
    poisoned: set[tuple[str, UUID]] = field(default_factory=set)
    is_calm: bool = False
    is_cured: bool = False

    def __post_init__(self) -> None:
        self._digest = sha256()
        self._width = None if self.tail.maxlen is None else 200
        self._random = self.draw("troubles")
        self._next_trouble = self._random.randint(1, self.plan.steps_between)
        self._starts = 0
        self._dead: list[Node] = []
        self.clock = VirtualClock(self.loop)
        self.gate = Gate(self.garage.server, self.loop, self.note, self._loses, self._delay)
        self.broker = Broker(mirror.TOPOLOGY, self.draw("broker"), self.note)
        self.broker.weather = self.plan.weather
        self.bank = Bank(self.draw("bank"), self.note)
        self.bank.trouble = self.plan.bank_trouble
        self.loop.on_step = self._step
        self._settings = {
            name: self.garage.settings(
                name,
                sweep_seconds=self.plan.sweep_seconds,
                lease_seconds=self.plan.lease_seconds,
                relay_window=self.plan.relay_window,
                inbox_longest_retry_seconds=20.0,
            )
            for name in _ROLES
        }
        self._services = {
            "source": source.service(self, deadline=timedelta(seconds=self.plan.deadline_seconds)),
            "mirror": mirror.service(self),
        }

    @property
    def digest(self) -> str:
        """A hash of all that happened."""
        return sha256(f"{self._digest.hexdigest()} {self.loop.choices}".encode()).hexdigest()

    def draw(self, what: object) -> Random:
        """A source of chance of its own for each thing."""
        return Random(f"{self.seed} {what}")

    def now(self) -> datetime:
        """The true time."""
        return self.clock.now()

    def note(self, line: str) -> None:
        """Write the trace."""
        self._digest.update(f"{self.loop.time():.6f} {line}\n".encode())
        self.tail.append(f"{self.loop.steps} {self.loop.time():.3f} {line[: self._width]}")

    def accuse(self, what: str) -> None:
        """Something happened that must not."""
        self.note(f"ACCUSED: {what}")
        self.accusations.append(what)

    def trouble_of(self, queue: str, event_id: UUID) -> Exception | None:
        """How a handler fails at this event now, if it does."""
        random = self.draw(f"{queue} {event_id}")
        if random.random() < self.plan.poison and not self.is_cured:
            self.poisoned.add((queue, event_id))
            return Invalid("This is poison.")
        failures = random.randint(1, 3) if random.random() < self.plan.handler_trouble else 0
        attempt = self.attempts[queue, event_id] = self.attempts.get((queue, event_id), 0) + 1
        return Unavailable("Not now.") if attempt <= failures else None

    # Nodes

    def start(self, name: str) -> None:
        """A new process of a service."""
        self._starts += 1
        node = Node(f"{name}{self._starts}", self._open(name))
        self.nodes.append(node)
        self.note(f"{node.name} starts")
        for role in _ROLES[name]:
            node.roles.append(node.spawn(self._play(node, role)))

    def pick(self, name: str) -> Node | None:
        """One of a service's processes that run."""
        running = [one for one in self.nodes if one.runtime.service.name == name]
        return self._random.choice(running) if running else None

    def kill(self, node: Node) -> None:
        """The process is gone, whatever it was at; another one comes some time later."""
        if node.is_dead:
            return
        self.note(f"{node.name} is killed")
        node.is_dead = True
        self.nodes.remove(node)
        self._dead.append(node)
        self.gate.cut_all(node)
        self.garage.give_back(node.runtime.service.name, node.engines)
        self.broker.forget(node)
        self.later(self._random.uniform(0.1, 8), self.start, node.runtime.service.name)

    def later(self, seconds: float, what: Callable[..., object], *values: Any) -> None:
        """Let something happen that belongs to no node."""
        self.loop.call_later(seconds, what, *values, context=WORLD)

    def _open(self, name: str) -> Runtime:
        engines = self.garage.take(name)
        random = self.draw(f"node {self._starts}")
        skew = random.uniform(-self.plan.skew_seconds, self.plan.skew_seconds)
        clock = VirtualClock(self.loop, skew)
        wake = Wake(engines.pooled)
        nobody = cast(Any, None)
        return Runtime(
            clock=clock,
            signer=nobody,
            verifier=nobody,
            neighbours=cast(Any, {"source": SnapshotNeighbour(self)}),
            service=self._services[name],
            settings=self._settings[name],
            engine=engines.pooled,
            reader=engines.pooled.execution_options(isolation_level="AUTOCOMMIT"),
            direct=engines.direct,
            sessions=create_sessions(engines.pooled, wake=wake, clock=clock),
            bus=SimulatedBus(self.broker, random),
            wake=wake,
            random=random,
        )

    async def _play(self, node: Node, role: Callable[..., Awaitable[None]]) -> None:
        while not node.stop.is_set():
            try:
                await role(node.runtime, stop=node.stop)
            except Exception as error:
                self.accuse(f"{node.name}: {role.__module__} broke: {error!r}")
                await asyncio.sleep(1)

    async def _drain(self, node: Node) -> None:
        """What a platform does: asks the process to stop, and kills it if it does not."""
        node.stop.set()
        _, late = await asyncio.wait(node.roles, timeout=_DRAIN_SECONDS)
        self.note(f"{node.name} stopped" if not late else f"{node.name} did not stop in time")
        self.kill(node)

    # Troubles

    def calm(self) -> None:
        """From here on nothing goes wrong any more."""
        self.note("calm")
        self.is_calm = True
        self.broker.weather = CALM
        self.bank.trouble = 0.0
        if self.broker.is_down:
            self.broker.come_up()
        for node in self.nodes:
            if node.is_resting:
                self.loop.wake(node)

    def _step(self) -> None:
        if self.is_calm or self.loop.steps < self._next_trouble or not self.plan.kinds:
            return
        self._next_trouble = self.loop.steps + self._random.randint(1, self.plan.steps_between)
        kind = self._random.choice(self.plan.kinds)
        if kind == "outage":
            if not self.broker.is_down:
                self.broker.go_down()
                self.later(self._random.uniform(0.5, 12), self.broker.come_up)
        elif self.nodes:
            self._hit(kind, self._random.choice(self.nodes))

    def _hit(self, kind: str, node: Node) -> None:
        if kind == "crash":
            self.kill(node)
        elif kind == "rest" and not node.is_resting:
            seconds = self._random.uniform(0.5, 45)
            self.note(f"{node.name} rests for {seconds:.3f}")
            self.loop.rest(node)
            self.later(seconds, self._wake, node)
            self.later(_IDLE_SECONDS, self._time_out, node)
        elif kind == "stop" and not node.stop.is_set():
            self.note(f"{node.name} is asked to stop")
            self.loop.create_task(self._drain(node), context=Context())
        elif kind == "cut all":
            self.gate.cut_all(node)
        elif kind == "cut":
            connections = [one for one in self.gate.open if one.node is node]
            if connections:
                self.gate.cut(self._random.choice(connections))

    def _wake(self, node: Node) -> None:
        if not node.is_dead and node.is_resting:
            self.note(f"{node.name} goes on")
            self.loop.wake(node)

    def _time_out(self, node: Node) -> None:
        if node.is_resting:
            self.gate.time_out(node, _IDLE_SECONDS)

    def _loses(self, connection: Connection) -> str | None:
        if self.is_calm or connection.node is None or self._random.random() >= self.plan.loss:
            return None
        return self._random.choice(("before", "after"))

    def _delay(self, connection: Connection) -> float:
        if connection.node is None or self.gate.is_closed:
            return 0.0
        if not self.is_calm and self._random.random() < self.plan.stall:
            return self._random.uniform(0.5, 20)
        return self._random.uniform(0, self.plan.latency_seconds)

    # The end

    def close(self) -> None:
        """Unwind what is left of every node, without reaching the database any more."""
        for connection in list(self.gate.open):
            self.gate.cut(connection)
        self.gate.is_closed = True
        self.loop.on_step = lambda: None
        self.loop.is_unwinding = True
        for node in (*self.nodes, *self._dead):
            node.stop.set()
            self.loop.wake(node)
        self.loop.run_until_complete(_unwind())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        for node in self.nodes:
            self.garage.give_back(node.runtime.service.name, node.engines)
        self.loop.close()


async def _unwind() -> None:
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1)


class SnapshotNeighbour:
    """The source as the mirror reaches it: its snapshot, over a line that may break."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.draw("snapshot")

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """What `GET /v1/snapshots/things` streams."""
        node = self._world.pick("source")
        if node is None or path != f"/v1/snapshots/{source.SNAPSHOT.type}":
            raise NeighbourUnavailable("source", "no connection")
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        answering = node.spawn(self._answer(node.runtime, lines))
        try:
            yield self._read(lines)
        finally:
            answering.cancel()

    async def _answer(self, runtime: Runtime, lines: "asyncio.Queue[bytes | None]") -> None:
        async with aclosing(feed.stream_lines(runtime, "source", source.SNAPSHOT)) as stream:
            async for line in stream:
                lines.put_nowait(line)
        lines.put_nowait(None)

    async def _read(self, lines: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    line = await lines.get()
            except TimeoutError:
                raise NeighbourUnavailable("source", "no answer in time") from None
            if line is None:
                return
            if not self._world.is_calm and self._random.random() < 0.1:
                raise NeighbourUnavailable("source", "no connection")
            yield line
