"""The change feed: whole, in order, and together with a snapshot enough to rebuild anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import httpx
import orjson
import pytest
from sqlalchemy import select, text

from chassis import feed, outbox, relay
from chassis.db import create_engine, create_sessions
from chassis.feed import Snapshot
from chassis.http import create_client
from chassis.outbox import OutboxRow
from chassis.paging import encode_cursor
from chassis.server import serve_app
from chassis.service import create_app
from contracts.catalog import CategoryChanged
from contracts.model import Answer
from contracts.orders import OrderPlaced, StockChanged, StockFacts

OWNER = "orders"  # whose events the tests tell
WRITERS = 32
WRITES = 8


class Book(Answer):
    key: str
    pages: int


async def stream_books(connection) -> AsyncIterator[Book]:
    async with connection.stream(text("SELECT key, pages FROM books ORDER BY key")) as rows:
        async for row in rows:
            yield Book(key=row.key, pages=row.pages)


@pytest.fixture
async def serve(runtime, settings):
    """A client of a service that owns the events told, over HTTP."""

    @asynccontextmanager
    async def open_client(*snapshots):
        runtime.service = replace(runtime.service, name=OWNER, snapshots=snapshots)
        app = create_app(runtime.service, settings, runtime=runtime)
        async with (
            serve_app(app, host="127.0.0.1", port=0) as port,
            create_client(f"http://127.0.0.1:{port}") as client,
        ):
            yield client

    return open_client


@pytest.fixture
async def client(serve):
    async with serve() as opened:
        yield opened


@pytest.fixture
def reader(make_token):
    return {"Authorization": f"Bearer {make_token(scopes=('changes:read',))}"}


@pytest.fixture
def place(runtime):
    """Gives positions to what is committed, as the relay does."""

    async def give():
        async with runtime.direct.connect() as outer:
            connection = (await outer.get_raw_connection()).driver_connection
            one = relay.Relay(runtime, connection)
            await one.execute(relay._HEAD)
            return await one.place()

    return give


async def read_all(client, reader, *, after=None, **query):
    events = []
    while True:
        wanted = {**query, **({} if after is None else {"after": after})}
        answer = await client.get("/v1/changes", params=wanted, headers=reader)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        events += page["items"]
        if page["next"] == after:
            return events, after
        after = page["next"]


async def test_only_who_may_reads_the_feed(client, make_token):
    assert (await client.get("/v1/changes")).status_code == 401
    headers = {"Authorization": f"Bearer {make_token(scopes=())}"}
    assert (await client.get("/v1/changes", headers=headers)).status_code == 403


async def test_an_empty_feed_gives_a_cursor_to_go_on_from(client, reader, tell, place):
    events, cursor = await read_all(client, reader)
    assert events == []
    await tell("A", 1)
    assert (await read_all(client, reader, after=cursor))[0] == []  # not placed yet
    await place()
    (event,), _ = await read_all(client, reader, after=cursor)
    assert (event["type"], event["subject"], event["specversion"]) == (
        StockChanged.type,
        "A",
        "1.0",
    )


async def test_the_feed_is_read_in_pages(client, reader, tell, place):
    for n in range(7):
        await tell("A", n)
    await place()
    events, _ = await read_all(client, reader, limit=3)
    assert [event["sequence"] for event in events] == list(range(7))


async def test_a_late_commit_is_not_skipped(client, reader, runtime, tell, place):
    """Its row was inserted first and becomes visible last; a reader by insertion would miss it."""
    async with runtime.sessions() as slow:
        data = StockChanged(items=[StockFacts(sku="slow", sequence=1, available=1)])
        outbox.add(slow, data, subject="slow", sequence=1)
        await slow.flush()
        await tell("fast", 1)
        await place()
        seen, cursor = await read_all(client, reader)
        assert [event["subject"] for event in seen] == ["fast"]
        await slow.commit()
    await place()
    seen, _ = await read_all(client, reader, after=cursor)
    assert [event["subject"] for event in seen] == ["slow"]


async def test_a_filter_that_skips_everything_moves_on(
    client, reader, runtime, tell, place, monkeypatch
):
    monkeypatch.setattr(feed, "SCANNED_AT_ONCE", 3)
    for n in range(8):
        await tell("A", n)
    await place()
    page = (
        await client.get("/v1/changes", params={"types": OrderPlaced.type}, headers=reader)
    ).json()
    assert page == {"items": [], "next": encode_cursor(OWNER, 3)}
    events, cursor = await read_all(client, reader, types=OrderPlaced.type)
    assert (events, cursor) == ([], encode_cursor(OWNER, 8))
    events, _ = await read_all(client, reader, types=f"{OrderPlaced.type},{StockChanged.type}")
    assert len(events) == 8


@pytest.mark.parametrize("types", ["tandem.orders.order.eaten.v1", CategoryChanged.type, "x,y"])
async def test_an_unknown_type_is_told(client, reader, types):
    answer = await client.get("/v1/changes", params={"types": types}, headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (422, "type-not-told")
    assert answer.json()["errors"][0]["pointer"] == "types"


@pytest.mark.parametrize(
    "cursor",
    ["", "rubbish", encode_cursor(1), encode_cursor("catalog", 1), encode_cursor(OWNER, -1)],
)
async def test_a_cursor_that_is_not_ours_is_told(client, reader, cursor):
    answer = await client.get("/v1/changes", params={"after": cursor}, headers=reader)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "after"


async def test_a_cursor_past_the_end_was_never_given(client, reader, tell, place):
    """As after the database was restored: going on silently would skip what comes next."""
    await tell("A", 1)
    await place()
    cursor = encode_cursor(OWNER, 2)
    answer = await client.get("/v1/changes", params={"after": cursor}, headers=reader)
    assert (answer.status_code, answer.json()["code"]) == (410, "cursor-expired")


async def test_pruned_cursors_are_told_and_kept_ones_go_on(
    client, reader, runtime, tell, place, clock
):
    runtime.clock = clock
    for n in range(6):
        await tell("A", n)
    await place()
    async with runtime.sessions() as session:
        await session.execute(
            text("UPDATE outbox SET created_at = :now, published_at = :now"), {"now": clock.now()}
        )
        await session.execute(
            text("UPDATE outbox SET created_at = :later WHERE position >= 5"),
            {"later": clock.now() + timedelta(days=2)},
        )
        await session.execute(text("UPDATE outbox SET published_at = NULL WHERE position = 4"))
        await session.commit()
    before = clock.now() + timedelta(days=1)

    async def prune():
        async with runtime.sessions() as session:
            count = await feed.prune(session, before=before)
            await session.commit()
            return count

    assert await prune() == 3  # the unpublished one holds it back
    async with runtime.sessions() as session:
        await session.execute(text("UPDATE outbox SET published_at = now()"))
        await session.commit()
    assert await prune() == 1
    assert await prune() == 0
    old = await client.get("/v1/changes", params={"after": encode_cursor(OWNER, 3)}, headers=reader)
    assert (old.status_code, old.json()["code"]) == (410, "cursor-expired")
    events, _ = await read_all(client, reader, after=encode_cursor(OWNER, 4))
    assert [event["sequence"] for event in events] == [4, 5]
    events, _ = await read_all(client, reader)
    assert [event["sequence"] for event in events] == [4, 5]


async def test_a_snapshot_begins_with_the_cursor_and_streams_lines(
    serve, reader, runtime, tell, place
):
    async with runtime.sessions() as session:
        await session.execute(
            text(
                "INSERT INTO books (key, title, pages)"
                " SELECT 'k' || n, 'k' || n, n FROM generate_series(1, 3000) AS n"
            )
        )
        await session.commit()
    await tell("A", 1)
    await place()
    async with serve(Snapshot("books", Book, stream_books)) as client:
        answer = await client.get("/v1/snapshots/books", headers=reader)
        assert answer.headers["content-type"] == "application/x-ndjson"
        first, *lines = answer.content.splitlines()
        assert orjson.loads(first) == {"cursor": encode_cursor(OWNER, 1)}
        assert len(lines) == 3000
        unknown = await client.get("/v1/snapshots/none", headers=reader)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "snapshot-unknown")
        assert (await client.get("/v1/snapshots/books")).status_code == 401


@dataclass
class Follower:
    """Reads the feed from a cursor on, and keeps a copy by it."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    cursor: str | None = None
    copy: dict[str, int] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    pages: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def begin_with_snapshot(self):
        answer = await self.client.get("/v1/snapshots/books", headers=self.headers)
        first, *lines = map(orjson.loads, answer.content.splitlines())
        self.cursor = first["cursor"]
        self.copy = {line["key"]: line["pages"] for line in lines}

    async def follow(self, over):
        """Until nothing more comes, and then to the end."""
        while True:
            is_over = over.is_set()
            position = {} if self.cursor is None else {"after": self.cursor}
            answer = await self.client.get(
                "/v1/changes", params={"limit": 20, **position}, headers=self.headers
            )
            assert answer.status_code == 200, answer.text
            page = answer.json()
            for event in page["items"]:
                self.seen.append(event["id"])
                key = event["subject"]
                self.copy[key] = max(self.copy.get(key, 0), event["sequence"])
            self.cursor = page["next"]
            async with self.news:
                self.pages += 1
                self.news.notify_all()
            if is_over and not page["items"]:
                return


class Writers:
    """Write books side by side, each by transactions of its own on a connection of its own.

    Of four transactions one is rolled back, and one commits only when the reader has gone on: its
    events were added long before others that the reader has seen.
    """

    def __init__(self, sessions, reader):
        self.sessions = sessions
        self.reader = reader
        self.together = asyncio.Barrier(WRITERS)
        self.told = []

    async def write(self, writer):
        random = Random(writer)
        for turn in range(WRITES):
            is_late, is_undone = (writer + turn) % 4 == 1, (writer + turn) % 4 == 2
            key = f"own-{writer}" if is_late else f"shared-{random.randrange(8)}"
            async with self.sessions() as session:
                await session.connection()
                if turn == 0:
                    await self.together.wait()
                events = [await self.turn_page(session, key) for _ in range(random.randint(1, 3))]
                await session.flush()
                if is_late:
                    await self.wait_for_reader()
                if is_undone:
                    await session.rollback()
                    continue
                await session.commit()
            self.told += events

    async def turn_page(self, session, key):
        turned = text("UPDATE books SET pages = pages + 1 WHERE key = :k RETURNING pages")
        pages = await session.scalar(turned, {"k": key})
        data = StockChanged(items=[StockFacts(sku=key, sequence=pages, available=1)])
        return str(outbox.add(session, data, subject=key, sequence=pages))

    async def wait_for_reader(self):
        """Until it has asked twice more."""
        async with self.reader.news:
            until = self.reader.pages + 2
            await self.reader.news.wait_for(lambda: self.reader.pages >= until)


@pytest.fixture
async def connections(runtime, settings):
    """Sessions on as many connections as there are writers."""
    engine = create_engine(settings.model_copy(update={"pool_size": WRITERS, "pool_overflow": 0}))
    yield create_sessions(engine, wake=runtime.wake, clock=runtime.clock)
    await engine.dispose()


async def test_a_reader_and_a_partner_miss_nothing_while_32_connections_write(
    serve, reader, runtime, connections, eventually
):
    """One follows the feed from its beginning, the other from a snapshot taken on the way."""
    keys = [*(f"shared-{n}" for n in range(8)), *(f"own-{n}" for n in range(WRITERS))]
    async with runtime.sessions() as session:
        added = text("INSERT INTO books (key, title) VALUES (:k, :k)")
        await session.execute(added, [{"k": key} for key in keys])
        await session.commit()
    stop, over = asyncio.Event(), asyncio.Event()
    async with serve(Snapshot("books", Book, stream_books)) as client, asyncio.timeout(90):
        relaying = asyncio.create_task(relay.run(runtime, stop=stop))
        one, partner = Follower(client, reader), Follower(client, reader)
        writers = Writers(connections, one)
        writing = asyncio.gather(*(writers.write(n) for n in range(WRITERS)))
        following = asyncio.create_task(one.follow(over))
        await eventually(lambda: len(one.seen) >= 40, timeout=60)
        await partner.begin_with_snapshot()
        assert not writing.done()
        await writing
        await eventually(lambda: _is_placed(runtime), timeout=60)
        over.set()
        await following
        await partner.follow(over)
        whole, _ = await read_all(client, reader)
        stop.set()
        await relaying
    assert len(one.seen) == len(set(one.seen))
    assert set(one.seen) == set(writers.told)  # none missed, none of what was rolled back
    assert one.seen == [event["id"] for event in whole]
    assert 0 < len(partner.seen) < len(one.seen)
    assert partner.seen == one.seen[-len(partner.seen) :]
    async with runtime.sessions() as session:
        books = await session.execute(text("SELECT key, pages FROM books"))
        truth = {row.key: row.pages for row in books}
        positions = (await session.scalars(select(OutboxRow.position))).all()
    assert one.copy == {key: pages for key, pages in truth.items() if pages}
    assert partner.copy == truth
    assert sorted(positions) == list(range(1, len(whole) + 1))
    by_subject: dict[str, list[int]] = {}
    for event in whole:
        by_subject.setdefault(event["subject"], []).append(event["sequence"])
    assert all(sequences == list(range(1, truth[key] + 1)) for key, sequences in by_subject.items())


async def _is_placed(runtime):
    async with runtime.reader.connect() as connection:
        found = await connection.execute(text("SELECT count(*) FROM outbox WHERE position IS NULL"))
        return found.scalar_one() == 0
