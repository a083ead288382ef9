"""What both buses promise, by the same tests; after them what only RabbitMQ can break."""

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar

import aio_pika
import pytest

from chassis.bus import (
    DEAD_QUEUE,
    BusUnavailable,
    Outcome,
    Outgoing,
    RabbitBus,
)
from contracts.catalog import CategoryChanged, StoreChanged
from contracts.orders import StockChanged

STORE, STOCK, CATEGORY = StoreChanged.type, StockChanged.type, CategoryChanged.type


@pytest.fixture
def bus(any_bus):
    return any_bus


class Inbox:
    """Takes bodies; fails as often as it is told to."""

    def __init__(self):
        self.bodies = []
        self.failures = 0
        self.hold = None
        self.begun = asyncio.Event()

    async def deliver(self, body):
        self.begun.set()
        if self.failures:
            self.failures -= 1
            raise RuntimeError("cannot store it")
        if self.hold is not None:
            await self.hold.wait()
        self.bodies.append(body)


@asynccontextmanager
async def consuming(bus, queue, inbox=None):
    inbox, stop = inbox or Inbox(), asyncio.Event()
    task = asyncio.create_task(bus.consume(queue, inbox.deliver, stop=stop))
    await asyncio.sleep(0)
    try:
        yield inbox
    finally:
        stop.set()
        await task


def outgoing(kind, *numbers):
    return [
        Outgoing(f"01932c07-2a3c-7d5e-8f00-{number:012}", kind, f"{kind} {number}".encode())
        for number in numbers
    ]


async def send(bus, events):
    """Publish as a relay does: what was not sent is sent again."""
    while events:
        outcomes = await bus.publish(events)
        events = [
            event
            for event, outcome in zip(events, outcomes, strict=True)
            if outcome is not Outcome.SENT
        ]
        await asyncio.sleep(0.01 if events else 0)


async def test_an_event_reaches_every_queue_that_takes_it(bus, eventually):
    async with (
        consuming(bus, "pricing.stores") as pricing,
        consuming(bus, "orders.stores") as orders,
        consuming(bus, "catalog.availability") as catalog,
    ):
        await send(bus, outgoing(STORE, 1, 2))
        await send(bus, outgoing(STOCK, 3))
        for inbox in (pricing, orders):
            await eventually(lambda inbox=inbox: len(inbox.bodies) == 2)
            assert set(inbox.bodies) == {f"{STORE} 1".encode(), f"{STORE} 2".encode()}
        await eventually(lambda: catalog.bodies == [f"{STOCK} 3".encode()])


async def test_an_event_that_nobody_takes_is_sent(bus):
    assert await bus.publish(outgoing(CATEGORY, 1)) == [Outcome.SENT]


async def test_a_consumer_that_was_never_started_loses_nothing(bus, eventually):
    events = outgoing(STOCK, *range(50))
    outcomes = await bus.publish(events)
    left = [e for e, o in zip(events, outcomes, strict=True) if o is not Outcome.SENT]
    async with consuming(bus, "catalog.availability") as inbox:
        await send(bus, left)
        await eventually(lambda: len(set(inbox.bodies)) == 50)


async def test_what_could_not_be_stored_is_delivered_again(bus, eventually):
    inbox = Inbox()
    inbox.failures = 3
    async with consuming(bus, "catalog.availability", inbox):
        await send(bus, outgoing(STOCK, 1))
        await eventually(lambda: inbox.bodies == [f"{STOCK} 1".encode()])


async def test_one_that_fails_does_not_hold_up_the_others(bus, eventually):
    class Picky(Inbox):
        async def deliver(self, body):
            if body.endswith(b" 1") and len(self.bodies) < 5:
                raise RuntimeError("not this one yet")
            self.bodies.append(body)

    async with consuming(bus, "catalog.availability", Picky()) as inbox:
        await send(bus, outgoing(STOCK, 1, 2, 3, 4, 5, 6))
        await eventually(lambda: len(set(inbox.bodies)) == 6)


async def test_stopping_finishes_what_is_in_hand_and_keeps_the_rest(bus, eventually):
    inbox, stop = Inbox(), asyncio.Event()
    inbox.hold = asyncio.Event()
    consuming_task = asyncio.create_task(
        bus.consume("catalog.availability", inbox.deliver, stop=stop)
    )
    sending = asyncio.create_task(send(bus, outgoing(STOCK, *range(20))))
    await inbox.begun.wait()
    stop.set()
    await asyncio.wait([consuming_task], timeout=0.05)
    assert not consuming_task.done()
    inbox.hold.set()
    await consuming_task
    assert inbox.bodies
    before = list(inbox.bodies)
    async with consuming(bus, "catalog.availability") as second:
        await eventually(lambda: len({*before, *second.bodies}) == 20)
    await sending


async def test_a_consumer_works_in_its_own_context(bus, eventually):
    """What it logs is its own service's, also when publisher and consumer share a process."""
    service: ContextVar[str] = ContextVar("service")
    seen = []

    async def deliver(body):
        seen.append(service.get())

    stop = asyncio.Event()
    service.set("consumer")
    consuming_task = asyncio.create_task(bus.consume("catalog.availability", deliver, stop=stop))
    service.set("publisher")
    await asyncio.sleep(0)
    await send(bus, outgoing(STOCK, 1))
    await eventually(lambda: seen)
    assert seen == ["consumer"]
    stop.set()
    await consuming_task


async def test_two_consumers_of_a_queue_share_it(bus, eventually):
    async with (
        consuming(bus, "catalog.availability") as one,
        consuming(bus, "catalog.availability") as other,
    ):
        await send(bus, outgoing(STOCK, *range(30)))
        await eventually(lambda: len(one.bodies) + len(other.bodies) >= 30)
        assert len({*one.bodies, *other.bodies}) == 30


async def test_a_listener_hears_its_types_as_they_pass(bus, eventually):
    heard: list[bytes] = []
    gaps, stop = [], asyncio.Event()
    listening = asyncio.create_task(
        bus.listen([CATEGORY], heard.append, lambda: gaps.append(1), stop=stop)
    )
    await eventually(lambda: gaps)
    await send(bus, outgoing(CATEGORY, 1, 2))
    await bus.publish(outgoing(STORE, 3))
    await eventually(lambda: len(heard) == 2)
    stop.set()
    await listening
    await send(bus, outgoing(CATEGORY, 4))
    assert heard == [f"{CATEGORY} 1".encode(), f"{CATEGORY} 2".encode()]


async def test_a_listener_that_fails_is_not_in_the_way(bus, eventually):
    gaps, stop = [], asyncio.Event()

    def fail(body):
        raise RuntimeError("broken cache")

    listening = asyncio.create_task(bus.listen([CATEGORY], fail, lambda: gaps.append(1), stop=stop))
    await eventually(lambda: gaps)
    assert await bus.publish(outgoing(CATEGORY, 1)) == [Outcome.SENT]
    stop.set()
    await listening


@pytest.fixture
async def far_bus(broker_proxy):
    opened = RabbitBus(broker_proxy.url, name="far", prefetch=10, timeout_seconds=3)
    yield opened
    await opened.close()


async def test_a_cut_consumer_comes_back_and_nothing_is_lost(
    rabbitmq, far_bus, broker_proxy, eventually
):
    near = RabbitBus(rabbitmq, name="near")
    async with consuming(far_bus, "catalog.availability") as inbox:
        await send(near, outgoing(STOCK, *range(10)))
        await eventually(lambda: len(set(inbox.bodies)) == 10)
        broker_proxy.refuses = True
        broker_proxy.cut()
        await eventually(lambda: not far_bus.healthy)
        await send(near, outgoing(STOCK, *range(10, 20)))
        broker_proxy.refuses = False
        await eventually(lambda: len(set(inbox.bodies)) == 20, timeout=10)
        assert far_bus.healthy
    await near.close()


async def test_a_cut_in_the_middle_of_a_delivery_delivers_it_again(
    rabbitmq, far_bus, broker_proxy, eventually
):
    near = RabbitBus(rabbitmq, name="near")
    inbox = Inbox()
    inbox.hold = asyncio.Event()
    async with consuming(far_bus, "catalog.availability", inbox):
        await send(near, outgoing(STOCK, 1))
        await inbox.begun.wait()
        broker_proxy.cut()
        inbox.hold.set()
        await eventually(lambda: len(inbox.bodies) == 2, timeout=10)
    await near.close()


async def test_a_cut_while_publishing_is_told_and_mended(
    far_bus, broker_proxy, eventually, rabbitmq
):
    await far_bus.declare()
    sending = asyncio.create_task(far_bus.publish(outgoing(STOCK, *range(200))))
    await asyncio.sleep(0)
    broker_proxy.cut()
    outcomes = await sending
    assert Outcome.LOST in outcomes
    lost = [
        event
        for event, outcome in zip(outgoing(STOCK, *range(200)), outcomes, strict=True)
        if outcome is not Outcome.SENT
    ]
    await send(far_bus, lost)
    near = RabbitBus(rabbitmq, name="near")
    async with consuming(near, "catalog.availability") as inbox:
        await eventually(lambda: len(set(inbox.bodies)) == 200)
    await near.close()


async def test_a_broker_that_is_away_is_told(far_bus, broker_proxy):
    broker_proxy.refuses = True
    with pytest.raises(BusUnavailable):
        await far_bus.publish(outgoing(STOCK, 1))
    with pytest.raises(BusUnavailable):
        await far_bus.declare()
    broker_proxy.refuses = False
    assert await far_bus.publish(outgoing(STOCK, 1)) == [Outcome.SENT]


async def test_a_listener_is_told_of_the_gap_when_it_was_cut_off(
    rabbitmq, far_bus, broker_proxy, eventually
):
    near = RabbitBus(rabbitmq, name="near")
    heard: list[bytes] = []
    gaps, stop = [], asyncio.Event()
    listening = asyncio.create_task(
        far_bus.listen([CATEGORY], heard.append, lambda: gaps.append(1), stop=stop)
    )
    await eventually(lambda: len(gaps) == 1)
    broker_proxy.cut()
    await eventually(lambda: len(gaps) >= 3, timeout=10)  # when it went, and when it was back
    await near.publish(outgoing(CATEGORY, 1))
    await eventually(lambda: heard == [f"{CATEGORY} 1".encode()])
    stop.set()
    await listening
    await near.close()


async def test_an_unroutable_event_is_refused_until_its_queue_is_there(rabbitmq):
    bus = RabbitBus(rabbitmq, name="test")
    await bus.declare()
    async with await aio_pika.connect(rabbitmq) as connection:
        channel = await connection.channel()
        await channel.queue_delete("catalog.availability")
    assert await bus.publish([*outgoing(STOCK, 1), *outgoing(CATEGORY, 2)]) == [
        Outcome.REFUSED,
        Outcome.SENT,
    ]
    await bus.declare()
    assert await bus.publish(outgoing(STOCK, 1)) == [Outcome.SENT]
    await bus.close()


async def test_a_consumer_whose_queue_is_deleted_makes_it_anew(rabbitmq, eventually):
    bus = RabbitBus(rabbitmq, name="test")
    async with consuming(bus, "catalog.availability") as inbox:
        await send(bus, outgoing(STOCK, 1))
        await eventually(lambda: len(inbox.bodies) == 1)
        async with await aio_pika.connect(rabbitmq) as connection:
            channel = await connection.channel()
            await channel.queue_delete("catalog.availability")
        await send_when_routable(bus, outgoing(STOCK, 2), eventually)
        await eventually(lambda: len(inbox.bodies) == 2, timeout=10)
    await bus.close()


async def send_when_routable(bus, events, eventually):
    async def is_sent():
        return await bus.publish(events) == [Outcome.SENT]

    await eventually(is_sent, timeout=10)


async def test_messages_are_durable_and_say_what_they_are(rabbitmq):
    bus = RabbitBus(rabbitmq, name="test")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await bus.publish([Outgoing("01932c07-2a3c-7d5e-8f00-000000000001", STOCK, b"{}", trace)])
    async with await aio_pika.connect(rabbitmq) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("catalog.availability")
        message = await queue.get()
        assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        assert message.content_type == "application/cloudevents+json"
        assert message.message_id == "01932c07-2a3c-7d5e-8f00-000000000001"
        assert message.headers["traceparent"] == trace
        # What a consumer would reject for good is kept.
        await message.reject(requeue=False)
        dead = await channel.get_queue(DEAD_QUEUE)
        found = None
        for _ in range(200):
            found = await dead.get(fail=False, no_ack=True)
            if found is not None:
                break
            await asyncio.sleep(0.02)
        assert found is not None
        assert found.body == b"{}"
    await bus.close()
