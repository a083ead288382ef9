"""What the world's clients do: write, begin deals, approve and abandon them, rebuild a copy, and
follow the feed all along. Then troubles end, and the world comes to rest.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import copies, feed, inbox, process
from chassis.db import commit
from chassis.idempotency import Claim
from chassis.process import ProcessRow
from chassis.runtime import Runtime
from contracts.ids import new_id
from contracts.problems import Conflict, Problem
from services.chassis.tests.simulation.mirror import COPY, MIRRORED
from services.chassis.tests.simulation.source import (
    SHELF,
    STOCK,
    THINGS,
    VERDICTS,
    ThingChanged,
    ThingCounted,
    queue_up,
    tell,
)
from services.chassis.tests.simulation.world import World

PATIENCE_SECONDS = 20.0
LONGEST_SECONDS = 900.0
_UNSENT = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_UNENDED = "SELECT count(*) FROM processes WHERE ended_at IS NULL"
_PENDING = "SELECT count(*) FROM inbox WHERE status IN ('retrying', 'waiting')"
_UNFILLED = "SELECT 1 - count(*) FROM copies"
_OUTAGES = (Problem, SQLAlchemyError, asyncpg.InterfaceError, asyncpg.PostgresError, OSError)

Work = Callable[[Runtime], Awaitable[Any]]


class RolledBack(Exception):
    """A client changed its mind."""


class Story:
    """The clients, and what they know for sure afterwards."""

    def __init__(self, world: World, outside: AsyncEngine) -> None:
        self.world = world
        self.followed: list[str] = []
        self.committed: set[UUID] = set()
        self.rolled_back: set[UUID] = set()
        self.answered: dict[int, UUID] = {}
        self.abandoned: set[UUID] = set()
        self._outside = outside.execution_options(isolation_level="AUTOCOMMIT")
        self._random = world.draw("story")

    async def play(self) -> None:
        """The whole story, until nothing is left to do."""
        world, plan = self.world, self.world.plan
        for name, count in (("source", plan.sources), ("mirror", plan.mirrors)):
            for _ in range(count):
                world.later(self._random.uniform(0, 2), world.start, name)
        over = asyncio.Event()
        following = asyncio.create_task(self._follow(over))
        clients = [asyncio.create_task(self._write(number)) for number in range(plan.writes)]
        clients += [asyncio.create_task(self._deal(number)) for number in range(plan.deals)]
        if plan.rebuilds:
            clients.append(asyncio.create_task(self._rebuild()))
        await asyncio.sleep(plan.trouble_seconds)
        world.calm()
        await asyncio.gather(*clients)
        await self._rest("calm")
        await self._replay()
        await self._rest("replayed")
        over.set()
        await following

    async def _write(self, number: int) -> None:
        """Change a thing, or count one, or both; or change one's mind."""
        random = self.world.draw(f"write {number}")
        await asyncio.sleep(random.uniform(0, self.world.plan.work_seconds))
        key = f"thing-{random.randrange(self.world.plan.things)}"
        kinds = random.choice(("state", "effect", "both"))
        changes_mind = random.random() < 0.2
        told: set[UUID] = set()

        async def change(runtime: Runtime) -> None:
            async with runtime.sessions() as session:
                await queue_up(session, key)
                row = (
                    await session.execute(
                        select(THINGS).where(THINGS.c.key == key).with_for_update()
                    )
                ).one()
                sequence = row.sequence
                if kinds != "effect":
                    sequence += 1
                    data = ThingChanged(
                        key=key,
                        sequence=sequence,
                        value=random.randrange(1_000),
                        is_gone=random.random() < 0.2,
                    )
                    now = data.model_dump()
                    await session.execute(update(THINGS).where(THINGS.c.key == key).values(now))
                    told.add(await tell(session, data, subject=key, sequence=sequence))
                if kinds != "state":
                    counted = ThingCounted(amount=1)
                    told.add(await tell(session, counted, subject=key, sequence=sequence))
                if changes_mind:
                    await session.flush()
                    raise RolledBack
                await commit(session, "simulation")

        try:
            is_done = await self._ask("source", change, times=1) is not None
        except RolledBack:
            self.rolled_back |= told
        else:
            if is_done:
                self.committed |= told

    async def _deal(self, number: int) -> None:
        """Begin a deal under one key until it is answered; maybe approve it, maybe abandon it."""
        random = self.world.draw(f"deal {number}")
        plan = self.world.plan
        await asyncio.sleep(random.uniform(0, plan.work_seconds))
        waits = random.choice((0, 0, 3, 20))
        data = {
            "number": number,
            "refused_at": random.choice((None, None, None, "reserve", "hold", "place")),
            "waits": waits,
        }

        async def begin(runtime: Runtime) -> UUID:
            claim = Claim(f"deal {number}".encode(), b"the same")
            row = await process.start(
                runtime, self._deals(runtime), process_id=new_id(), key=claim, data=data
            )
            until = runtime.clock.now() + timedelta(seconds=random.choice((0.1, 10)))
            return (await process.drive(runtime, row, until=until)).id

        twin = asyncio.create_task(self._again(begin, random))
        others = []
        if waits and random.random() < 0.8:
            others.append(asyncio.create_task(self._approve(number, random)))
        if random.random() < 0.2:
            others.append(asyncio.create_task(self._abandon(number, random)))
        self.answered[number] = await self._ask("source", begin)
        await asyncio.gather(twin, *others)

    async def _again(self, begin: Work, random: Random) -> None:
        """The same request once more, as from an impatient client."""
        if random.random() < 0.3:
            await asyncio.sleep(random.uniform(0, 5))
            await self._ask("source", begin, times=1)

    async def _approve(self, number: int, random: Random) -> None:
        await asyncio.sleep(random.uniform(0, 40))
        is_yes = random.random() < 0.7

        async def approve(runtime: Runtime) -> bool:
            async with runtime.sessions() as session:
                process_id = await self._find_deal(session, number)
                verdict = insert_or_not(VERDICTS).values(number=number, is_yes=is_yes)
                await session.execute(verdict.on_conflict_do_nothing())
                if process_id is not None:
                    await process.resume(session, process_id, now=runtime.clock.now())
                await commit(session, "simulation")
            return True

        await self._ask("source", approve)

    async def _abandon(self, number: int, random: Random) -> None:
        await asyncio.sleep(random.uniform(0, 20))
        reason = Conflict("The client went away.")

        async def abandon(runtime: Runtime) -> UUID | None:
            async with runtime.sessions() as session:
                process_id = await self._find_deal(session, number)
                if process_id is None:
                    return None
                is_in_time = await process.abandon(
                    session,
                    self._deals(runtime),
                    process_id,
                    problem=reason,
                    now=runtime.clock.now(),
                )
                await commit(session, "simulation")
            return process_id if is_in_time else None

        process_id = await self._ask("source", abandon, times=1)
        if process_id is not None:
            self.abandoned.add(process_id)

    @staticmethod
    async def _find_deal(session: Any, number: int) -> Any:
        return await session.scalar(
            select(ProcessRow.id).where(ProcessRow.data["number"].as_integer() == number)
        )

    @staticmethod
    def _deals(runtime: Runtime) -> process.Process:
        return runtime.service.processes[0]

    async def _rebuild(self) -> None:
        """Rebuild the copy, in which somebody had left what the source never had."""
        await asyncio.sleep(self._random.uniform(0, self.world.plan.work_seconds))

        async def rebuild(runtime: Runtime) -> bool:
            if not await copies.rebuild(runtime, COPY):
                raise Conflict("Another one is at it.")
            return True

        await self._ask("mirror", rebuild)

    async def _replay(self) -> None:
        """Replay every dead letter, once what was wrong with it is mended."""
        self.world.is_cured = True

        async def replay(runtime: Runtime) -> bool:
            consumers = {one.queue: one for one in runtime.service.consumers}
            async with runtime.sessions() as session:
                now = runtime.clock.now()
                for letter in await inbox.list_dead(session):
                    if (letter.queue, letter.event_id) not in self.world.poisoned:
                        self.world.accuse(f"{letter.queue} has a dead letter {letter.event_id}")
                    await inbox.replay(session, consumers[letter.queue], letter.event_id, now=now)
                await commit(session, "simulation")
            return True

        await self._ask("mirror", replay)

    async def _follow(self, over: asyncio.Event) -> None:
        """Read the source's feed all along, as a stranger does."""
        random = self.world.draw("follower")
        position = 0
        while True:
            is_last = over.is_set()
            async with self._outside.connect() as connection:
                stretch = await feed.read(connection, after=position, limit=random.randint(1, 5))
            self.followed += stretch.events
            if is_last and stretch.next == position:
                return
            position = stretch.next
            if not is_last:
                await asyncio.sleep(random.uniform(0.1, 3))

    async def _ask(self, name: str, work: Work, *, times: int = 1_000) -> Any:
        """Ask one process of a service after the other until one answers; None if none did."""
        for _ in range(times):
            node = self.world.pick(name)
            if node is not None:
                task = node.spawn(_as_task(work, node.runtime))
                node.asked.append(task)
                done, _ = await asyncio.wait([task], timeout=PATIENCE_SECONDS)
                if done:
                    failure = task.exception()
                    if failure is None:
                        return task.result()
                    if isinstance(failure, RolledBack):
                        raise failure
                    if not isinstance(failure, _OUTAGES):
                        self.world.accuse(f"{name} fails with {failure!r}")
            await asyncio.sleep(self._random.uniform(0.1, 2))
        return None

    async def _rest(self, when: str) -> None:
        """Wait until nothing is left to do."""
        until = self.world.loop.time() + LONGEST_SECONDS
        while left := await self._left():
            if self.world.loop.time() > until:
                self.world.accuse(f"{when}, but not at rest after hours: {left}")
                return
            await asyncio.sleep(2)

    async def _left(self) -> list[str]:
        """What is still to be done."""
        found: asyncio.Future[list[str]] = self.world.loop.create_future()
        self.world.loop.call_soon(lambda: found.set_result(self._look()))
        return await found

    def _look(self) -> list[str]:
        server, databases = self.world.garage.server, self.world.garage.databases
        left = []
        for name, question in (
            ("source", _UNSENT),
            ("source", _UNENDED),
            ("mirror", _PENDING),
            ("mirror", _UNFILLED),
        ):
            count = server.query(databases[name], question)[0][0]
            if count:
                left.append(f"{name}: {question} is {count}")
        if not all(task.done() for node in self.world.nodes for task in node.asked):
            left.append("somebody is still answering a client")
        if not self.world.broker.is_empty:
            left.append("the broker has messages")
        if self.world.bank.late:
            left.append("calls to the bank are on their way")
        return left


async def _as_task(work: Work, runtime: Runtime) -> Any:
    return await work(runtime)


def prepare(world: World) -> None:
    """What is there at the beginning: things that nobody told of, and a copy with a lie in it."""
    server, databases = world.garage.server, world.garage.databases
    values = ", ".join(
        f"('thing-{number}', 1, {number}, false)" for number in range(world.plan.things)
    )
    server.execute(
        databases["source"],
        f"INSERT INTO {THINGS.name} VALUES {values}; INSERT INTO {SHELF.name} VALUES ({STOCK})",
    )
    if world.plan.rebuilds:
        server.execute(
            databases["mirror"],
            f"INSERT INTO {MIRRORED.name} VALUES"
            " ('phantom', 7, 7, false), ('thing-0', 1, 99, false)",
        )
