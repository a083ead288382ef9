"""The bus: a plain pipe from relays into inboxes, over RabbitMQ or within one process.

Nothing here knows what an event means or where it is kept: bodies are bytes, and the consumer's
`deliver` returns once it has them safe. Both pipes keep one promise: what `publish` calls SENT
will be given to every queue's `deliver` at least once, or has been already.

```
BusUnavailable  the broker cannot be reached now
```
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Protocol, cast

import aio_pika
import aiormq
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
)
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError

from chassis import failpoints
from chassis.backoff import Backoff
from chassis.logs import get_logger
from contracts.envelope import MEDIA_TYPE
from contracts.problems import Unavailable
from contracts.topology import EXCHANGE, QUEUES

DEAD_EXCHANGE = "tandem.dead"
DEAD_QUEUE = "tandem.dead"
MANY_DELIVERIES = 1_000_000

log = get_logger(__name__)


class BusUnavailable(Unavailable):
    """The broker cannot be reached right now."""

    def __init__(self) -> None:
        super().__init__("The message broker cannot be reached right now.")


class Outcome(StrEnum):
    """What became of one published event."""

    SENT = "sent"
    """It is safe: confirmed by the broker for every queue, or committed by every inbox."""
    REFUSED = "refused"
    """Somebody who waits for it could not take it (no queue, no consumer yet): try it again."""
    LOST = "lost"
    """Nobody knows, for the connection went: try it again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event as the relay hands it over: the whole CloudEvent is in `body`."""

    event_id: str
    type: str
    body: bytes
    traceparent: str | None = None


Deliver = Callable[[bytes], Awaitable[None]]
"""Takes one event and returns when it is safe; raises if it must be given again later."""


class Bus(Protocol):
    """What relays, inboxes and broadcasts need of a bus; two implementations below."""

    @property
    def healthy(self) -> bool:
        """Whether it can take events now, as far as it knows; for readiness."""
        ...

    async def declare(self) -> None:
        """Make every queue that anybody consumes, so that a late consumer loses nothing."""
        ...

    async def publish(self, events: Sequence[Outgoing]) -> list[Outcome]:
        """Send events in this order; the outcome of each. Raises BusUnavailable."""
        ...

    async def consume(self, queue: str, deliver: Deliver, *, stop: asyncio.Event) -> None:
        """Give the queue's events to `deliver` until `stop`, whatever the broker does."""
        ...

    async def listen(
        self,
        types: Iterable[str],
        hear: Callable[[bytes], None],
        gap: Callable[[], None],
        *,
        stop: asyncio.Event,
    ) -> None:
        """Hear events of these types as they pass, each at most once, until `stop`.

        `gap` is called whenever some may have been missed: at the start, when the connection
        goes, and when it is back.
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


def open_bus(amqp_url: str | None, *, name: str, random: Random | None = None) -> Bus:
    """RabbitMQ if there is a URL, else a pipe within this process."""
    if amqp_url is None:
        return DirectBus()
    return RabbitBus(amqp_url, name=name, random=random)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until `stop`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def first_of(stop: asyncio.Event, other: Awaitable[Any]) -> None:
    """Wait for one of both; the other is given up."""
    tasks = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(other)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


class DirectBus:
    """Carries events within one process, straight into the inboxes that registered.

    An event is SENT only when every queue that takes its type has committed it; a queue that
    nobody consumes yet means REFUSED, and the relay comes again. One bus is shared by all
    services of the process.
    """

    def __init__(self, queues: Mapping[str, Sequence[str]] = QUEUES) -> None:
        self._takers: defaultdict[str, list[str]] = defaultdict(list)
        for queue, types in queues.items():
            for kind in types:
                self._takers[kind].append(queue)
        self._consumers: defaultdict[str, list[_Direct]] = defaultdict(list)
        self._listeners: list[_Listener] = []

    @property
    def healthy(self) -> bool:
        return True

    async def declare(self) -> None:
        """Nothing to make: queues are the consumers themselves."""

    async def publish(self, events: Sequence[Outgoing]) -> list[Outcome]:
        """Carry each event to its queues: queues side by side, events of a queue in order."""
        missing: set[int] = set()
        work: defaultdict[str, list[int]] = defaultdict(list)
        for index, event in enumerate(events):
            for queue in self._takers[event.type]:
                work[queue].append(index)
        await asyncio.gather(
            *(self._carry(queue, indexes, events, missing) for queue, indexes in work.items())
        )
        for event in events:
            for listener in tuple(self._listeners):
                listener.tell(event)
        return [
            Outcome.REFUSED if index in missing else Outcome.SENT for index in range(len(events))
        ]

    async def _carry(
        self, queue: str, indexes: list[int], events: Sequence[Outgoing], missing: set[int]
    ) -> None:
        for index in indexes:
            consumers = self._consumers[queue]
            if not consumers:
                missing.add(index)
                continue
            try:
                await consumers[0].take(events[index].body)
            except Exception as error:
                log.warning("delivery failed", queue=queue, error=type(error).__name__)
                missing.add(index)

    async def consume(self, queue: str, deliver: Deliver, *, stop: asyncio.Event) -> None:
        """Take the queue's events until `stop`; what is being taken then is finished."""
        consumer = _Direct(deliver)
        self._consumers[queue].append(consumer)
        try:
            await stop.wait()
        finally:
            self._consumers[queue].remove(consumer)
            await consumer.idle.wait()

    async def listen(
        self,
        types: Iterable[str],
        hear: Callable[[bytes], None],
        gap: Callable[[], None],
        *,
        stop: asyncio.Event,
    ) -> None:
        """Hear what is published in this process."""
        listener = _Listener(frozenset(types), hear)
        self._listeners.append(listener)
        try:
            gap()
            await stop.wait()
        finally:
            self._listeners.remove(listener)

    async def close(self) -> None:
        """Nothing is held."""


class _Direct:
    """A consumer in this process, and whether it has something in hand.

    It works in the context it was begun in, not in the publisher's: what it logs is its own
    service's.
    """

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._context = copy_context()
        self._busy = 0
        self.idle = asyncio.Event()
        self.idle.set()

    async def take(self, body: bytes) -> None:
        self._busy += 1
        self.idle.clear()
        try:
            await asyncio.create_task(self._work(body), context=self._context.copy())
        finally:
            self._busy -= 1
            if not self._busy:
                self.idle.set()

    async def _work(self, body: bytes) -> None:
        await self._deliver(body)


@dataclass(frozen=True, slots=True)
class _Listener:
    types: frozenset[str]
    hear: Callable[[bytes], None]

    def tell(self, event: Outgoing) -> None:
        if event.type not in self.types:
            return
        try:
            self.hear(event.body)
        except Exception as error:
            log.error("listener failed", type=event.type, exc_info=error)


_GONE = (AMQPError, OSError, TimeoutError, RuntimeError)
"""What a lost connection or channel raises; `ChannelInvalidStateError` is a RuntimeError."""


class RabbitBus:
    """RabbitMQ 3.10 or newer: a durable topic exchange, a quorum queue per consuming feature.

    Publishes with confirms, a window of them under way at once. Plain connections, not aio-pika's
    robust ones: each loop here opens what it needs, and opens it again with growing pauses for as
    long as it takes, so that there is one place that knows what was lost.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        queues: Mapping[str, Sequence[str]] = QUEUES,
        prefetch: int = 40,
        workers: int = 4,
        timeout_seconds: float = 15.0,
        heartbeat_seconds: int = 15,
        random: Random | None = None,
    ) -> None:
        self._url = url
        self._name = name
        self._queues = dict(queues)
        self._awaited = frozenset(kind for types in queues.values() for kind in types)
        self._prefetch = prefetch
        self._workers = workers
        self._timeout = timeout_seconds
        self._heartbeat = heartbeat_seconds
        self._random = random or Random()  # noqa: S311  jitter, not a secret
        self._connections: dict[str, AbstractConnection] = {}
        self._failing: set[str] = set()
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._publisher: tuple[AbstractChannel, AbstractExchange] | None = None

    @property
    def healthy(self) -> bool:
        """Whether every connection that was wanted so far stands."""
        return not self._failing and all(
            _stands(connection) for connection in self._connections.values()
        )

    async def declare(self) -> None:
        """Declare exchange, queues and bindings of the whole topology, and what catches rejects.

        Raises BusUnavailable.
        """
        try:
            channel, _ = await self._open_publisher()
            await self._declare_all(channel)
        except _GONE as error:
            await self._drop_publisher()
            raise BusUnavailable from error

    async def publish(self, events: Sequence[Outgoing]) -> list[Outcome]:
        """Publish in this order, all confirms awaited together; the caller keeps the window."""
        try:
            _, exchange = await self._open_publisher()
        except _GONE as error:
            await self._drop_publisher()
            raise BusUnavailable from error
        outcomes = await asyncio.gather(*(self._send(exchange, event) for event in events))
        if Outcome.LOST in outcomes:
            await self._drop_publisher()
        return outcomes

    async def _send(self, exchange: AbstractExchange, event: Outgoing) -> Outcome:
        headers: dict[str, Any] = {}
        if event.traceparent:
            headers["traceparent"] = event.traceparent
        message = aio_pika.Message(
            event.body,
            content_type=MEDIA_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=event.event_id,
            type=event.type,
            headers=headers,
        )
        try:
            failpoints.hit("bus:publishing")
            confirm = await exchange.publish(
                message,
                routing_key=event.type,
                mandatory=event.type in self._awaited,
                timeout=self._timeout,
            )
            failpoints.hit("bus:published")
        except PublishError:
            log.error("event unroutable", type=event.type, event_id=event.event_id)
            return Outcome.REFUSED
        except DeliveryError:
            return Outcome.REFUSED
        except _GONE:
            return Outcome.LOST
        except asyncio.CancelledError:
            if _cancelled():
                raise
            return Outcome.LOST  # a closing connection cancels what waits on it
        return Outcome.SENT if isinstance(confirm, aiormq.spec.Basic.Ack) else Outcome.REFUSED

    async def consume(self, queue: str, deliver: Deliver, *, stop: asyncio.Event) -> None:
        """Consume with several workers; an event is acknowledged when `deliver` returned.

        An event that `deliver` could not take goes back to the queue after a pause.
        """
        backoff = Backoff(self._random)
        while not stop.is_set():
            try:
                await self._consume(queue, deliver, stop, backoff)
            except (*_GONE, BusUnavailable) as error:
                log.warning("consumer disconnected", queue=queue, error=str(error))
            if not stop.is_set():
                await pause(stop, backoff.next())

    async def _consume(
        self, queue: str, deliver: Deliver, stop: asyncio.Event, backoff: Backoff
    ) -> None:
        channel = await self._channel("consume", confirms=False)
        try:
            await channel.set_qos(prefetch_count=self._prefetch, timeout=self._timeout)
            await self._declare_exchange(channel)
            declared = await self._declare_queue(channel, queue)
            in_hand: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
            gone = await _watch(channel)
            tag = await declared.consume(in_hand.put, timeout=self._timeout)
            log.info("consuming", queue=queue)
            backoff.reset()
            work = _Work(queue, deliver, in_hand, Backoff(self._random), _either(stop, gone))
            workers = [asyncio.create_task(work.run()) for _ in range(self._workers)]
            try:
                await work.over
                if not gone.done():
                    await declared.cancel(tag, timeout=self._timeout)
            finally:
                for _ in workers:
                    in_hand.put_nowait(None)
                await asyncio.gather(*workers)
        finally:
            await _close(channel)  # what was not begun goes back to the queue

    async def listen(
        self,
        types: Iterable[str],
        hear: Callable[[bytes], None],
        gap: Callable[[], None],
        *,
        stop: asyncio.Event,
    ) -> None:
        """Hear through an exclusive queue that lives as long as the connection."""
        listener = _Listener(frozenset(types), hear)
        backoff = Backoff(self._random)
        while not stop.is_set():
            try:
                await self._listen(listener, gap, stop, backoff)
            except (*_GONE, BusUnavailable) as error:
                log.warning("listener disconnected", error=str(error))
            if not stop.is_set():
                gap()
                await pause(stop, backoff.next())

    async def _listen(
        self,
        listener: "_Listener",
        gap: Callable[[], None],
        stop: asyncio.Event,
        backoff: Backoff,
    ) -> None:
        channel = await self._channel("consume", confirms=False)
        try:
            exchange = await self._declare_exchange(channel)
            queue = await channel.declare_queue(
                exclusive=True, auto_delete=True, timeout=self._timeout
            )
            for kind in sorted(listener.types):
                await queue.bind(exchange, kind, timeout=self._timeout)

            async def take(message: AbstractIncomingMessage) -> None:
                kind = message.routing_key or ""
                listener.tell(Outgoing(message.message_id or "", kind, message.body))

            gone = await _watch(channel)
            await queue.consume(take, no_ack=True, timeout=self._timeout)
            gap()
            backoff.reset()
            await _either(stop, gone)
        finally:
            await _close(channel)

    async def close(self) -> None:
        """Close every connection; loops still running are told by `stop`, not by this."""
        await self._drop_publisher()
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            await _close(connection)

    async def _channel(self, role: str, *, confirms: bool) -> AbstractChannel:
        async with self._opening[role]:
            connection = self._connections.get(role)
            if connection is None or not _stands(connection):
                if connection is not None:
                    await _close(connection)
                self._failing.add(role)
                connection = await self._connect(role)
                self._failing.discard(role)
                self._connections[role] = connection
        channel = connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        async with asyncio.timeout(self._timeout):
            await channel.initialize()
        return channel

    async def _connect(self, role: str) -> AbstractConnection:
        async with asyncio.timeout(self._timeout):
            return await aio_pika.connect(
                self._url,
                heartbeat=self._heartbeat,
                client_properties={"connection_name": f"tandem {self._name} {role}"},
            )

    async def _open_publisher(self) -> tuple[AbstractChannel, AbstractExchange]:
        async with self._opening["publisher"]:
            if self._publisher is not None and not self._publisher[0].is_closed:
                return self._publisher
            channel = await self._channel("publish", confirms=True)
            exchange = await self._declare_all(channel)
            self._publisher = (channel, exchange)
            return self._publisher

    async def _drop_publisher(self) -> None:
        """Forget the channel and its connection: after a failure neither is to be trusted."""
        self._publisher = None
        connection = self._connections.get("publish")
        if connection is not None:
            await _close(connection)

    async def _declare_all(self, channel: AbstractChannel) -> AbstractExchange:
        exchange = await self._declare_exchange(channel)
        for queue in self._queues:
            await self._declare_queue(channel, queue)
        return exchange

    async def _declare_exchange(self, channel: AbstractChannel) -> AbstractExchange:
        await channel.declare_exchange(
            DEAD_EXCHANGE, aio_pika.ExchangeType.FANOUT, durable=True, timeout=self._timeout
        )
        dead = await channel.declare_queue(
            DEAD_QUEUE,
            durable=True,
            arguments={"x-queue-type": "quorum"},
            timeout=self._timeout,
        )
        await dead.bind(DEAD_EXCHANGE, timeout=self._timeout)
        return await channel.declare_exchange(
            EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True, timeout=self._timeout
        )

    async def _declare_queue(self, channel: AbstractChannel, name: str) -> AbstractQueue:
        """Declare a queue whose settings mean the same on RabbitMQ 3.10 and 4.x.

        Attempts are counted in the inbox, so the broker's own limit (none in 3.x, 20 in 4.x) is
        put out of reach; should a policy lower it, what exceeds it is kept in `tandem.dead`.
        """
        queue = await channel.declare_queue(
            name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": MANY_DELIVERIES,
                "x-dead-letter-exchange": DEAD_EXCHANGE,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
            timeout=self._timeout,
        )
        for kind in self._queues.get(name, ()):
            await queue.bind(EXCHANGE, kind, timeout=self._timeout)
        return queue


class _Work:
    """The workers of one queue on one channel."""

    def __init__(
        self,
        queue: str,
        deliver: Deliver,
        in_hand: "asyncio.Queue[AbstractIncomingMessage | None]",
        backoff: Backoff,
        over: "asyncio.Future[None]",
    ) -> None:
        self._queue = queue
        self._deliver = deliver
        self._in_hand = in_hand
        self._backoff = backoff
        self.over = over

    async def run(self) -> None:
        """Work until told that it is over; finish what was begun, leave the rest."""
        while (message := await self._in_hand.get()) is not None and not self.over.done():
            try:
                await self._one(message)
            except _GONE as error:
                log.info("acknowledgement lost", queue=self._queue, error=type(error).__name__)
            except asyncio.CancelledError:
                if _cancelled():
                    raise

    async def _one(self, message: AbstractIncomingMessage) -> None:
        try:
            await self._deliver(message.body)
        except Exception as error:
            seconds = self._backoff.next()
            log.warning(
                "delivery failed", queue=self._queue, seconds=seconds, error=type(error).__name__
            )
            await asyncio.wait([self.over], timeout=seconds)
            failpoints.hit("bus", self._queue, "returning")
            await message.nack(requeue=True)
            failpoints.hit("bus", self._queue, "returned")
        else:
            self._backoff.reset()
            failpoints.hit("bus", self._queue, "acknowledging")
            await message.ack()
            failpoints.hit("bus", self._queue, "acknowledged")


def _stands(connection: AbstractConnection) -> bool:
    return not connection.is_closed and connection.connected.is_set()


def _cancelled() -> bool:
    """Whether it is this task that is to end, not just something it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _either(stop: asyncio.Event, gone: "asyncio.Future[None]") -> "asyncio.Future[None]":
    """Done when `stop` is set or `gone` is done; never fails."""
    stopped = asyncio.ensure_future(stop.wait())
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(_: Any) -> None:
        if not over.done():
            over.set_result(None)

    stopped.add_done_callback(settle)
    gone.add_done_callback(settle)
    over.add_done_callback(lambda _: stopped.cancel())
    return over


async def _watch(channel: AbstractChannel) -> "asyncio.Future[None]":
    """Done when the channel is closed or the broker cancels a consumer on it."""
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(*_: Any) -> None:
        if not gone.done():
            gone.set_result(None)

    channel.close_callbacks.add(settle)
    underlay = cast(aiormq.Channel, await channel.get_underlay_channel())
    underlay.on_consumer_cancel_callbacks.add(settle)
    if channel.is_closed:
        settle()
    return gone


async def _close(resource: AbstractChannel | AbstractConnection) -> None:
    """Close what may be half dead already, without waiting long for its answer."""
    try:
        async with asyncio.timeout(5):
            await resource.close()
    except Exception as error:
        log.debug("close failed", error=type(error).__name__)
    except asyncio.CancelledError:
        if _cancelled():
            raise
