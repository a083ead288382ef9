"""The change feed: whole, in order, and together with a snapshot enough to rebuild anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import select, text

from chassis import feed, outbox, relay
from chassis.feed import Snapshot
from chassis.outbox import OutboxRow
from chassis.paging import encode_cursor
from chassis.service import create_app
from contracts.catalog import CategoryChanged
from contracts.model import Answer
from contracts.orders import OrderPlaced, StockChanged, StockFacts

OWNER = "orders"  # whose events the tests tell


class Book(Answer):
    key: str
    pages: int


async def stream_books(connection) -> AsyncIterator[Book]:
    async with connection.stream(text("SELECT key, pages FROM books ORDER BY key")) as rows:
        async for row in rows:
            yield Book(key=row.key, pages=row.pages)


@pytest.fixture
async def serve(runtime, settings):
    """The application of a service that owns the events told."""

    @asynccontextmanager
    async def open_client(*snapshots):
        import httpx

        runtime.service = replace(runtime.service, name=OWNER, snapshots=snapshots)
        app = create_app(runtime.service, settings, runtime=runtime)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client,
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


async def test_snapshot_and_feed_together_miss_nothing_while_others_write(
    serve, reader, runtime, eventually
):
    """32 write side by side; a reader takes a snapshot and follows the feed to the same end."""
    async with runtime.sessions() as session:
        for n in range(8):
            await session.execute(
                text("INSERT INTO books (key, title) VALUES (:k, :k)"), {"k": f"b{n}"}
            )
        await session.commit()
    stop = asyncio.Event()
    relaying = asyncio.create_task(relay.run(runtime, stop=stop))

    async def write(worker):
        for n in range(8):
            async with runtime.sessions() as session:
                key = f"b{(worker * 5 + n) % 8}"
                version = await session.scalar(
                    text("UPDATE books SET pages = pages + 1 WHERE key = :k RETURNING pages"),
                    {"k": key},
                )
                data = StockChanged(items=[StockFacts(sku=key, sequence=version, available=1)])
                outbox.add(session, data, subject=key, sequence=version)
                await session.commit()

    async def follow(client, copy, cursor, seen):
        while sum(copy.values()) < 32 * 8:
            page = (
                await client.get(
                    "/v1/changes", params={"after": cursor, "limit": 20}, headers=reader
                )
            ).json()
            for event in page["items"]:
                seen.append(event["id"])
                copy[event["subject"]] = max(copy[event["subject"]], event["sequence"])
            cursor = page["next"]
            await asyncio.sleep(0)

    async with serve(Snapshot("books", Book, stream_books)) as client:
        writers = asyncio.gather(*(write(worker) for worker in range(32)))

        async def is_under_way():
            return await _count(runtime) >= 40

        await eventually(is_under_way, pause=0.001)
        answer = await client.get("/v1/snapshots/books", headers=reader)
        first, *lines = map(orjson.loads, answer.content.splitlines())
        copy = {line["key"]: line["pages"] for line in lines}
        assert 0 < sum(copy.values()) < 32 * 8
        seen: list[str] = []
        async with asyncio.timeout(30):
            await asyncio.gather(writers, follow(client, copy, first["cursor"], seen))
        whole, _ = await read_all(client, reader)
    stop.set()
    await relaying
    assert copy == {f"b{n}": 32 for n in range(8)}
    assert len(seen) == len(set(seen))
    assert [event["id"] for event in whole][-len(seen) :] == seen
    async with runtime.sessions() as session:
        positions = (await session.scalars(select(OutboxRow.position))).all()
    assert sorted(positions) == list(range(1, 32 * 8 + 1))
    by_subject: dict[str, list[int]] = {}
    for event in whole:
        by_subject.setdefault(event["subject"], []).append(event["sequence"])
    assert all(sequences == list(range(1, 33)) for sequences in by_subject.values())


async def _count(runtime):
    async with runtime.reader.connect() as connection:
        return (await connection.execute(text("SELECT count(*) FROM outbox"))).scalar_one()
