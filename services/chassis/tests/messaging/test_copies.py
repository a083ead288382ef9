"""Local copies: filled once, kept by events, rebuilt while events flow."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest
from sqlalchemy import Column, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import BIGINT, BOOLEAN

from chassis import copies, inbox
from chassis.copies import Copy, CopyTable, apply_newer
from chassis.inbox import Consumer
from contracts.orders import StockChanged

QUEUE = "catalog.availability"
TABLE = Table(
    "availability",
    MetaData(),
    Column("sku", Text, primary_key=True),
    Column("available", BIGINT, nullable=False),
    Column("sequence", BIGINT, nullable=False),
    Column("is_deleted", BOOLEAN, nullable=False),
)


def row(sku, sequence, available=None, *, is_deleted=False):
    return {
        "sku": sku,
        "available": sequence if available is None else available,
        "sequence": sequence,
        "is_deleted": is_deleted,
    }


async def apply(session, lines):
    await apply_newer(session, TABLE, [row(**line) for line in lines], keys=["sku"])


COPY = Copy(
    name="availability",
    neighbour="orders",
    snapshot="stock",
    queue=QUEUE,
    apply=apply,
    tables=(CopyTable(TABLE, ("sku",), tombstone="is_deleted"),),
)


@pytest.fixture(autouse=True)
async def copy(runtime):
    async with runtime.sessions() as session:
        await session.execute(
            text(
                "CREATE TABLE availability (sku text PRIMARY KEY, available bigint NOT NULL,"
                " sequence bigint NOT NULL, is_deleted boolean NOT NULL)"
            )
        )
        await session.commit()
    runtime.service = replace(runtime.service, copies=(COPY,))
    runtime.random = Random(1)
    return COPY


@pytest.fixture
def kept(runtime):
    async def read():
        async with runtime.reader.connect() as connection:
            found = await connection.execute(
                text("SELECT sku, available, sequence, is_deleted FROM availability")
            )
            return {
                one.sku: "gone" if one.is_deleted else (one.available, one.sequence)
                for one in found
            }

    return read


@pytest.fixture
def keep(runtime):
    async def write(*rows, **options):
        async with runtime.sessions() as session:
            count = await apply_newer(session, TABLE, rows, keys=["sku"], **options)
            await session.commit()
            return count

    return write


@pytest.fixture
def snapshot(neighbour_fake):
    """Makes the neighbour answer a snapshot; `before` runs when it is asked for one."""

    def answer(lines, *, cursor="c1", before=None):
        async def stream(call):
            if before is not None:
                await before()
            parts = [orjson.dumps(one) for one in ({"cursor": cursor}, *lines)]
            return 200, b"\n".join(parts) + b"\n", {"Content-Type": "application/x-ndjson"}

        neighbour_fake.on("orders", "GET", "/v1/snapshots/stock", stream)

    return answer


async def test_only_newer_rows_replace(keep, kept):
    assert await keep(row("A", 2), row("B", 1)) == 2
    assert await keep(row("A", 1), row("B", 2), row("C", 1)) == 2
    assert await keep(row("A", 2, available=99)) == 0
    assert await kept() == {"A": (2, 2), "B": (2, 2), "C": (1, 1)}


async def test_of_one_key_twice_in_a_batch_the_newest_wins(keep, kept):
    assert await keep(row("A", 2), row("A", 3), row("A", 1)) == 1
    assert await kept() == {"A": (3, 3)}


async def test_nothing_to_write_is_no_failure(keep):
    assert await keep() == 0


async def test_thousands_of_rows_go_in_one_call(keep, kept):
    assert await keep(*(row(f"S{n}", 1) for n in range(5_000))) == 5_000
    assert await keep(*(row(f"S{n}", 1 + n % 2) for n in range(5_000))) == 2_500
    assert len(await kept()) == 5_000


async def test_batches_over_the_same_rows_never_wait_in_a_circle(keep):
    rows = [row(f"S{n}", 1) for n in range(200)]

    async def write(seed):
        mixed = list(rows)
        Random(seed).shuffle(mixed)
        for sequence in range(5):
            await keep(*({**one, "sequence": sequence * 10 + seed} for one in mixed))

    await asyncio.gather(*(write(seed) for seed in range(4)))


async def test_a_tombstone_is_not_brought_back_by_a_late_event(keep, kept):
    await keep(row("A", 3, is_deleted=True))
    await keep(row("A", 2))
    assert await kept() == {"A": "gone"}
    await keep(row("A", 4))
    assert await kept() == {"A": (4, 4)}


async def test_a_copy_is_filled_once(runtime, snapshot, kept, neighbour_fake):
    snapshot([{"sku": "A", "sequence": 1}, {"sku": "B", "sequence": 2}], cursor="c7")
    assert await copies.fill(runtime, COPY)
    assert await kept() == {"A": (1, 1), "B": (2, 2)}
    async with runtime.sessions() as session:
        filled = await session.get(copies.CopyRow, "availability")
    assert filled.cursor == "c7"
    assert filled.filled_at is not None
    assert not await copies.fill(runtime, COPY)
    assert len(neighbour_fake.calls) == 1


async def test_filling_waits_for_the_neighbour(runtime, snapshot, kept, neighbour_fake, eventually):
    neighbour_fake.down.add("orders")
    snapshot([{"sku": "A", "sequence": 1}])
    stop = asyncio.Event()
    running = asyncio.create_task(copies.run(runtime, stop=stop))
    await asyncio.wait([running], timeout=0.2)
    assert await kept() == {}
    neighbour_fake.down.clear()

    async def is_filled():
        return await kept() == {"A": (1, 1)}

    await eventually(is_filled)
    stop.set()
    await running


async def test_a_fill_that_broke_off_is_begun_again(runtime, snapshot, kept):
    snapshot([{"sku": "A", "sequence": 1}, "not a line"])
    with pytest.raises(Exception, match="mapping"):
        await copies.fill(runtime, COPY)
    assert await kept() == {}
    snapshot([{"sku": "A", "sequence": 1}])
    assert await copies.fill(runtime, COPY)
    assert await kept() == {"A": (1, 1)}


async def test_an_event_newer_than_the_snapshot_stays(runtime, snapshot, keep, kept):
    await keep(row("A", 9))
    snapshot([{"sku": "A", "sequence": 3}])
    assert await copies.fill(runtime, COPY)
    assert await kept() == {"A": (9, 9)}


async def test_only_one_fills_at_a_time(runtime, snapshot, kept):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def before():
        begun.set()
        await go_on.wait()

    snapshot([{"sku": "A", "sequence": 1}], before=before)
    first = asyncio.create_task(copies.fill(runtime, COPY))
    await begun.wait()
    assert not await copies.fill(runtime, COPY)
    assert not await copies.rebuild(runtime, COPY)
    go_on.set()
    assert await first


async def test_a_rebuild_mends_and_buries(runtime, snapshot, keep, kept):
    await keep(
        row("right", 2),
        row("wrong", 2, available=99),
        row("old", 1),
        row("lost", 5),
        row("buried", 6, is_deleted=True),
    )
    snapshot(
        [
            {"sku": "right", "sequence": 2},
            {"sku": "wrong", "sequence": 2},
            {"sku": "old", "sequence": 4},
            {"sku": "missing", "sequence": 1},
        ]
    )
    assert await copies.rebuild(runtime, COPY)
    assert await kept() == {
        "right": (2, 2),
        "wrong": (2, 2),
        "old": (4, 4),
        "missing": (1, 1),
        "lost": "gone",
        "buried": "gone",
    }


async def test_without_tombstones_what_is_gone_is_deleted(runtime, snapshot, keep, kept):
    await keep(row("A", 1), row("lost", 5))
    snapshot([{"sku": "A", "sequence": 1}])
    plain = replace(COPY, tables=(CopyTable(TABLE, ("sku",)),))
    assert await copies.rebuild(runtime, plain)
    assert await kept() == {"A": (1, 1)}


async def test_what_events_bring_during_a_rebuild_stays(runtime, snapshot, keep, kept):
    """Made, changed, deleted and made again while the snapshot is on its way."""
    await keep(row("changed", 1), row("deleted", 1), row("again", 1), row("lost", 1))

    async def meanwhile():
        await keep(
            row("made", 1),
            row("changed", 2),
            row("deleted", 2, is_deleted=True),
            row("again", 3),
        )

    # Taken before all that, except that "again" was deleted (2) just then.
    snapshot(
        [{"sku": "changed", "sequence": 1}, {"sku": "deleted", "sequence": 1}], before=meanwhile
    )
    assert await copies.rebuild(runtime, COPY)
    assert await kept() == {
        "made": (1, 1),
        "changed": (2, 2),
        "deleted": "gone",
        "again": (3, 3),
        "lost": "gone",
    }


@pytest.mark.parametrize("seed", range(6))
async def test_a_rebuild_while_events_flow_ends_like_a_copy_that_never_stopped(
    runtime, snapshot, keep, kept, seed
):
    """A random history; events come late, twice and shuffled, the snapshot from some moment."""
    random = Random(seed)
    history: list[dict[str, Any]] = []
    state: dict[str, dict[str, Any]] = {}
    at_snapshot: dict[str, dict[str, Any]] = {}
    cut = random.randrange(20, 60)
    for step in range(80):
        if step == cut:
            at_snapshot = dict(state)
        sku = f"S{random.randrange(8)}"
        sequence = state.get(sku, row(sku, 0))["sequence"] + 1
        state[sku] = row(sku, sequence, is_deleted=random.random() < 0.3)
        history.append(state[sku])
    before = [one for one in history[:cut] if random.random() < 0.8]  # some were lost
    after = history[cut:] + random.sample(history, 30)
    random.shuffle(before)
    random.shuffle(after)
    middle = random.randrange(len(after))
    await keep(row("never", 1))  # nobody knows where that came from
    for one in before:
        await keep(one)

    async def meanwhile():
        for one in after[:middle]:
            await keep(one)

    lines = [
        {key: one[key] for key in ("sku", "sequence", "is_deleted")}
        for one in at_snapshot.values()
        if not one["is_deleted"] or seed % 2
    ]
    snapshot(lines, before=meanwhile)
    assert await copies.rebuild(runtime, COPY)
    for one in after[middle:]:
        await keep(one)
    right = {
        sku: "gone" if one["is_deleted"] else (one["sequence"], one["sequence"])
        for sku, one in state.items()
    }
    ended = {sku: one for sku, one in (await kept()).items() if one != "gone"}
    assert ended == {sku: one for sku, one in right.items() if one != "gone"}


async def test_lag_is_told_from_the_events_themselves(runtime, make_stock):
    failing = Counter[str]()

    async def handle(session, event, /):
        if failing[event.subject]:
            raise RuntimeError("not now")

    consumer = Consumer(queue=QUEUE, handlers={StockChanged: handle})
    now = runtime.clock.now()

    async def lag(later=timedelta()):
        async with runtime.sessions() as session:
            return await copies.lag(session, COPY, now=now + later)

    assert await lag() is None
    await inbox.receive(runtime, consumer, make_stock("A", 1).model_dump_json().encode())
    assert timedelta(0) <= await lag() < timedelta(seconds=5)
    failing["B"] = 1
    await inbox.receive(runtime, consumer, make_stock("B", 1).model_dump_json().encode())
    assert await lag(timedelta(minutes=10)) > timedelta(minutes=9)
