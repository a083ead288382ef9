"""A broker that does all that a broker may: it duplicates, reorders, delays and refuses, it loses
confirms and acknowledgements, and goes away. What it confirmed it keeps, whoever crashes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from chassis.bus import BusUnavailable, Deliver, Outcome, Outgoing, pause
from services.chassis.tests.simulation.loop import NODE, WORLD, Domain

_WORKERS = 3


@dataclass(frozen=True)
class Weather:
    """How likely each trouble is, of an event or a delivery."""

    refused: float = 0.0
    lost: float = 0.0
    twice: float = 0.0
    shuffled: float = 0.0
    delayed: float = 0.0
    unacknowledged: float = 0.0


CALM = Weather()


@dataclass(eq=False)
class Delivery:
    """A message in somebody's hands."""

    queue: str
    body: bytes
    node: Domain | None


class Broker:
    """The queues, which outlive every node."""

    def __init__(
        self, topology: Mapping[str, Sequence[str]], random: Random, note: Callable[[str], None]
    ) -> None:
        self.weather = CALM
        self.is_down = False
        self._topology = topology
        self._random = random
        self._note = note
        self._queues: dict[str, list[bytes]] = {}
        self._in_hand: list[Delivery] = []
        self._under_way = 0
        self._arrived: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    @property
    def is_empty(self) -> bool:
        """Whether everything was delivered and acknowledged."""
        return not (self._under_way or self._in_hand or any(self._queues.values()))

    def go_down(self) -> None:
        """Close every connection; what was not acknowledged goes back to its queue."""
        self._note("broker goes down")
        self.is_down = True
        self._take_back(list(self._in_hand))

    def come_up(self) -> None:
        """Be there again."""
        self._note("broker comes up")
        self.is_down = False
        for queue in self._queues:
            self.ring(queue)

    def forget(self, node: Domain) -> None:
        """A node's connections went: what it had in hand goes back."""
        self._take_back([one for one in self._in_hand if one.node is node])

    def declare(self) -> None:
        """Make the queues that are not there."""
        for queue in self._topology:
            self._queues.setdefault(queue, [])

    def put(self, queue: str, body: bytes) -> None:
        """Put a message into a queue, at once or later, at its end or somewhere."""
        if self._draws(self.weather.delayed):
            self._under_way += 1
            seconds = self._random.uniform(0, 5)
            asyncio.get_running_loop().call_later(seconds, self._arrive, queue, body, context=WORLD)
        else:
            self._insert(queue, body)

    def take(self, event: Outgoing) -> Outcome:
        """Take an event from a relay."""
        queues = [queue for queue, kinds in self._topology.items() if event.type in kinds]
        weather = self.weather
        if self._draws(weather.refused) or any(queue not in self._queues for queue in queues):
            for queue in queues[1:]:  # one of its queues was full, the others have it
                if queue in self._queues:
                    self.put(queue, event.body)
            return Outcome.REFUSED
        is_lost = self._draws(weather.lost)
        if not (is_lost and self._random.random() < 0.5):
            for queue in queues:
                for _ in range(2 if self._draws(weather.twice) else 1):
                    self.put(queue, event.body)
        return Outcome.LOST if is_lost else Outcome.SENT

    async def next(self, queue: str, stop: asyncio.Event) -> Delivery | None:
        """The next message of a queue, as soon as there is one; None at the stop."""
        while not stop.is_set():
            waiting = self._queues.get(queue)
            if waiting and not self.is_down:
                delivery = Delivery(queue, waiting.pop(0), NODE.get())
                self._in_hand.append(delivery)
                return delivery
            self._arrived[queue].clear()
            await self._arrived[queue].wait()
        return None

    def acknowledge(self, delivery: Delivery) -> None:
        """Forget a message; too late if its connection went meanwhile."""
        if delivery not in self._in_hand:
            return
        if self._draws(self.weather.unacknowledged):
            self._note("acknowledgement lost")
            self._take_back([delivery])
        else:
            self._in_hand.remove(delivery)

    def refuse(self, delivery: Delivery) -> None:
        """Put a message back."""
        if delivery in self._in_hand:
            self._take_back([delivery])

    def ring(self, queue: str) -> None:
        """Let those look who wait for a queue."""
        self._arrived[queue].set()

    def _take_back(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._in_hand.remove(delivery)
            self._insert(delivery.queue, delivery.body)

    def _arrive(self, queue: str, body: bytes) -> None:
        self._under_way -= 1
        self._insert(queue, body)

    def _insert(self, queue: str, body: bytes) -> None:
        waiting = self._queues[queue]
        place = len(waiting)
        if self._draws(self.weather.shuffled):
            place = self._random.randint(0, place)
        waiting.insert(place, body)
        self.ring(queue)

    def _draws(self, likelihood: float) -> bool:
        return self._random.random() < likelihood


class SimulatedBus:
    """The `Bus` of one node."""

    def __init__(self, broker: Broker, random: Random) -> None:
        self._broker = broker
        self._random = random

    @property
    def healthy(self) -> bool:
        return not self._broker.is_down

    async def declare(self) -> None:
        await self._travel()
        self._broker.declare()

    async def publish(self, events: Sequence[Outgoing]) -> list[Outcome]:
        await self._travel()
        outcomes = []
        for event in events:
            outcomes.append(Outcome.LOST if self._broker.is_down else self._broker.take(event))
            await asyncio.sleep(0)
        await asyncio.sleep(self._random.uniform(0, 0.05))
        if self._broker.is_down:
            return [Outcome.LOST for _ in events]
        return outcomes

    async def consume(self, queue: str, deliver: Deliver, *, stop: asyncio.Event) -> None:
        stopping = asyncio.ensure_future(stop.wait())
        stopping.add_done_callback(lambda _: self._broker.ring(queue))
        await asyncio.gather(*(self._work(queue, deliver, stop) for _ in range(_WORKERS)))

    async def _work(self, queue: str, deliver: Deliver, stop: asyncio.Event) -> None:
        while (delivery := await self._broker.next(queue, stop)) is not None:
            await asyncio.sleep(self._random.uniform(0, 0.05))
            try:
                await deliver(delivery.body)
            except Exception:
                await pause(stop, self._random.uniform(0.1, 2))
                self._broker.refuse(delivery)
            else:
                await asyncio.sleep(0)
                self._broker.acknowledge(delivery)

    async def listen(
        self,
        types: Iterable[str],
        hear: Callable[[bytes], None],
        gap: Callable[[], None],
        *,
        stop: asyncio.Event,
    ) -> None:
        await stop.wait()

    async def close(self) -> None:
        """Its node closes nothing that outlives it."""

    async def _travel(self) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.05))
        if self._broker.is_down:
            raise BusUnavailable
