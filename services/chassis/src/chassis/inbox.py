"""The inbox: what came by the bus, once. Effect and inbox row share a transaction, so that a
handler's effect happens once however often an event comes.

```
done      its effect is committed (only the ids are kept, to know duplicates)
retrying  the handler failed; tried again at next_attempt_at
waiting   came while an earlier event of its subject was retrying in this queue; goes after it
dead      given up: `Invalid` or `Forbidden` at once, others after the last attempt, and what
          cannot even be read; listed, mended and replayed through `chassis.dead_letters`
```
Per queue and subject at most one event is retrying, and waiting ones exist only behind it. All
moves happen under an advisory lock of queue and subject, taken first in the transaction, so that
many consumers may run side by side.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Row,
    Text,
    delete,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis import tracing
from chassis.backoff import Backoff, delay
from chassis.bus import first_of, pause
from chassis.db import ChassisBase, commit, problem_of
from chassis.logs import describe, get_logger
from chassis.wake import INBOX
from contracts.envelope import Event, EventData
from contracts.problems import Forbidden, Invalid, NotFound, Unavailable
from contracts.topology import QUEUES

if TYPE_CHECKING:
    from chassis.runtime import Runtime

DONE, RETRYING, WAITING, DEAD = "done", "retrying", "waiting", "dead"
_LONGEST_ERROR = 4_000
_LONGEST_SUBJECT = 512

log = get_logger(__name__)


# Text, for these run for every event: building them anew costs more than running them.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
_IS_PENDING = """
EXISTS (
    SELECT FROM inbox AS other
    WHERE other.queue = :queue AND other.subject = :subject
      AND other.status IN ('retrying', 'waiting')
)
"""
_REMEMBER = text(
    "UPDATE inbox SET done_at = :now WHERE queue = :queue AND event_id = :id AND status = 'done'"
)
_PENDING = text(f"SELECT {_IS_PENDING}")
_ENTER = text(
    f"""
    INSERT INTO inbox
        (queue, event_id, type, subject, sequence, status, attempts, received_at, done_at)
    VALUES (:queue, :event_id, :type, :subject, :sequence, 'done', 0, :now, :now)
    ON CONFLICT (queue, event_id) DO NOTHING
    RETURNING {_IS_PENDING}
    """  # noqa: S608
)


class Handler(Protocol):
    """Applies one event; the chassis commits. May run again after a failure, never after DONE."""

    def __call__(self, session: AsyncSession, event: Event[Any], /) -> Awaitable[None]: ...


class EventUnreadable(Invalid):
    """What came is not an event that this queue can take."""


class EventNotDead(NotFound):
    """There is no dead letter of that queue and id."""

    def __init__(self, queue: str, event_id: UUID) -> None:
        super().__init__(f"{queue} has no dead letter {event_id}.")


@dataclass(frozen=True)
class Consumer:
    """A feature that takes events: its queue, and a handler for each model of data.

    The queue and its types must be those that `contracts.topology` says.
    """

    queue: str
    handlers: Mapping[type[EventData], Handler]

    def __post_init__(self) -> None:
        if sorted(self.by_type) != sorted(QUEUES.get(self.queue, ())):
            raise ValueError(f"{self.queue}: contracts.topology lists other types for this queue")

    @property
    def by_type(self) -> dict[str, tuple[type[EventData], Handler]]:
        """Model and handler by the type that stands in the envelope."""
        return {model.type: (model, handler) for model, handler in self.handlers.items()}


class InboxRow(ChassisBase):
    """One event in one queue. `event` is kept until the effect is committed."""

    __tablename__ = "inbox"
    __table_args__ = (
        CheckConstraint("status IN ('done', 'retrying', 'waiting', 'dead')", name="status"),
        CheckConstraint("status = 'done' OR event IS NOT NULL", name="event_kept"),
        CheckConstraint(
            "(status = 'retrying') = (next_attempt_at IS NOT NULL)", name="next_attempt"
        ),
        Index(
            "ix_inbox_pending",
            "queue",
            "subject",
            postgresql_where="status IN ('retrying', 'waiting')",
        ),
        Index("ix_inbox_due", "next_attempt_at", postgresql_where="status = 'retrying'"),
        Index("ix_inbox_dead", "received_at", "event_id", postgresql_where="status = 'dead'"),
        Index("ix_inbox_done", "done_at", postgresql_where="status = 'done'"),
    )

    queue: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    event: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


def read_event(consumer: Consumer, body: bytes | str) -> Event[Any]:
    """Parse an event for a queue. Fields that we do not know are left out, at any depth.

    Raises EventUnreadable.
    """
    try:
        envelope = Event[Any].model_validate_json(body, extra="ignore")
    except ValidationError as error:
        raise EventUnreadable(f"Not a CloudEvent: {_brief(error)}") from error
    if len(envelope.subject) > _LONGEST_SUBJECT or "\0" in envelope.subject:
        raise EventUnreadable("The subject is too long, or holds a NUL.")
    if envelope.sequence >= 2**63:
        raise EventUnreadable("The sequence is too large.")
    known = consumer.by_type.get(envelope.type)
    if known is None:
        raise EventUnreadable(f"{consumer.queue} does not take {envelope.type}.")
    try:
        data = known[0].model_validate(envelope.data, extra="ignore")
    except ValidationError as error:
        raise EventUnreadable(f"Not a {envelope.type}: {_brief(error)}") from error
    return envelope.model_copy(update={"data": data})


async def receive(runtime: "Runtime", consumer: Consumer, body: bytes) -> None:
    """Take one delivery: done, a duplicate, stored for later, or dead; in any case safe.

    Raises only when the database cannot store it; then it must be delivered again.
    """
    try:
        event = read_event(consumer, body)
    except EventUnreadable as error:
        await _bury_unreadable(runtime, consumer, body, error)
        return
    with tracing.scope(traceparent=event.traceparent):
        try:
            await _receive(runtime, consumer, event, body.decode(), None)
        except DBAPIError as failure:
            if _is_outage(failure):
                raise
            # The commit itself was refused (a deferred constraint): that is the handler's failure.
            await _receive(runtime, consumer, event, body.decode(), failure)


async def _receive(
    runtime: "Runtime",
    consumer: Consumer,
    event: Event[Any],
    body: str,
    failure: Exception | None,
) -> None:
    """One transaction: enter the event, then apply it, or store it with its failure."""
    now = runtime.clock.now()
    async with runtime.sessions() as session:
        await _lock(session, consumer.queue, event.subject)
        is_new, is_behind = await _enter(session, consumer.queue, event, now)
        if not is_new:
            log.debug("duplicate", queue=consumer.queue, event_id=str(event.id))
            # Whoever still sends it may send it again: remember it from now.
            await session.execute(_REMEMBER, {"queue": consumer.queue, "id": event.id, "now": now})
            await commit(session, "inbox", consumer.queue, "duplicate")
            return
        if is_behind:
            await _set(session, consumer.queue, event.id, status=WAITING, event=body, done_at=None)
        else:
            failure = failure or await _apply(session, consumer, event)
            if failure is not None:
                await _fail(runtime, session, consumer, event, body, 0, failure)
        await commit(session, "inbox", consumer.queue)


async def retry(runtime: "Runtime", consumers: Mapping[str, Consumer], *, limit: int = 50) -> int:
    """Try again what is due in these queues, each in a transaction of its own; how many."""
    async with runtime.sessions() as session:
        due = await session.execute(
            select(InboxRow.queue, InboxRow.event_id, InboxRow.subject)
            .where(
                InboxRow.status == RETRYING,
                InboxRow.queue.in_(consumers),
                InboxRow.next_attempt_at <= runtime.clock.now(),
            )
            .order_by(InboxRow.next_attempt_at)
            .limit(limit)
        )
        rows = due.all()
    for row in rows:
        await _retry_one(runtime, consumers[row.queue], row)
    return len(rows)


async def run(runtime: "Runtime", *, stop: asyncio.Event) -> None:
    """Consume every queue of the service and retry what failed, until `stop`; then drain."""
    consumers = {consumer.queue: consumer for consumer in runtime.service.consumers}
    if not consumers:
        await stop.wait()
        return
    async with asyncio.TaskGroup() as group:
        for consumer in consumers.values():
            group.create_task(
                runtime.bus.consume(consumer.queue, _deliver(runtime, consumer), stop=stop)
            )
        group.create_task(_retry_loop(runtime, consumers, stop))


async def list_dead(
    session: AsyncSession,
    *,
    queue: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Sequence[InboxRow]:
    """Dead letters, oldest first, after (received_at, event_id)."""
    wanted = select(InboxRow).where(text("inbox.status = 'dead'"))
    if queue is not None:
        wanted = wanted.where(InboxRow.queue == queue)
    if after is not None:
        place = (InboxRow.received_at, InboxRow.event_id)
        start = tuple_(*after, types=[column.type for column in place])
        wanted = wanted.where(tuple_(*place) > start)
    found = await session.scalars(
        wanted.order_by(InboxRow.received_at, InboxRow.event_id).limit(limit)
    )
    return found.all()


async def mend(session: AsyncSession, queue: str, event_id: UUID, *, event: str) -> None:
    """Replace what a dead letter says; replay it afterwards. Raises EventNotDead."""
    mended = await session.execute(
        update(InboxRow)
        .where(InboxRow.queue == queue, InboxRow.event_id == event_id, InboxRow.status == DEAD)
        .values(event=event)
        .returning(InboxRow.event_id)
    )
    if mended.first() is None:
        raise EventNotDead(queue, event_id)


async def replay(
    session: AsyncSession, consumer: Consumer, event_id: UUID, *, now: datetime
) -> None:
    """Give a dead letter its attempts again, behind what of its subject is pending.

    Raises EventNotDead, or EventUnreadable as long as it cannot be read (mend it first).
    """
    key = (InboxRow.queue == consumer.queue, InboxRow.event_id == event_id)
    body = await session.scalar(select(InboxRow.event).where(*key, InboxRow.status == DEAD))
    if body is None:
        raise EventNotDead(consumer.queue, event_id)
    event = read_event(consumer, body)
    await _lock(session, consumer.queue, event.subject)
    is_behind = await _is_pending(session, consumer.queue, event.subject)
    moved = await session.execute(
        update(InboxRow)
        .where(*key, InboxRow.status == DEAD, InboxRow.event == body)
        .values(
            type=event.type,
            subject=event.subject,
            sequence=event.sequence,
            status=WAITING if is_behind else RETRYING,
            next_attempt_at=None if is_behind else now,
            attempts=0,
        )
        .returning(InboxRow.event_id)
    )
    if moved.first() is None:
        raise EventNotDead(consumer.queue, event_id)
    wake = session.info.get("wake")
    if wake is not None:
        wake.ring(INBOX)


async def prune(session: AsyncSession, *, before: datetime, limit: int = 5_000) -> int:
    """Forget up to `limit` done events from before; how many. Dead letters stay.

    Whoever prunes must be sure that no duplicate so old can still come.
    """
    old = (
        select(InboxRow.queue, InboxRow.event_id)
        .where(InboxRow.status == DONE, InboxRow.done_at < before)
        .limit(limit)
        .subquery()
    )
    gone = await session.execute(
        delete(InboxRow)
        .where(InboxRow.queue == old.c.queue, InboxRow.event_id == old.c.event_id)
        .returning(InboxRow.event_id)
    )
    return len(gone.all())


def _deliver(runtime: "Runtime", consumer: Consumer) -> Callable[[bytes], Awaitable[None]]:
    async def deliver(body: bytes) -> None:
        await receive(runtime, consumer, body)

    return deliver


async def _retry_loop(
    runtime: "Runtime", consumers: Mapping[str, Consumer], stop: asyncio.Event
) -> None:
    backoff = Backoff(runtime.random)
    with runtime.wake.bell(INBOX) as bell:
        while not stop.is_set():
            try:
                if not await retry(runtime, consumers):
                    await first_of(stop, bell.wait(runtime.settings.sweep_seconds))
                backoff.reset()
            except Exception as error:
                log.warning("retrying failed", exc_info=error)
                await pause(stop, backoff.next())


async def _lock(session: AsyncSession, queue: str, subject: str | None) -> None:
    """One at a time per queue and subject, until the transaction ends."""
    await session.execute(_LOCK, {"key": f"{queue} {subject}"})


async def _is_pending(session: AsyncSession, queue: str, subject: str) -> bool:
    found = await session.execute(_PENDING, {"queue": queue, "subject": subject})
    return bool(found.scalar_one())


async def _enter(
    session: AsyncSession, queue: str, event: Event[Any], now: datetime
) -> tuple[bool, bool]:
    """Insert the row as done; whether it is new, and whether others of its subject are pending."""
    entered = await session.execute(
        _ENTER,
        {
            "queue": queue,
            "event_id": event.id,
            "type": event.type,
            "subject": event.subject,
            "sequence": event.sequence,
            "now": now,
        },
    )
    is_behind = entered.scalar()
    return is_behind is not None, bool(is_behind)


async def _set(session: AsyncSession, queue: str, event_id: UUID, **values: Any) -> None:
    await session.execute(
        update(InboxRow)
        .where(InboxRow.queue == queue, InboxRow.event_id == event_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def _apply(session: AsyncSession, consumer: Consumer, event: Event[Any]) -> Exception | None:
    """Run the handler in a savepoint; its failure, undone. A lost connection is raised."""
    _, handler = consumer.by_type[event.type]
    savepoint = await session.begin_nested()
    try:
        await handler(session, event)
        await savepoint.commit()
    except Exception as failure:
        if isinstance(failure, DBAPIError) and failure.connection_invalidated:
            raise
        await savepoint.rollback()
        return failure
    return None


async def _fail(
    runtime: "Runtime",
    session: AsyncSession,
    consumer: Consumer,
    event: Event[Any],
    body: str,
    attempts: int,
    failure: Exception,
) -> None:
    """Store the failure: retried later, or dead; then the next of the subject is free."""
    now = runtime.clock.now()
    settings = runtime.settings
    attempts += 1
    is_dead = isinstance(failure, Invalid | Forbidden) or attempts >= settings.inbox_attempts
    wait = delay(
        attempts,
        first=settings.inbox_first_retry_seconds,
        cap=settings.inbox_longest_retry_seconds,
        random=runtime.random,
    )
    await _set(
        session,
        consumer.queue,
        event.id,
        status=DEAD if is_dead else RETRYING,
        event=body,
        attempts=attempts,
        next_attempt_at=None if is_dead else now + timedelta(seconds=wait),
        last_error=describe(failure)[-_LONGEST_ERROR:],
        done_at=None,
    )
    if is_dead:
        await _free_next(session, consumer.queue, event.subject, now)
    tell = log.error if is_dead else log.warning
    tell(
        "event dead" if is_dead else "event failed",
        queue=consumer.queue,
        type=event.type,
        event_id=str(event.id),
        attempts=attempts,
        exc_info=failure,
    )


async def _free_next(session: AsyncSession, queue: str, subject: str | None, now: datetime) -> None:
    """Let the first of those that wait for this subject go; the others wait behind it."""
    first = (
        select(InboxRow.event_id)
        .where(InboxRow.queue == queue, InboxRow.subject == subject, InboxRow.status == WAITING)
        .order_by(InboxRow.sequence, InboxRow.received_at, InboxRow.event_id)
        .limit(1)
        .scalar_subquery()
    )
    await session.execute(
        update(InboxRow)
        .where(InboxRow.queue == queue, InboxRow.event_id == first)
        .values(status=RETRYING, next_attempt_at=now)
    )


async def _retry_one(
    runtime: "Runtime", consumer: Consumer, due: Row[str, UUID, str | None]
) -> None:
    try:
        await _retry_in(runtime, consumer, due, None)
    except DBAPIError as failure:
        if _is_outage(failure):
            raise
        await _retry_in(runtime, consumer, due, failure)


async def _retry_in(
    runtime: "Runtime",
    consumer: Consumer,
    due: Row[str, UUID, str | None],
    failure: Exception | None,
) -> None:
    """One transaction: apply a due event, or store that it failed once more."""
    async with runtime.sessions() as session:
        await _lock(session, consumer.queue, due.subject)
        found = await session.execute(
            select(InboxRow.event, InboxRow.attempts)
            .where(
                InboxRow.queue == due.queue,
                InboxRow.event_id == due.event_id,
                InboxRow.status == RETRYING,
                InboxRow.next_attempt_at <= runtime.clock.now(),
            )
            .with_for_update(skip_locked=True)
        )
        row = found.first()
        if row is None:
            return
        try:
            event = read_event(consumer, row.event)
        except EventUnreadable as error:  # the code that reads it has changed meanwhile
            failure = error
            event = Event[Any].model_validate_json(row.event)
        with tracing.scope(traceparent=event.traceparent):
            failure = failure or await _apply(session, consumer, event)
            if failure is None:
                done = {"status": DONE, "event": None, "next_attempt_at": None}
                now = runtime.clock.now()
                await _set(session, due.queue, due.event_id, **done, done_at=now)
                await _free_next(session, due.queue, due.subject, now)
            else:
                await _fail(runtime, session, consumer, event, row.event, row.attempts, failure)
            await commit(session, "inbox", consumer.queue, "retry")


def _is_outage(failure: DBAPIError) -> bool:
    """Whether the database is away or busy, rather than refusing what it was told."""
    return isinstance(problem_of(failure), Unavailable)


async def _bury_unreadable(
    runtime: "Runtime", consumer: Consumer, body: bytes, error: EventUnreadable
) -> None:
    """Keep what cannot be read as a dead letter, under its own id or one made of its bytes.

    It has no subject here, so that nothing waits behind it.
    """
    log.error("event unreadable", queue=consumer.queue, error=error.detail)
    async with runtime.sessions() as session:
        await session.execute(
            insert(InboxRow)
            .values(
                queue=consumer.queue,
                event_id=_id_of(body),
                status=DEAD,
                event=body.decode(errors="backslashreplace").replace("\0", "\\x00"),
                attempts=1,
                last_error=error.detail[-_LONGEST_ERROR:],
                received_at=runtime.clock.now(),
            )
            .on_conflict_do_nothing(index_elements=["queue", "event_id"])
        )
        await commit(session, "inbox", consumer.queue, "unreadable")


def _id_of(body: bytes) -> UUID:
    try:
        return Event[Any].model_validate_json(body).id
    except ValidationError:
        return UUID(bytes=sha256(body).digest()[:16], version=5)


def _brief(error: ValidationError) -> str:
    return "; ".join(
        f"{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]
    )
