"""The service `mirror` of the simulation: it consumes what the source tells, into a ledger of
effects and a copy of the things. Effects have no unique key: what happens twice is seen twice.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.copies import Copy, CopyTable
from chassis.inbox import Consumer
from chassis.service import Service
from chassis.settings import DatabaseSettings
from contracts.envelope import Event
from services.chassis.tests.simulation.source import (
    SNAPSHOT,
    ThingChanged,
    ThingCounted,
    table_of_things,
)

if TYPE_CHECKING:
    from services.chassis.tests.simulation.world import World

COPY_QUEUE, LEDGER_QUEUE = "mirror.copy", "mirror.ledger"
TOPOLOGY = {
    LEDGER_QUEUE: (ThingCounted.type, ThingChanged.type),
    COPY_QUEUE: (ThingChanged.type,),
}
TABLES = MetaData()
MIRRORED = table_of_things("mirrored", TABLES)
EFFECTS = Table(
    "effects",
    TABLES,
    Column("n", BigInteger, Identity(), primary_key=True),
    Column("queue", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)
_PENDING = text(
    "SELECT event_id, status FROM inbox WHERE queue = :queue AND subject = :subject"
    " AND status IN ('retrying', 'waiting')"
)


async def apply_things(session: AsyncSession, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write things of a snapshot or an event into the copy."""
    rows = [{name: line[name] for name in ThingChanged.model_fields} for line in lines]
    await copies.apply_newer(session, MIRRORED, rows, keys=["key"])


COPY = Copy(
    name="things",
    neighbour="source",
    snapshot=SNAPSHOT.type,
    queue=COPY_QUEUE,
    apply=apply_things,
    tables=(CopyTable(MIRRORED, ("key",), tombstone="is_gone"),),
)


class Consuming:
    """The mirror's handlers."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.consumers = (
            Consumer(LEDGER_QUEUE, {ThingCounted: self.enter, ThingChanged: self.enter}),
            Consumer(COPY_QUEUE, {ThingChanged: self.copy}),
        )

    async def enter(self, session: AsyncSession, event: Event[Any], /) -> None:
        """An effect in a ledger."""
        await self._apply(session, LEDGER_QUEUE, event)

    async def copy(self, session: AsyncSession, event: Event[ThingChanged], /) -> None:
        """A newer state of a thing."""
        await apply_things(session, [event.data.model_dump()])
        await self._apply(session, COPY_QUEUE, event)

    async def _apply(self, session: AsyncSession, queue: str, event: Event[Any]) -> None:
        await session.execute(
            insert(EFFECTS).values(
                queue=queue,
                event_id=str(event.id),
                subject=event.subject,
                sequence=event.sequence,
            )
        )
        await self._check_turn(session, queue, event)
        failure = self._world.trouble_of(queue, event.id)
        if failure is not None:
            raise failure

    async def _check_turn(self, session: AsyncSession, queue: str, event: Event[Any]) -> None:
        """Nothing else of the subject is being retried; what comes first waits behind nobody."""
        found = await session.execute(_PENDING, {"queue": queue, "subject": event.subject})
        pending = {row.event_id: row.status for row in found}
        is_retried = pending.pop(event.id, None) is not None
        if "retrying" in pending.values() or (pending and not is_retried):
            self._world.accuse(f"{queue}: {event.subject}/{event.sequence} goes before its turn")


def service(world: "World") -> Service:
    """The service that consumes, as this world knows it."""
    return Service(
        name="mirror",
        title="Mirror",
        summary="Effects and copies.",
        settings=DatabaseSettings,
        migrations="shelf.migrations",
        consumers=Consuming(world).consumers,
        copies=(COPY,),
    )
