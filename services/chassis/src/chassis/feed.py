"""The change feed and snapshots of a service: what anybody needs to rebuild anything from it.

The feed is read by position, never by insertion order: the relay gives positions 1, 2, 3, ... to
what is committed, so a reader that goes by them sees no gap and misses no late commit. A
snapshot is one repeatable-read transaction whose first look is at the feed's head: whatever has
a position up to it is in the snapshot, and whatever is not yet in it will get a later one.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from starlette.responses import Response, StreamingResponse

from chassis.auth import Needs
from chassis.db import Reader, commit
from chassis.jobs import Job
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live, Runtime
from contracts.feed import Changes, SnapshotStart
from contracts.problems import Gone, Invalid, NotFound
from contracts.topology import EVENTS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

Model = type[BaseModel]

SCOPE = "changes:read"
NDJSON = "application/x-ndjson"
SCANNED_AT_ONCE = 10_000
"""How far one request looks for events of the wanted types before it answers with what it has."""
_CHUNK_BYTES = 64 * 1024
_SLOWEST_READER = "5min"
_PRUNED_AT_ONCE = 5_000


class CursorExpired(Gone):
    """What came after this cursor is no longer kept: take a snapshot and go on from its cursor."""

    def __init__(self) -> None:
        super().__init__(
            "The feed no longer reaches back to this cursor; read the snapshots anew and go on"
            " from their cursors."
        )


class TypeNotTold(Invalid):
    """The feed of this service never has events of that type."""

    def __init__(self, kind: str, owner: str) -> None:
        super().__init__(f"{owner} tells no events of type {kind}.", field="types")


class SnapshotUnknown(NotFound):
    """The service has no snapshot of that type."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"There is no snapshot of {kind}.")


@dataclass(frozen=True)
class Snapshot:
    """The present state of one kind of thing: `stream` yields every one as its event's facts.

    It reads on the connection it is given, in one repeatable-read transaction, and streams
    (`connection.stream(select(...))`), so that memory stays flat. What was deleted but leaves a
    tombstone is streamed too.
    """

    type: str
    model: Model
    stream: Callable[[AsyncConnection], AsyncIterator[BaseModel]]


_READ = text(
    """
    SELECT head.position AS head, head.pruned, item.position, item.event
    FROM (
        SELECT coalesce(max(position), 0) AS position, coalesce(max(pruned), 0) AS pruned
        FROM feed_head
    ) AS head
    LEFT JOIN LATERAL (
        SELECT position, event FROM outbox
        WHERE position > coalesce(CAST(:after AS bigint), head.pruned)
          AND position <= least(
              head.position, coalesce(CAST(:after AS bigint), head.pruned) + :scanned
          )
          AND (CAST(:types AS text[]) IS NULL OR type = ANY(CAST(:types AS text[])))
        ORDER BY position LIMIT :limit
    ) AS item ON true
    ORDER BY item.position
    """
)
_HEAD = text("SELECT coalesce(max(position), 0) FROM feed_head")
_PRUNE_TO = text(
    """
    WITH kept AS (
        SELECT min(position) AS position FROM (
            SELECT position FROM outbox
            WHERE position IS NOT NULL AND (created_at >= :before OR published_at IS NULL)
            ORDER BY position LIMIT 1
        ) AS first
    )
    UPDATE feed_head
    SET pruned = least(pruned + :limit, coalesce((SELECT position - 1 FROM kept), position))
    WHERE id = 1
    RETURNING pruned
    """
)
_PRUNE = text("DELETE FROM outbox WHERE position <= :to")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a feed: whole events as text, and the position to go on after."""

    events: list[str]
    next: int


async def read(
    connection: AsyncConnection | AsyncSession,
    *,
    after: int | None,
    types: Sequence[str] | None = None,
    limit: int = 50,
) -> Stretch:
    """Read events after a position (None: from the oldest kept), in one statement, so that neither
    relay nor pruning can come between. Raises CursorExpired.
    """
    found = await connection.execute(
        _READ,
        {
            "after": after,
            "scanned": SCANNED_AT_ONCE,
            "types": None if types is None else list(types),
            "limit": limit,
        },
    )
    rows = found.all()
    head, pruned = rows[0].head, rows[0].pruned
    start = pruned if after is None else after
    if not pruned <= start <= head:
        raise CursorExpired
    items = [row for row in rows if row.position is not None]
    if len(items) == limit:
        return Stretch([row.event for row in items], items[-1].position)
    return Stretch([row.event for row in items], min(head, start + SCANNED_AT_ONCE))


async def prune(session: AsyncSession, *, before: datetime) -> int:
    """Drop published events from before, oldest first, some thousands at most; how many.

    An event that is still unpublished holds back all after it.
    """
    pruned = (
        await session.execute(_PRUNE_TO, {"before": before, "limit": _PRUNED_AT_ONCE})
    ).scalar()
    if pruned is None:
        return 0
    gone = await session.execute(_PRUNE, {"to": pruned})
    return int(getattr(gone, "rowcount", 0))


async def _prune_all(runtime: Runtime) -> None:
    before = runtime.clock.now() - timedelta(days=runtime.settings.feed_days)
    while True:
        async with runtime.sessions() as session:
            count = await prune(session, before=before)
            await commit(session, "job", PRUNE.name)
        if count < _PRUNED_AT_ONCE:
            return


PRUNE = Job(name="feed", every=timedelta(hours=1), run=_prune_all)


def create_router(owner: str, snapshots: Sequence[Snapshot] = ()) -> APIRouter:
    """`GET /v1/changes` and `GET /v1/snapshots/{type}` of a service."""
    router = APIRouter(prefix="/v1", tags=["changes"], dependencies=[Needs(SCOPE)])
    told = frozenset(kind for kind in EVENTS if kind.split(".")[1] == owner)
    by_type = {snapshot.type: snapshot for snapshot in snapshots}

    @router.get("/changes", response_model=Changes, responses=_problem(410))
    async def list_changes(
        reader: Reader,
        after: After = None,
        types: Annotated[
            str | None,
            Query(
                description="Only these event types, separated by commas.",
                max_length=4_000,
                examples=[sorted(told)[0] if told else "tandem.catalog.store.changed.v1"],
            ),
        ] = None,
        limit: Limit = 50,
    ) -> Response:
        """Read the service's own events, gap-free, in the order of its feed.

        Without `after` it begins with the oldest event that is kept (30 days at least).
        """
        wanted = None if types is None else [kind for kind in types.split(",") if kind]
        for kind in wanted or ():
            if kind not in told:
                raise TypeNotTold(kind, owner)
        stretch = await read(
            reader, after=_position(after, owner), types=wanted or None, limit=limit
        )
        start = encode_cursor(owner, stretch.next)
        body = f'{{"items":[{",".join(stretch.events)}],"next":"{start}"}}'
        return Response(body, media_type="application/json")

    if by_type:

        @router.get(
            "/snapshots/{type}",
            response_class=StreamingResponse,
            responses={200: {"content": {NDJSON: {"schema": _lines_of(snapshots)}}}},
        )
        async def read_snapshot(
            runtime: Live,
            kind: Annotated[
                str, Path(alias="type", description="What to stream.", examples=sorted(by_type)[:1])
            ],
        ) -> StreamingResponse:
            """Stream the present state, one JSON object a line.

            The first line is `{"cursor": "..."}`: apply the snapshot, then the feed after that
            cursor, newer sequences winning, and nothing is lost.
            """
            snapshot = by_type.get(kind)
            if snapshot is None:
                raise SnapshotUnknown(kind)
            lines = stream_lines(runtime, owner, snapshot)
            first = await anext(lines)  # fails here rather than in the middle of an answer
            return StreamingResponse(_chunks(first, lines), media_type=NDJSON)

    return router


async def stream_lines(
    runtime: Runtime, owner: str, snapshot: Snapshot
) -> "AsyncGenerator[bytes, None]":
    """The snapshot's lines, from one repeatable-read transaction on a connection of its own."""
    async with runtime.direct.connect() as plain:
        connection = await plain.execution_options(isolation_level="REPEATABLE READ")
        await connection.execute(text("SET TRANSACTION READ ONLY"))
        await connection.execute(
            text(f"SET LOCAL idle_in_transaction_session_timeout = '{_SLOWEST_READER}'")
        )
        head = (await connection.execute(_HEAD)).scalar_one()
        yield _line(SnapshotStart(cursor=encode_cursor(owner, head)))
        async for item in snapshot.stream(connection):
            yield _line(item)


def _line(item: BaseModel) -> bytes:
    return item.model_dump_json().encode() + b"\n"


async def _chunks(first: bytes, lines: "AsyncGenerator[bytes, None]") -> AsyncIterator[bytes]:
    """Lines in larger pieces, which cost less to send."""
    try:
        yield first
        parts: list[bytes] = []
        size = 0
        async for line in lines:
            parts.append(line)
            size += len(line)
            if size >= _CHUNK_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
        if parts:
            yield b"".join(parts)
    finally:
        await lines.aclose()


def _position(after: str | None, owner: str) -> int | None:
    """The position in a cursor; one of another service's feed is not readable here."""
    if after is None:
        return None
    found_owner, position = decode_cursor(after, str, int)
    if found_owner != owner or position < 0:
        raise Invalid(
            "is not a cursor that this feed gave", field="after", code="cursor-not-readable"
        )
    return int(position)


def _problem(status: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"$ref": f"#/components/responses/Problem{status}"}}


def _lines_of(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    names = ", ".join(sorted(snapshot.type for snapshot in snapshots))
    return {
        "type": "string",
        "description": f"Lines of JSON: the cursor, then one object each. Types: {names}.",
    }
