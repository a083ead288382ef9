"""The outbox: events are rows, written in the transaction of the change they tell of.

Here is only the writing; `chassis.relay` gives the rows their place in the feed and sends them,
`chassis.feed` reads them. An event exists exactly if its change was committed.

`id` is the order of insertion. For one subject it agrees with `sequence`: whoever makes version
n+1 of an aggregate has waited for the lock (or the version check) of the one who made n, so that
one's row was inserted before. Between subjects ids become visible out of order, which is why
nobody but the relay reads by them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, SmallInteger, Text, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column

from chassis import tracing
from chassis.clock import Clock
from chassis.db import ChassisBase
from chassis.wake import OUTBOX
from contracts.envelope import MAX_BATCH_BYTES, MAX_BATCH_ITEMS, EventData, make_event
from contracts.ids import new_id

_ENVELOPE_BYTES = 1_000


class OutboxRow(ChassisBase):
    """An event: first without a place, then placed by the relay, then published."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_unplaced", "id", postgresql_where="position IS NULL"),
        Index(
            "ix_outbox_unpublished",
            "position",
            postgresql_where="published_at IS NULL AND position IS NOT NULL",
        ),
    )
    # No value is read back after the insert, so many events go in one round trip.
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    type: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int]
    event: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class FeedHeadRow(ChassisBase):
    """The one row that counts positions: the highest given, and up to which rows were pruned."""

    __tablename__ = "feed_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    pruned: Mapped[int] = mapped_column(BigInteger, default=0)


def add(
    session: AsyncSession,
    data: EventData,
    *,
    subject: str,
    sequence: int,
    event_id: UUID | None = None,
) -> UUID:
    """Tell of a change in its own transaction; the event's id.

    `subject` names the aggregate, `sequence` is its version, which only grows; take it from the
    row after the flush. After the commit the relay is woken; a rollback leaves nothing.
    """
    event_id = event_id or new_id()
    clock: Clock = session.info.get("clock") or Clock()
    now = clock.now()
    whole = make_event(
        data,
        event_id=event_id,
        subject=subject,
        sequence=sequence,
        time=now,
        traceparent=tracing.traceparent(),
    )
    session.add(
        OutboxRow(
            event_id=event_id,
            type=data.type,
            subject=subject,
            sequence=sequence,
            event=whole.model_dump_json(),
            created_at=now,
        )
    )
    _wake_after_commit(session.sync_session)
    return event_id


def add_items(
    session: AsyncSession,
    model: type[EventData],
    items: Sequence[Any],
    *,
    subject: Callable[[Any], str],
) -> None:
    """Tell of many changes by batch events `model(items=[...])`, as few as the limits allow.

    Each item carries its own `sequence`. A batch of one is told as that one, by `subject(item)`;
    one of several has a subject that nothing else has, for its items belong to many.
    """
    for batch in _batches(items):
        data = model.model_validate({"items": batch})
        if len(batch) == 1:
            add(session, data, subject=subject(batch[0]), sequence=batch[0].sequence)
        else:
            event_id = new_id()
            add(session, data, subject=f"batch/{event_id}", sequence=1, event_id=event_id)


def _batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    size = _ENVELOPE_BYTES
    for item in items:
        more = len(item.model_dump_json().encode()) + 1
        if batch and (len(batch) == MAX_BATCH_ITEMS or size + more > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], _ENVELOPE_BYTES
        batch.append(item)
        size += more
    if batch:
        yield batch


def _wake_after_commit(session: Session) -> None:
    """Ring once the events are committed; ringing for a savepoint too is harmless."""
    wake = session.info.get("wake")
    if wake is None or session.info.get("outbox.rings"):
        return
    session.info["outbox.rings"] = True
    event.listen(session, "after_commit", lambda _: wake.ring(OUTBOX))
