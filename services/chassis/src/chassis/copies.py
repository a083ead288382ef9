"""Local copies of what a neighbour owns: kept by events, filled and rebuilt from its snapshot.

A row is only ever replaced by a newer one (`sequence`), so events may come twice and in any
order, beside a snapshot that is being applied. What was deleted stays as a tombstone (a row that
says so and keeps its sequence), or a late older event would bring it back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from sqlalchemy import Result, Table, Text, inspect, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis import failpoints, tracing
from chassis.backoff import Backoff
from chassis.bus import pause
from chassis.db import ChassisBase, commit, lock_number
from chassis.inbox import InboxRow
from chassis.logs import get_logger
from contracts.feed import SnapshotStart

if TYPE_CHECKING:
    from chassis.runtime import Runtime

_LINES_AT_ONCE = 500
_SEEN = "copies.seen"
_QUIET_SECONDS = 5.0

log = get_logger(__name__)


class CopyRow(ChassisBase):
    """How far a copy is: filled once from a snapshot that began at `cursor` of the feed."""

    __tablename__ = "copies"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    filled_at: Mapped[datetime | None]
    cursor: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True)
class CopyTable:
    """A table of a copy. Without a `tombstone` column (a boolean) what is gone is deleted."""

    table: Any
    keys: tuple[str, ...]
    sequence: str = "sequence"
    tombstone: str | None = None


@dataclass(frozen=True)
class Copy:
    """What we keep of a neighbour's things.

    `apply` takes lines of the snapshot (parsed JSON, the same facts that events carry) and writes
    them by `apply_newer`. `queue` is the consumer that keeps the copy fresh. `tables` are those
    that `apply` writes; a rebuild clears them of what the neighbour no longer has.
    """

    name: str
    neighbour: str
    snapshot: str
    queue: str
    apply: Callable[[AsyncSession, Sequence[Mapping[str, Any]]], Awaitable[None]]
    tables: tuple[CopyTable, ...] = ()


async def apply_newer(
    session: AsyncSession,
    table: Any,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
    sequence: str = "sequence",
) -> int:
    """Insert rows, or replace those with the same keys that are older; how many were written.

    `table` is a Table or a mapped class, `rows` name its columns, all the same ones. Rows are
    written in the order of their keys, so that two batches never wait for each other in a circle.
    """
    target: Table = table if isinstance(table, Table) else inspect(table).local_table
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        if key not in newest or newest[key][sequence] < row[sequence]:
            newest[key] = row
    if not newest:
        return 0
    ordered = [dict(newest[key]) for key in sorted(newest)]
    seen: _Seen | None = session.info.get(_SEEN)
    statement = insert(target)
    old, new = target.c[sequence], statement.excluded[sequence]
    replaced = {name: statement.excluded[name] for name in ordered[0] if name not in keys}
    statement = statement.on_conflict_do_update(
        index_elements=list(keys),
        set_=replaced,
        where=old < new if seen is None else old <= new,  # a rebuild mends content too
    )
    written: Result[Any] = await session.execute(statement.returning(literal_column("1")), ordered)
    count = len(written.all())
    if seen is not None:
        seen.add(target, newest)
    return count


async def fill(runtime: "Runtime", copy: Copy) -> bool:
    """Fill a copy that never was; False when it was, or another process is at it."""
    async with _alone(runtime, copy) as connection:
        if connection is None or await _is_filled(runtime, copy):
            return False
        await _apply_snapshot(runtime, copy, None, connection)
        return True


async def rebuild(runtime: "Runtime", copy: Copy) -> bool:
    """Apply the neighbour's snapshot anew while events flow; False when another is at it.

    What the copy had before, untouched since, and the snapshot has not, is gone at the
    neighbour: it was there before the snapshot began, so it would be in it. What events bring or
    change meanwhile is newer than what was noted, and stays.
    """
    async with _alone(runtime, copy) as connection:
        if connection is None:
            return False
        for table in copy.tables:
            await _note(connection, table)
        await _apply_snapshot(runtime, copy, _Seen(), connection)
        for table in copy.tables:
            failpoints.hit("copies", copy.name, "sweeping")
            swept = await connection.execute(text(_sweep(table)))
            failpoints.hit("copies", copy.name, "swept")
            log.info("copy swept", copy=copy.name, table=_name(table), rows=swept.rowcount)
        return True


async def run(runtime: "Runtime", *, stop: asyncio.Event) -> None:
    """Fill every copy of the service that never was, until done or `stop`."""
    copies = runtime.service.copies
    if copies:
        await asyncio.gather(*(_fill_until(runtime, copy, stop) for copy in copies))
    await stop.wait()


async def lag(session: AsyncSession, copy: Copy, *, now: datetime) -> timedelta | None:
    """How old the oldest pending event of the copy is, else how long the last one took to come.

    Counts from when the event was written (its id says that) to when its effect was committed.
    None before the first. What still lies in the broker is not seen from here.
    """
    pending = await session.scalar(
        select(InboxRow.event_id)
        .where(InboxRow.queue == copy.queue, text("inbox.status IN ('retrying', 'waiting')"))
        .order_by(InboxRow.event_id)
        .limit(1)
    )
    if pending is not None:
        return now - _made_at(pending)
    last = await session.execute(
        select(InboxRow.event_id, InboxRow.done_at)
        .where(InboxRow.queue == copy.queue, text("inbox.status = 'done'"))
        .order_by(InboxRow.done_at.desc())
        .limit(1)
    )
    row = last.first()
    return None if row is None or row.done_at is None else row.done_at - _made_at(row.event_id)


class _Seen:
    """The keys that a snapshot had, per table, until they are crossed off."""

    def __init__(self) -> None:
        self._keys: dict[str, list[tuple[Any, ...]]] = {}

    def add(self, table: Table, keys: Iterable[tuple[Any, ...]]) -> None:
        self._keys.setdefault(table.name, []).extend(keys)

    def take(self, table: str) -> list[tuple[Any, ...]]:
        return self._keys.pop(table, [])


async def _fill_until(runtime: "Runtime", copy: Copy, stop: asyncio.Event) -> None:
    backoff = Backoff(runtime.random, cap=30.0)
    while not stop.is_set():
        try:
            if await _is_filled(runtime, copy):
                return
            with tracing.scope():
                if await fill(runtime, copy):
                    return
            await pause(stop, _QUIET_SECONDS)
        except Exception as error:
            log.warning("copy not filled yet", copy=copy.name, error=str(error))
            await pause(stop, backoff.next())


async def _is_filled(runtime: "Runtime", copy: Copy) -> bool:
    async with runtime.reader.connect() as connection:
        found = await connection.execute(select(CopyRow.filled_at).where(CopyRow.name == copy.name))
        return found.scalar() is not None


@asynccontextmanager
async def _alone(runtime: "Runtime", copy: Copy) -> AsyncIterator[AsyncConnection | None]:
    """A direct connection in autocommit that holds the copy's lock; None: another has it."""
    async with runtime.direct.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        key = lock_number(f"copy:{runtime.service.name}:{copy.name}")
        got = await connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key})
        yield connection if got.scalar_one() else None


async def _apply_snapshot(
    runtime: "Runtime", copy: Copy, seen: _Seen | None, connection: AsyncConnection
) -> None:
    """Apply the snapshot in batches, a transaction each; at its end the copy is filled."""
    neighbour = runtime.neighbours[copy.neighbour]
    count = 0
    async with neighbour.stream(f"/v1/snapshots/{copy.snapshot}") as lines:
        start = SnapshotStart.model_validate_json(await anext(lines))
        async for batch in _batches(lines):
            async with runtime.sessions() as session:
                if seen is not None:
                    session.info[_SEEN] = seen
                await copy.apply(session, batch)
                await commit(session, "copies", copy.name, "batch")
            count += len(batch)
            if seen is not None:
                for table in copy.tables:
                    await _cross_off(connection, table, seen.take(_name(table)))
    async with runtime.sessions() as session:
        values = {"filled_at": runtime.clock.now(), "cursor": start.cursor}
        await session.execute(
            insert(CopyRow)
            .values(name=copy.name, **values)
            .on_conflict_do_update(index_elements=["name"], set_=values)
        )
        await commit(session, "copies", copy.name, "filled")
    log.info("copy filled", copy=copy.name, lines=count)


async def _batches(lines: AsyncIterator[bytes]) -> AsyncIterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    async for line in lines:
        batch.append(orjson.loads(line))
        if len(batch) == _LINES_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _name(table: CopyTable) -> str:
    target: Table = (
        table.table if isinstance(table.table, Table) else inspect(table.table).local_table
    )
    return target.name


async def _note(connection: AsyncConnection, table: CopyTable) -> None:
    """Note what is there before the snapshot is asked for; lives as long as the connection."""
    name = _name(table)
    keys = ", ".join(table.keys)
    for statement in (
        f"CREATE TEMP TABLE before_{name} AS SELECT {keys}, {table.sequence} FROM {name}",  # noqa: S608
        f"ALTER TABLE before_{name} ADD PRIMARY KEY ({keys})",
    ):
        await connection.execute(text(statement))


async def _cross_off(
    connection: AsyncConnection, table: CopyTable, keys: list[tuple[Any, ...]]
) -> None:
    """Cross off what the snapshot has."""
    if not keys:
        return
    match = " AND ".join(f"{name} = :{name}" for name in table.keys)
    await connection.execute(
        text(f"DELETE FROM before_{_name(table)} WHERE {match}"),  # noqa: S608
        [dict(zip(table.keys, key, strict=True)) for key in keys],
    )


def _sweep(table: CopyTable) -> str:
    """Bury what was there before, was not touched since, and is not in the snapshot."""
    name = _name(table)
    match = " AND ".join(
        f"live.{column} = old.{column}" for column in (*table.keys, table.sequence)
    )
    if table.tombstone is None:
        return f"DELETE FROM {name} AS live USING before_{name} AS old WHERE {match}"  # noqa: S608
    return (
        f"UPDATE {name} AS live SET {table.tombstone} = true FROM before_{name} AS old"  # noqa: S608
        f" WHERE {match} AND NOT live.{table.tombstone}"
    )


def _made_at(event_id: UUID) -> datetime:
    """When a UUIDv7 was made."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, tz=UTC)
