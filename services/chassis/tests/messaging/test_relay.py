"""The relay: every committed event goes out, in the order of its feed, from one relay at a time."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import orjson
import pytest
from sqlalchemy import select, text

from chassis import inbox, outbox, relay
from chassis.bus import BusUnavailable, DirectBus, Outcome
from chassis.outbox import OutboxRow
from chassis.runtime import open_runtime
from contracts.catalog import CategoryChanged
from contracts.envelope import MAX_BATCH_BYTES, MAX_BATCH_ITEMS
from contracts.ids import new_id
from contracts.orders import StockChanged, StockFacts


class NotedBus(DirectBus):
    """Takes everything, and notes it; answers what it is told to."""

    def __init__(self):
        super().__init__({})
        self.batches = []
        self.answers = {}
        self.away = False
        self.declared = 0
        self.gate = None

    @property
    def sent(self):
        return [orjson.loads(event.body)["sequence"] for batch in self.batches for event in batch]

    async def declare(self):
        self.declared += 1
        if self.away:
            raise BusUnavailable

    async def publish(self, events):
        if self.away:
            raise BusUnavailable
        self.batches.append(list(events))
        if self.gate is not None:
            await self.gate.wait()
        return [self.answers.get(event.type, Outcome.SENT) for event in events]


@pytest.fixture
def bus(runtime):
    runtime.bus = NotedBus()
    return runtime.bus


@asynccontextmanager
async def relaying(runtime):
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(runtime, stop=stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def rows(runtime):
    async def read():
        async with runtime.sessions() as session:
            found = await session.scalars(select(OutboxRow).order_by(OutboxRow.id))
            return found.all()

    return read


@pytest.fixture
def published(rows):
    async def is_all():
        return all(row.published_at is not None for row in await rows())

    return is_all


async def test_a_committed_event_is_sent_and_a_rolled_back_one_is_not(
    runtime, bus, tell, rows, published, eventually
):
    await tell("A", 1)
    async with runtime.sessions() as session:
        data = StockChanged(items=[StockFacts(sku="B", sequence=1, available=1)])
        outbox.add(session, data, subject="B", sequence=1)
        await session.flush()
        await session.rollback()
    async with relaying(runtime):
        await eventually(published)
    assert [row.subject for row in await rows()] == ["A"]
    ((event,),) = bus.batches
    whole = orjson.loads(event.body)
    assert whole["type"] == event.type == StockChanged.type
    assert (whole["subject"], whole["sequence"], whole["source"]) == ("A", 1, "/tandem/orders")
    assert whole["data"] == {"items": [{"sku": "A", "sequence": 1, "available": 1}]}


async def test_positions_have_no_gap_and_events_go_out_by_them(
    runtime, bus, tell, rows, published, eventually
):
    runtime.settings.relay_window = 7
    for n in range(30):
        await tell(f"S{n % 3}", n)
    async with relaying(runtime):
        await eventually(published)
        for n in range(30, 40):
            await tell(f"S{n % 3}", n)
        await eventually(published)
    assert [row.position for row in await rows()] == list(range(1, 41))
    assert bus.sent == list(range(40))
    assert max(len(batch) for batch in bus.batches) == 7


async def test_a_commit_wakes_the_relay_of_its_process(runtime, bus, tell, eventually):
    runtime.settings.sweep_seconds = 60
    async with relaying(runtime):
        await eventually(lambda: bus.declared)
        await tell("A", 1)
        await eventually(lambda: bus.sent == [1])


async def test_a_commit_wakes_the_relay_of_another_process(
    runtime, bus, tell, service, settings, eventually
):
    async with open_runtime(service, settings.model_copy(update={"sweep_seconds": 60})) as other:
        other.bus = NotedBus()
        async with relaying(other):
            await tell("A", 0)
            await eventually(lambda: other.bus.sent == [0])
            await tell("A", 1)
            await eventually(lambda: other.bus.sent == [0, 1])


async def test_one_relay_at_a_time_and_the_next_takes_over(
    runtime, bus, tell, service, settings, published, eventually
):
    async with open_runtime(service, settings) as other, relaying(runtime):
        other.bus = NotedBus()
        await tell("A", 1)
        await eventually(published)
        async with relaying(other):
            await tell("A", 2)
            await eventually(published)
            assert (bus.sent, other.bus.sent) == ([1, 2], [])
            await kill_relay(runtime)
            bus.away = True  # the old one may well get the role back, and can do nothing with it
            await eventually(lambda: bus.declared > 1 or other.bus.declared)
            bus.away = False
            await tell("A", 3)
            await eventually(published)
    assert sorted({*bus.sent, *other.bus.sent}) == [1, 2, 3]


async def kill_relay(runtime):
    """End the connection that holds the relay's lock."""
    async with runtime.direct.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )


async def test_a_relay_that_lost_its_role_writes_nothing_more(runtime, bus, tell, rows, eventually):
    """It hangs in a publish while another takes over; its confirms come too late to be marked."""
    bus.gate = asyncio.Event()
    await tell("A", 1)
    async with runtime.direct.connect() as outer:
        connection = (await outer.get_raw_connection()).driver_connection
        old = relay.Relay(runtime, connection)
        await old.execute(relay._HEAD)
        await old.place()
        sending = asyncio.create_task(old.send())
        await eventually(lambda: bus.batches)
        await connection.close()
        bus.gate.set()
        with pytest.raises(Exception, match="closed"):
            await sending
        with pytest.raises(Exception, match="closed"):
            await old.place()
        assert [row.published_at for row in await rows()] == [None]


async def test_killed_between_confirm_and_mark_it_sends_twice_and_the_effect_is_once(
    runtime, effects, tell, published, eventually
):
    class DiesAfterConfirm(DirectBus):
        dies = True

        async def publish(self, events):
            outcomes = await super().publish(events)
            if self.dies:
                confirmed.set()
                await asyncio.Event().wait()
            return outcomes

    confirmed = asyncio.Event()
    runtime.bus = DiesAfterConfirm()
    stop = asyncio.Event()
    consuming = asyncio.create_task(inbox.run(runtime, stop=stop))
    for n in range(5):
        await tell("A", n)
    first = asyncio.create_task(relay.run(runtime, stop=asyncio.Event()))
    await confirmed.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert not await published()
    assert len(await effects.seen()) == 5
    runtime.bus.dies = False
    async with relaying(runtime):
        await eventually(published)
    assert await effects.seen() == [("A", n) for n in range(5)]
    stop.set()
    await consuming


async def test_a_refused_type_is_tried_again_and_others_go_on(
    runtime, bus, tell, rows, published, eventually
):
    bus.answers[StockChanged.type] = Outcome.REFUSED
    await tell("A", 1)
    async with runtime.sessions() as session:
        session.add(_row(CategoryChanged.type, 2))
        await session.commit()
    async with relaying(runtime):

        async def others_went_on():
            return [row.published_at is not None for row in await rows()] == [False, True]

        await eventually(others_went_on)
        declared = bus.declared
        await eventually(lambda: bus.declared > declared)  # queues are declared anew
        bus.answers.clear()
        await eventually(published)
    assert bus.sent.count(2) == 1


def _row(kind, sequence):
    return OutboxRow(
        event_id=new_id(),
        type=kind,
        subject="x",
        sequence=sequence,
        event=f'{{"sequence":{sequence}}}',
        created_at=datetime.now(UTC),
    )


async def test_while_the_broker_is_away_positions_are_given_and_nothing_is_lost(
    runtime, bus, tell, rows, published, eventually
):
    bus.away = True
    await tell("A", 1)
    async with relaying(runtime):

        async def is_placed():
            return [row.position for row in await rows()] == [1]

        await eventually(is_placed)
        await tell("A", 2)
        bus.away = False
        await eventually(published)
    assert bus.sent == [1, 2]


async def test_what_was_lost_with_the_connection_is_sent_again_in_order(
    runtime, bus, tell, published, eventually
):
    await tell("A", 1)
    await tell("A", 2)
    bus.answers[StockChanged.type] = Outcome.LOST
    async with relaying(runtime):
        await eventually(lambda: bus.batches)
        bus.answers.clear()
        await eventually(published)
    assert bus.sent[-2:] == [1, 2]


async def test_stopping_marks_what_is_under_way(runtime, bus, tell, published, eventually):
    bus.gate = asyncio.Event()
    await tell("A", 1)
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(runtime, stop=stop))
    await eventually(lambda: bus.batches)
    stop.set()
    bus.gate.set()
    await task
    assert await published()


async def test_per_subject_the_feed_is_in_the_order_of_sequences(
    runtime, bus, rows, published, eventually
):
    """Many write to few aggregates at once, while the relay gives positions."""
    async with runtime.sessions() as session:
        for key in "abc":
            await session.execute(
                text("INSERT INTO books (key, title) VALUES (:k, :k)"), {"k": key}
            )
        await session.commit()

    async def write(worker):
        for n in range(10):
            async with runtime.sessions() as session:
                key = "abc"[(worker + n) % 3]
                version = await session.scalar(
                    text("UPDATE books SET pages = pages + 1 WHERE key = :k RETURNING pages"),
                    {"k": key},
                )
                data = StockChanged(items=[StockFacts(sku=key, sequence=version, available=1)])
                outbox.add(session, data, subject=key, sequence=version)
                await session.commit()

    async with relaying(runtime):
        await asyncio.gather(*(write(worker) for worker in range(6)))
        await eventually(published)
    by_position = sorted(await rows(), key=lambda row: row.position)
    assert [row.position for row in by_position] == list(range(1, 61))
    for key in "abc":
        sequences = [row.sequence for row in by_position if row.subject == key]
        assert sequences == list(range(1, 21))


async def test_many_items_are_told_in_batches_within_the_limits(runtime, rows):
    items = [StockFacts(sku=f"S{n}", sequence=n + 1, available=1) for n in range(1_201)]
    long = [StockFacts(sku="ü" * 5_000 + str(n), sequence=9, available=1) for n in range(10)]
    async with runtime.sessions() as session:
        outbox.add_items(session, StockChanged, items, subject=lambda item: item.sku)
        outbox.add_items(session, StockChanged, long, subject=lambda item: item.sku)
        outbox.add_items(session, StockChanged, [], subject=lambda item: item.sku)
        await session.commit()
    kept = await rows()
    told = [orjson.loads(row.event) for row in kept]
    assert [len(one["data"]["items"]) for one in told[:3]] == [
        MAX_BATCH_ITEMS,
        MAX_BATCH_ITEMS,
        201,
    ]
    assert all(len(row.event.encode()) <= MAX_BATCH_BYTES for row in kept)
    assert sum(len(one["data"]["items"]) for one in told[3:]) == 10
    assert all(row.subject == f"batch/{row.event_id}" for row in kept[:3])
    assert {row.sequence for row in kept[:3]} == {1}


async def test_from_outbox_to_effect_on_both_buses(
    any_bus, runtime, effects, tell, published, eventually
):
    runtime.bus = any_bus
    stop = asyncio.Event()
    for n in range(20):
        await tell(f"S{n % 4}", n)
    async with relaying(runtime):
        consuming = asyncio.create_task(inbox.run(runtime, stop=stop))

        async def all_effects():
            return len(await effects.seen()) == 20

        await eventually(all_effects, timeout=15)
        await eventually(published)
        stop.set()
        await consuming
    assert sorted(await effects.seen(), key=lambda one: one[1]) == [
        (f"S{n % 4}", n) for n in range(20)
    ]
