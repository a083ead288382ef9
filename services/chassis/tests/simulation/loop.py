"""An event loop without a clock or sockets: a seed decides what runs next, and time jumps.

Whatever is ready runs in random order; only when nothing is ready the clock goes to the next
timer. What belongs to a node (by the context variable `NODE`) rests while the node rests, and
never runs again once it is dead, as if its process had been killed: no `finally` is reached.
"""

import asyncio
import heapq
from collections.abc import Callable
from contextvars import Context, ContextVar
from random import Random
from typing import Any

_MOST_STEPS_AT_ONCE = 20_000


class Domain:
    """What lives and dies together: the handles of one process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_resting = False
        self.kept: list[asyncio.Handle] = []


NODE: ContextVar[Domain | None] = ContextVar("simulated_node", default=None)
WORLD = Context()
"""The context of what belongs to no node."""


class Stalled(Exception):
    """Nothing is ready, and nothing will ever be."""


class Spinning(Exception):
    """Something runs again and again without any time going by."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs one handle a step. `on_step` is called before each, outside of any task."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.steps = 0
        self.choices = 0
        """A number that every decision so far went into."""
        self.on_step: Callable[[], None] = lambda: None
        self.is_unwinding = False
        """At the end the dead are run too, so that they let go of what they hold."""
        self._random = random
        self._now = 0.0
        self._moved_at = 0
        self._ready: Any
        self._timer_cancelled_count: int
        self._stopping: bool
        self._scheduled: list[asyncio.TimerHandle]
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._now

    def rest(self, node: Domain) -> None:
        """Let nothing of this node run, until `wake`."""
        node.is_resting = True

    def wake(self, node: Domain) -> None:
        """Let it go on where it was."""
        node.is_resting = False
        self._ready.extend(node.kept)
        node.kept.clear()

    def _run_once(self) -> None:
        self._advance()
        if not self._ready:
            return
        if self.steps - self._moved_at > _MOST_STEPS_AT_ONCE and not self.is_unwinding:
            raise Spinning
        chosen = self._random.randrange(len(self._ready))
        handle = self._ready[chosen]
        del self._ready[chosen]
        if handle.cancelled() or self._is_kept(handle):
            return
        self.steps += 1
        self.choices = hash((self.choices, chosen, len(self._ready)))
        self.on_step()
        if not self._is_kept(handle):  # what befell it just now comes before it
            handle._run()

    def _advance(self) -> None:
        """Make ready what is due; if nothing is, go to the moment when something will be."""
        scheduled = self._scheduled
        while scheduled:
            when = scheduled[0].when()
            if when > self._now and self._ready:
                return
            timer = heapq.heappop(scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]
            if timer.cancelled():
                self._timer_cancelled_count -= 1
                continue
            if when > self._now:
                self._now = when
                self._moved_at = self.steps
            self._ready.append(timer)
        if not self._ready and not self._stopping:
            raise Stalled

    def _is_kept(self, handle: asyncio.Handle) -> bool:
        """Whether its node is in no state to run it now."""
        node = handle._context.get(NODE)  # type: ignore[attr-defined]
        if node is None or self.is_unwinding or not (node.is_dead or node.is_resting):
            return False
        node.kept.append(handle)
        return True

    def _process_events(self, event_list: Any) -> None:
        """There is no selector."""

    def _write_to_self(self) -> None:
        """There is nobody to wake: everything runs in one thread."""
