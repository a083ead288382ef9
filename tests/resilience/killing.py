"""Killing a process of the shop at a failpoint, and waiting until all is right again."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.resilience.goods import Partner
from tests.resilience.settled import find_faults
from tests.shop import Shop

REST_SECONDS = 30.0
"""All must be right again so long after a story has begun, whatever was killed in it."""
PAUSE_SECONDS = 0.02
CHARGES = "payments WHERE status = 'authorised'"
PAID = "orders WHERE payment_key IS NOT NULL"


@dataclass
class Stage:
    """A shop to be killed, and who acts in it."""

    shop: Shop
    storefront: httpx.AsyncClient
    partner: Partner
    killed: set[tuple[str, str]] = field(default_factory=set)
    editions: "count[int]" = field(default_factory=count)

    async def count(self, name: str, what: str) -> int:
        """How many rows there are of something in a database."""
        return int((await self.shop.rows(name, f"SELECT count(*) FROM {what}"))[0][0])

    async def settle(self, *, orders: int, until: float) -> None:
        """Wait until there are so many orders, as many charges, and nothing is wrong or moving."""
        while True:
            faults = await find_faults(self.shop)
            if (found := await self.count("orders", "orders")) != orders:
                faults.append(f"{found} orders where there should be {orders}")
            paid, charged = await self.count("orders", PAID), await self.count("testpay", CHARGES)
            if paid != charged:
                faults.append(f"{charged} {CHARGES} where there should be {paid}")
            if not faults:
                return
            assert time.monotonic() < until, "\n".join(faults[:20])
            await asyncio.sleep(PAUSE_SECONDS)

    async def see_killed(self, name: str, *, until: float) -> None:
        """Wait until a failpoint has killed a process, and disarm it."""
        victim = self.shop.processes[name]
        while victim.poll() is None:
            assert time.monotonic() < until, "the failpoint was not hit"
            await asyncio.sleep(PAUSE_SECONDS)
        assert victim.returncode == -signal.SIGKILL, self.shop.log(name)
        self.shop.arm(name, "")

    def revive(self, name: str) -> None:
        """Start a process again as it was started before."""
        self.shop.start(name, *name.split(" "))


Story = Callable[[Stage], Coroutine[Any, Any, int]]
"""Plays to its end, whatever is killed; how many orders came of it."""


async def record(stage: Stage, story: Story) -> list[tuple[str, str]]:
    """The points that a story hits, each with its process, but for those killed already.

    It is played three times. Some things are looked up only once, so the first does not count;
    some happen by chance (keys are fetched anew, an event comes twice), so both others must hit.
    """
    plays = []
    for _ in range(3):
        began = time.monotonic()
        before = await stage.count("orders", "orders")
        await stage.settle(orders=before, until=began + REST_SECONDS)
        stage.shop.forget_hits()
        made = await story(stage)
        await stage.settle(orders=before + made, until=began + REST_SECONDS)
        names = list(stage.shop.processes)
        plays.append([(name, point) for name in names for point in stage.shop.hits(name)])
    _, one, other = plays
    return [place for place in other if place in one and place not in stage.killed]


async def kill(stage: Stage, story: Story, name: str, point: str) -> None:
    """Play a story while a process is killed at a point and started again."""
    before = await stage.count("orders", "orders")
    until = time.monotonic() + REST_SECONDS
    stage.shop.arm(name, f"{point}=kill")

    async def kill_once() -> None:
        await stage.see_killed(name, until=until)
        stage.revive(name)

    try:
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(story(stage))
            group.create_task(kill_once())
    finally:
        stage.shop.arm(name, "")
    await stage.settle(orders=before + playing.result(), until=until)
    stage.killed.add((name, point))
