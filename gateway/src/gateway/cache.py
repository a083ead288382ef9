"""What a process remembers of others' answers: bounded, for a while, until an event drops it.

Only what is the same for everybody is kept here: stores and categories. Never a price, a cart or
anything else that is somebody's.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from chassis import tracing
from chassis.http import NeighbourUnavailable

Value = TypeVar("Value")

_SHARED_SECONDS = 1.0
"""How long a fetch is joined by those who come later. One that takes longer may never end though
the neighbour is well again, so the next to come begins another."""


class Cached(Generic[Value]):
    """Answers of a neighbour by key. Those who ask for one that is being fetched wait for the same
    fetch, each as long as its own deadline allows; the fetch itself has `wait_seconds`.

    An answer that was fetched while an event dropped the cache may be older than the event, so
    it is given to those who wait for it and not kept.
    """

    def __init__(
        self, neighbour: str, *, seconds: float, entries: int, wait_seconds: float = 10.0
    ) -> None:
        self._neighbour = neighbour
        self._wait_seconds = wait_seconds
        self._seconds = seconds
        self._entries = entries
        self._kept: OrderedDict[str, tuple[float, Value]] = OrderedDict()
        self._coming: dict[str, tuple[float, asyncio.Task[Value]]] = {}
        self._drops = 0

    def find(self, key: str) -> Value | None:
        """What is kept under the key, if it is not too old."""
        kept = self._kept.get(key)
        if kept is None or kept[0] < time.monotonic():
            return None
        self._kept.move_to_end(key)
        return kept[1]

    async def get(self, key: str, fetch: Callable[[], Awaitable[Value]]) -> Value:
        """What is kept, else what `fetch` brings. A failure is not kept.

        Raises what `fetch` raises, and NeighbourUnavailable at the request's deadline.
        """
        found = self.find(key)
        if found is not None:
            return found
        task = self._find_coming(key) or self._begin(key, fetch)
        try:
            async with asyncio.timeout(tracing.remaining(otherwise=self._wait_seconds)):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise NeighbourUnavailable(self._neighbour, "no answer in time") from error

    def drop(self) -> None:
        """Forget everything: something changed, or may have while we did not hear."""
        self._drops += 1
        self._kept.clear()
        self._coming.clear()

    def _find_coming(self, key: str) -> "asyncio.Task[Value] | None":
        coming = self._coming.get(key)
        if coming is None or time.monotonic() - coming[0] > _SHARED_SECONDS:
            return None
        return coming[1]

    def _begin(self, key: str, fetch: Callable[[], Awaitable[Value]]) -> "asyncio.Task[Value]":
        task = asyncio.ensure_future(self._fetch(key, fetch))
        self._coming[key] = (time.monotonic(), task)
        task.add_done_callback(lambda done: self._arrived(key, done))
        return task

    async def _fetch(self, key: str, fetch: Callable[[], Awaitable[Value]]) -> Value:
        drops = self._drops
        with tracing.scope(
            traceparent=tracing.traceparent(),
            request_id=tracing.request_id(),
            seconds=self._wait_seconds,
        ):
            value = await fetch()
        if drops == self._drops:
            self._kept[key] = (time.monotonic() + self._seconds, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)
        return value

    def _arrived(self, key: str, task: "asyncio.Task[Value]") -> None:
        if key in self._coming and self._coming[key][1] is task:
            del self._coming[key]
        if not task.cancelled():
            task.exception()  # those who waited have it; without them nobody misses it
