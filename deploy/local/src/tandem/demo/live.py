"""What a member is told while they wait: the same subscriptions over WebSocket and as server-sent
events, each message with the moment at which it came.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tandem.demo import portal_queries as queries
from tandem.demo.shop import DemoFailed, Shop, problems_of

PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE_S = 30.0
WAYS = ("WebSocket", "SSE")
DOCUMENTS = (queries.PLACEMENT_CHANGED, queries.ORDER_CHANGED)


@dataclass(frozen=True)
class Told:
    """A message: by which way, when, and what it says. `ended` says why no more will come."""

    way: str
    at: float
    data: Mapping[str, Any]
    ended: str | None = None


class Live:
    """All that was told so far."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self._news = asyncio.Condition()

    async def add(self, told: Told) -> None:
        """Keep a message, and wake who waits for it."""
        async with self._news:
            self.told.append(told)
            self._news.notify_all()

    async def wait(self, name: str, holds: Callable[[Any], bool], *, since: float) -> list[float]:
        """The seconds from `since` until each way has told that `holds`. Raises DemoFailed."""

        def matches(told: Told) -> bool:
            thing = told.data.get(name)
            return told.at >= since and thing is not None and holds(thing)

        return await self._each_way(matches, since, f"a {name} that the step must cause")

    async def wait_for_end(self, *, since: float) -> list[float]:
        """The seconds from `since` until each way has ended. Raises DemoFailed."""
        return await self._each_way(lambda told: told.ended is not None, since, "its end")

    async def _each_way(
        self, matches: Callable[[Told], bool], since: float, what: str
    ) -> list[float]:
        def first() -> list[float | None]:
            return [
                next((one.at - since for one in self.told if one.way == way and matches(one)), None)
                for way in WAYS
            ]

        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: None not in first())
        except TimeoutError:
            late = [way for way, at in zip(WAYS, first(), strict=True) if at is None]
            raise DemoFailed(f"{' and '.join(late)} did not tell {what}.") from None
        return [at for at in first() if at is not None]


@asynccontextmanager
async def watch(shop: Shop) -> AsyncIterator[Live]:
    """Subscribe to placements and orders, by both ways, as who signed in to the portal."""
    live = Live()
    async with AsyncExitStack() as stack:
        socket = await stack.enter_async_context(
            connect(
                f"ws{shop.url.removeprefix('http')}{shop.path}",
                subprotocols=[PROTOCOL],
                proxy=None,
            )
        )
        # A browser cannot send headers here, so the token goes into the first message.
        who = {"authorization": f"Bearer {shop.token}"}
        await _send(socket, type="connection_init", payload=who)
        tasks = await stack.enter_async_context(_Tasks())
        for number, document in enumerate(DOCUMENTS):
            await _send(socket, type="subscribe", id=str(number), payload={"query": document})
            response = await stack.enter_async_context(shop.stream(document))
            tasks.start(_hear_events(response.aiter_lines(), live))
        tasks.start(_hear_socket(socket, live))
        yield live


class _Tasks:
    """Tasks that run until they are not needed any more."""

    def __init__(self) -> None:
        self._running: list[asyncio.Task[None]] = []

    def start(self, work: Any) -> None:
        self._running.append(asyncio.create_task(work))

    async def __aenter__(self) -> "_Tasks":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def _hear_socket(socket: ClientConnection, live: Live) -> None:
    """Until the connection closes; its code is told as the end."""
    try:
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ping":
                await _send(socket, type="pong")
            elif message["type"] == "next":
                await live.add(_told(WAYS[0], message["payload"]))
    except ConnectionClosed:
        pass
    await live.add(Told(WAYS[0], time.monotonic(), {}, ended=f"closed {socket.close_code}"))


async def _hear_events(lines: AsyncIterator[str], live: Live) -> None:
    """Until the stream ends, or its last message says why it does."""
    async for line in lines:
        name, _, value = line.partition(":")
        if name == "data" and value.strip():
            await live.add(_told(WAYS[1], json.loads(value)))


def _told(way: str, payload: Mapping[str, Any]) -> Told:
    codes = [code for code, _ in problems_of(payload)]
    data = payload.get("data") or {}
    return Told(way, time.monotonic(), data, ended=", ".join(codes) or None)
