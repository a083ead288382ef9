"""A neighbour that keeps what a process told it: holds by id, each once, with tombstones.

Calls get lost on the way there (nothing happened), on the way back (it happened), or arrive long
after their caller gave up.
"""

import asyncio
from collections.abc import Callable, Iterator
from random import Random

from contracts.problems import Conflict, Problem, Unavailable
from services.chassis.tests.simulation.loop import WORLD


class Bank:
    """The neighbour's ledger, which outlives every node."""

    def __init__(self, random: Random, note: Callable[[str], None]) -> None:
        self.trouble = 0.0
        self.late = 0
        self.held: set[str] = set()
        self.released: set[str] = set()
        self.captured: set[str] = set()
        self._random = random
        self._note = note

    async def hold(self, name: str, *, is_refused: bool) -> str:
        """Hold something once; refused when it was released before, or has to be."""

        def do() -> None:
            if name in self.released or is_refused:
                raise Conflict("This cannot be held.")
            self.held.add(name)

        await self._call("hold", name, do)
        return "granted"

    async def release(self, name: str) -> None:
        """Let go of a hold; of one that is not here too, which then cannot come any more."""

        def do() -> None:
            self.released.add(name)
            self.held.discard(name)

        await self._call("release", name, do)

    async def capture(self, name: str) -> None:
        """Take what is held."""

        def do() -> None:
            if name not in self.held:
                raise Conflict("This is not held.")
            self.captured.add(name)

        await self._call("capture", name, do)

    async def _call(self, what: str, name: str, do: Callable[[], None]) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.2))
        if self._random.random() >= self.trouble:
            self._note(f"bank: {what} {name}")
            do()
            await asyncio.sleep(self._random.uniform(0, 0.2))
            return
        way = self._random.choice(("lost", "unanswered", "late", "slow"))
        self._note(f"bank: {what} {name} is {way}")
        if way == "unanswered":
            do()
        elif way == "late":
            self.late += 1
            seconds = self._random.uniform(0, 40)
            asyncio.get_running_loop().call_later(seconds, self._arrive, do, context=WORLD)
        elif way == "slow":
            await asyncio.sleep(self._random.uniform(0, 40))
            do()
            return
        raise Unavailable("The bank did not answer.")

    def _arrive(self, do: Callable[[], None]) -> None:
        self.late -= 1
        try:
            do()
        except Problem:
            self._note("bank: what came late was refused")

    def find_faults(self, done: set[str], undone: set[str]) -> Iterator[str]:
        """Where the ledger says otherwise than the processes' ends."""
        if done != self.held or done != self.captured or done & self.released:
            yield (
                f"done are {done}, but held {self.held}, captured {self.captured},"
                f" released {self.released}"
            )
        if undone & (self.held | self.captured):
            yield f"undone, but in the bank: {undone & (self.held | self.captured)}"
