"""Dead letters over HTTP: list them, mend them, replay them. What they are says `chassis.inbox`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import inbox
from chassis.auth import Needs
from chassis.clock import Now
from chassis.db import Session
from chassis.idempotency import IdempotentRoute
from chassis.inbox import Consumer, InboxRow
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from contracts.dead_letters import DeadLetter, MendDeadLetter
from contracts.paging import Page
from contracts.problems import Invalid, NotFound

READ, WRITE = "dead_letters:read", "dead_letters:write"


class QueueUnknown(NotFound):
    """The service has no such queue."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"There is no queue {queue}.")


class EventIdFixed(Invalid):
    """A mended event keeps the id of its letter, or it could be done twice."""

    def __init__(self) -> None:
        super().__init__("must be the id of the dead letter", field="/event/id")


Queue = Annotated[str, Path(description="The queue.", examples=["pricing.stores"])]
EventId = Annotated[
    UUID, Path(description="The event's id.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
]


def create_router(consumers: Sequence[Consumer]) -> APIRouter:
    """The routes of a service with these consumers."""
    router = APIRouter(
        prefix="/v1/dead-letters", tags=["dead letters"], route_class=IdempotentRoute
    )
    by_queue = {consumer.queue: consumer for consumer in consumers}

    def consumer_of(queue: str) -> Consumer:
        if queue not in by_queue:
            raise QueueUnknown(queue)
        return by_queue[queue]

    @router.get("", dependencies=[Needs(READ)])
    async def list_dead_letters(
        session: Session,
        queue: Annotated[
            str | None, Query(description="Only of this queue.", examples=["pricing.stores"])
        ] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[DeadLetter]:
        """List events that were given up, oldest first."""
        if queue is not None:
            consumer_of(queue)
        start = None if after is None else _place(after)
        rows = await inbox.list_dead(session, queue=queue, after=start, limit=limit)
        last = rows[-1] if len(rows) == limit else None
        return Page[DeadLetter](
            items=[_as_letter(row) for row in rows],
            next=None if last is None else encode_cursor(last.received_at, last.event_id),
        )

    @router.get("/{queue}/{event_id}", dependencies=[Needs(READ)])
    async def get_dead_letter(queue: Queue, event_id: EventId, session: Session) -> DeadLetter:
        """Read one event that was given up."""
        return _as_letter(await _get(session, consumer_of(queue), event_id))

    @router.put("/{queue}/{event_id}", dependencies=[Needs(WRITE)])
    async def mend_dead_letter(
        queue: Queue, event_id: EventId, mended: MendDeadLetter, session: Session
    ) -> DeadLetter:
        """Replace what the event says; it must be one that the queue can take."""
        consumer = consumer_of(queue)
        if mended.event.id != event_id:
            raise EventIdFixed
        body = mended.event.model_dump_json()
        inbox.read_event(consumer, body)
        await inbox.mend(session, queue, event_id, event=body)
        return _as_letter(await _get(session, consumer, event_id))

    @router.post("/{queue}/{event_id}/replay", status_code=202, dependencies=[Needs(WRITE)])
    async def replay_dead_letter(
        queue: Queue, event_id: EventId, session: Session, now: Now
    ) -> None:
        """Try the event again, soon, with all its attempts."""
        await inbox.replay(session, consumer_of(queue), event_id, now=now)

    return router


async def _get(session: AsyncSession, consumer: Consumer, event_id: UUID) -> InboxRow:
    row = await session.get(InboxRow, (consumer.queue, event_id), populate_existing=True)
    if row is None or row.status != inbox.DEAD:
        raise inbox.EventNotDead(consumer.queue, event_id)
    return row


def _place(after: str) -> tuple[datetime, UUID]:
    received_at, event_id = decode_cursor(after, datetime, UUID)
    return received_at, event_id


def _as_letter(row: InboxRow) -> DeadLetter:
    return DeadLetter(
        queue=row.queue,
        event_id=row.event_id,
        type=row.type,
        subject=row.subject,
        sequence=row.sequence,
        attempts=row.attempts,
        last_error=row.last_error or "",
        event=row.event or "",
        received_at=row.received_at,
    )
