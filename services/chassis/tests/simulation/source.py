"""The service `source` of the simulation: it owns things, tells of them, and makes deals.

Every event has a fact beside it, written in the same transaction, so that the checks know what
was committed.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    MetaData,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from chassis import outbox
from chassis.feed import Snapshot
from chassis.process import Go, Outcome, Process, ProcessRow, Refuse, Step, Undo, Wait
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.settings import DatabaseSettings
from contracts.envelope import EventData
from contracts.problems import Conflict

if TYPE_CHECKING:
    from services.chassis.tests.simulation.world import World

STOCK = 100
TABLES = MetaData()
_QUEUE_UP = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class ThingChanged(EventData):
    """A thing as it is now: whole."""

    type: ClassVar[str] = "tandem.source.thing.changed.v1"

    key: str
    sequence: int
    value: int
    is_gone: bool


class ThingCounted(EventData):
    """Something to be added up, once."""

    type: ClassVar[str] = "tandem.source.thing.counted.v1"

    amount: int


def table_of_things(name: str, metadata: MetaData) -> Table:
    """A table with what is told of a thing."""
    return Table(
        name,
        metadata,
        Column("key", Text, primary_key=True),
        Column("sequence", BigInteger, nullable=False),
        Column("value", BigInteger, nullable=False),
        Column("is_gone", Boolean, nullable=False),
    )


THINGS = table_of_things("things", TABLES)
FACTS = Table(
    "facts",
    TABLES,
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
SHELF = Table("shelf", TABLES, Column("pieces", BigInteger, nullable=False))
PLACED = Table("placed", TABLES, Column("process_id", Text, nullable=False))
VERDICTS = Table(
    "verdicts",
    TABLES,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("is_yes", Boolean, nullable=False),
)


async def queue_up(session: AsyncSession, name: str) -> None:
    """Wait in line for a row that many want.

    Of several that wait for a row PostgreSQL lets anyone go first, which no seed decides; an
    advisory lock goes to the one who came first.
    """
    await session.execute(_QUEUE_UP, {"name": name})


async def tell(session: AsyncSession, data: EventData, *, subject: str, sequence: int) -> UUID:
    """Add an event to the outbox, and the fact that it must come."""
    event_id = outbox.add(session, data, subject=subject, sequence=sequence)
    await session.execute(
        insert(FACTS).values(
            event_id=str(event_id), type=data.type, subject=subject, sequence=sequence
        )
    )
    return event_id


async def stream_things(connection: AsyncConnection) -> AsyncIterator[ThingChanged]:
    """The snapshot of all things, tombstones too."""
    async for row in await connection.stream(select(THINGS)):
        yield ThingChanged(key=row.key, sequence=row.sequence, value=row.value, is_gone=row.is_gone)


SNAPSHOT = Snapshot("things", ThingChanged, stream_things)


class Dealing:
    """The source's process: reserve (local), hold (a call), approve (waits), place (the pivot),
    tell (a call).
    """

    def __init__(self, world: "World", deadline: timedelta) -> None:
        self._world = world
        self.process = Process(
            kind="deal",
            steps=(
                Step("reserve", write=self.reserve, undo=Undo(write=self.unreserve)),
                Step(
                    "hold",
                    read=self.read,
                    call=self.call_hold,
                    write=self.held,
                    undo=Undo(read=self.read, call=self.call_release, write=self.released),
                ),
                Step("approve", write=self.approve),
                Step("place", write=self.place),
                Step("tell", read=self.read, call=self.call_capture, write=self.told),
            ),
            pivot="place",
            deadline=deadline,
        )

    async def read(self, session: AsyncSession, row: ProcessRow) -> tuple[str, bool]:
        return str(row.id), row.data["refused_at"] == "hold"

    async def reserve(self, session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
        self._check_place(row, "reserve")
        await queue_up(session, SHELF.name)
        await session.execute(update(SHELF).values(pieces=SHELF.c.pieces - 1))
        row.data["is_reserved"] = True
        return self._outcome(row)

    async def unreserve(self, session: AsyncSession, row: ProcessRow, _: Any) -> None:
        self._check_place(row, "reserve")
        if row.data.get("is_reserved"):
            await queue_up(session, SHELF.name)
            await session.execute(update(SHELF).values(pieces=SHELF.c.pieces + 1))
            row.data["is_reserved"] = False

    async def call_hold(self, runtime: Runtime, need: tuple[str, bool]) -> str:
        return await self._world.bank.hold(need[0], is_refused=need[1])

    async def held(self, session: AsyncSession, row: ProcessRow, reply: Any) -> Outcome:
        self._check_place(row, "hold")
        row.data["hold"] = reply
        return Go()

    async def call_release(self, runtime: Runtime, need: tuple[str, bool]) -> None:
        await self._world.bank.release(need[0])

    async def released(self, session: AsyncSession, row: ProcessRow, _: Any) -> None:
        self._check_place(row, "hold")

    async def approve(self, session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
        self._check_place(row, "approve")
        if not row.data["waits"]:
            return Go()
        found = await session.execute(
            select(VERDICTS.c.is_yes).where(VERDICTS.c.number == row.data["number"])
        )
        is_yes = found.scalar()
        if is_yes is None:
            return Wait(self._world.now() + timedelta(seconds=row.data["waits"]))
        return Go() if is_yes else Refuse(Conflict("Somebody said no."))

    async def place(self, session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
        self._check_place(row, "place")
        await session.execute(insert(PLACED).values(process_id=str(row.id)))
        await tell(session, ThingCounted(amount=1), subject=str(row.id), sequence=1)
        return self._outcome(row)

    async def call_capture(self, runtime: Runtime, need: tuple[str, bool]) -> None:
        await self._world.bank.capture(need[0])

    async def told(self, session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
        self._check_place(row, "tell")
        return Go({"deal": row.data["number"]})

    def _outcome(self, row: ProcessRow) -> Outcome:
        if row.data["refused_at"] == row.step:
            return Refuse(Conflict("This was refused."))
        return Go()

    def _check_place(self, row: ProcessRow, step: str) -> None:
        """Who holds the lease writes at the step where the process is."""
        if row.step != step:
            self._world.accuse(f"{row.id} is at {row.step}, but {step} is written")


def service(world: "World", *, deadline: timedelta) -> Service:
    """The service that owns things, as this world knows it."""
    return Service(
        name="source",
        title="Source",
        summary="Things and deals.",
        settings=DatabaseSettings,
        migrations="shelf.migrations",
        snapshots=(SNAPSHOT,),
        processes=(Dealing(world, deadline).process,),
    )
