"""Local copies: filled once, kept by events, rebuilt while events flow."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest
from sqlalchemy import Column, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import BIGINT, BOOLEAN

from chassis import copies, failpoints, inbox, outbox
from chassis.copies import Copy, CopyTable, apply_newer
from chassis.failpoints import FailpointRaised
from chassis.feed import Snapshot
from chassis.inbox import Consumer
from chassis.run import serve_roles
from chassis.runtime import Runtime
from contracts.orders import StockChanged, StockFacts

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


@dataclass
class Shop:
    """A service that owns stock, and one that keeps copies of it, both at work."""

    owner: Runtime
    keeper: Runtime
    eventually: Callable[..., Awaitable[Any]]

    async def count(self, sku):
        """Change the stock of a SKU, and tell of it; its sequence."""
        async with self.owner.sessions() as session:
            sequence = await session.scalar(
                text(
                    "INSERT INTO stock (sku, sequence) VALUES (:sku, 1) ON CONFLICT (sku)"
                    " DO UPDATE SET sequence = stock.sequence + 1 RETURNING sequence"
                ),
                {"sku": sku},
            )
            data = StockChanged(items=[StockFacts(sku=sku, sequence=sequence, available=sequence)])
            outbox.add(session, data, subject=sku, sequence=sequence)
            await session.commit()
        return sequence

    async def go_on_counting(self, stop):
        random = Random(2)
        while not stop.is_set():
            sku = f"S{random.randrange(60)}"
            await self.wait_until_told(sku, await self.count(sku))

    async def wait_until_told(self, sku, sequence):
        async def is_told():
            return (await self.steady()).get(sku, (0, 0))[1] >= sequence

        await self.eventually(is_told, timeout=30)

    async def read(self, what):
        async with self.owner.reader.connect() as connection:
            found = await connection.execute(text(what))
            return {one.sku: (one.available, one.sequence) for one in found}

    async def stock(self):
        return await self.read("SELECT sku, sequence AS available, sequence FROM stock")

    async def rebuilt(self):
        return await self.read("SELECT * FROM availability WHERE NOT is_deleted")

    async def steady(self):
        return await self.read("SELECT * FROM steady WHERE NOT is_deleted")


async def stream_stock(connection):
    async with connection.stream(text("SELECT sku, sequence FROM stock")) as rows:
        async for one in rows:
            yield StockFacts(sku=one.sku, sequence=one.sequence, available=one.sequence)


@pytest.fixture
async def shop(any_bus, service, settings, runtime, monkeypatch, eventually):
    """Both services on one database; the keeper has a second copy, which is never rebuilt."""
    monkeypatch.setattr(copies, "_LINES_AT_ONCE", 10)
    steady = TABLE.to_metadata(MetaData(), name="steady")
    async with runtime.sessions() as session:
        await session.execute(text("CREATE TABLE stock (sku text PRIMARY KEY, sequence bigint)"))
        await session.execute(text("CREATE TABLE steady (LIKE availability INCLUDING ALL)"))
        await session.commit()

    async def follow(session, event, /):
        rows = [row(item.sku, item.sequence, item.available) for item in event.data.items]
        for table in (TABLE, steady):
            await apply_newer(session, table, rows, keys=["sku"])

    owning = replace(
        service, name="orders", snapshots=(Snapshot("stock", StockFacts, stream_stock),)
    )
    keeping = replace(
        service,
        name="catalog",
        consumers=(Consumer(QUEUE, {StockChanged: follow}),),
        copies=(replace(COPY, apply=apply_facts),),
    )
    for_owner = settings.model_copy(update={"service": "orders"})
    async with serve_roles(owning, for_owner, ("api", "relay"), bus=any_bus) as owner:
        url = f"http://127.0.0.1:{owner.port}"
        for_keeper = settings.model_copy(update={"service": "catalog", "orders_url": url})
        opened = Shop(owner, owner, eventually)
        for n in range(50):  # before anybody keeps a copy
            await opened.count(f"S{n}")
        async with serve_roles(keeping, for_keeper, ("consume",), bus=any_bus) as opened.keeper:
            yield opened


async def apply_facts(session, lines):
    rows = [row(line["sku"], line["sequence"], line["available"]) for line in lines]
    await apply_newer(session, TABLE, rows, keys=["sku"])


async def test_a_rebuild_that_breaks_off_and_is_begun_again_while_events_flow(
    shop, keep, eventually, monkeypatch
):
    """It ends equal to a copy that never stopped, over both buses, wherever it broke off."""

    async def is_level():
        stock = await shop.stock()
        return await shop.rebuilt() == stock == await shop.steady()

    (copy,) = shop.keeper.service.copies
    await eventually(lambda: copies._is_filled(shop.keeper, copy), timeout=30)
    await eventually(is_level, timeout=30)
    async with shop.keeper.sessions() as session:
        await session.execute(text("DELETE FROM availability WHERE sku < 'S2'"))
        await session.execute(text("UPDATE availability SET available = -1 WHERE sku > 'S4'"))
        await session.commit()
    await keep(row("never", 1))
    stop = asyncio.Event()
    counting = asyncio.create_task(shop.go_on_counting(stop))

    unmade: list[str] = []

    async def apply_late(session, lines):
        """Something is made, and something changed and told, after the snapshot was taken."""
        while unmade:
            await shop.count(unmade.pop())
        sku = lines[0]["sku"]
        await shop.wait_until_told(sku, await shop.count(sku))
        await apply_facts(session, lines)

    async def rebuild(name):
        await keep(row(name, 0))
        unmade.append(name)
        return await copies.rebuild(shop.keeper, replace(copy, apply=apply_late))

    for point in ("batch:committing", "batch:committed", "filled:committed", "sweeping", "swept"):
        number = "@3" if point.startswith("batch") else ""
        order = f"copies:availability:{point}=raise{number}"
        allowed = os.environ | {"TANDEM_FAILPOINTS_ALLOWED": "1", "TANDEM_FAILPOINTS": order}
        with monkeypatch.context() as patch:
            patch.setattr(failpoints, "_armed", failpoints.from_environment(allowed))
            with pytest.raises(FailpointRaised):
                await rebuild(f"late {point}")
    assert await rebuild("late")
    stop.set()
    await counting
    await eventually(is_level, timeout=30)
    assert len(await shop.stock()) > 50


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
