"""Every failpoint that a story passes is armed in turn with SIGKILL, and the process that it killed
is started again. The story still comes to its end, and then everything is right: one order, one
charge in the provider's ledger, the stock as it must be, and everybody learned of it once. What is
right is judged by `tandem.verify`, which reads the databases and trusts no service.

Which points there are is recorded from the story itself, so none can be left out; one that is then
not hit is a failure.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.resilience.goods import SKUS, Partner
from tests.resilience.guest import Guest
from tests.resilience.settled import find_faults
from tests.shop import Shop

REST_SECONDS = 30.0
"""All must be right again so long after a story has begun, whatever was killed in it."""
PAUSE_SECONDS = 0.02
CHARGES = "payments WHERE status = 'authorised'"
BEGUN = "process:placing:start:committed"


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
            for name, what in (("orders", "orders"), ("testpay", CHARGES)):
                if (found := await self.count(name, what)) != orders:
                    faults.append(f"{found} {what} where there should be {orders}")
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


async def buy(stage: Stage) -> int:
    """A guest orders."""
    placed = await Guest(stage.storefront).buy()
    assert placed["status"] == "PLACED", placed
    return 1


async def buy_with_another_card(stage: Stage) -> int:
    """A guest's card is declined; the cart is as it was, and another card is taken."""
    guest = Guest(stage.storefront)
    cart = await guest.fill_cart()
    declined = await guest.place(cart, token="tok_declined")
    assert declined["problem"]["code"] == "payment-declined", declined
    placed = await guest.place(cart)
    assert placed["status"] == "PLACED", placed
    return 1


async def buy_with_a_late_result(stage: Stage) -> int:
    """A guest's payment is pending; the provider tells its result twice."""
    placed = await Guest(stage.storefront).buy(token="tok_twice")
    assert placed["status"] == "PLACED", placed
    return 1


async def capture_and_refund(stage: Stage) -> int:
    """A partner ships an order and takes some back: its payment is captured, then refunded."""
    placed = await Guest(stage.storefront).buy()
    number = placed["order"]["number"]
    captured = await stage.partner.move(number, "captures", "20.00")
    refunded = await stage.partner.move(number, "refunds", "5.01")
    assert [captured["status"], refunded["status"]] == ["done", "done"]
    paid = (await stage.partner.get("orders", f"/v1/orders/{number}"))["payment"]
    assert (paid["captured"]["amount"], paid["refunded"]["amount"]) == ("20.00", "5.01")
    return 1


async def walk_away(stage: Stage) -> int:
    """What drives the order is killed at its beginning, and the guest does not ask again before a
    worker is through with it.
    """
    guest = Guest(stage.storefront)
    cart = await guest.fill_cart()
    key = str(uuid4())
    stage.shop.arm("orders api", f"{BEGUN}=kill")
    placing = asyncio.create_task(guest.place(cart, key=key))
    try:
        await stage.see_killed("orders api", until=guest.until)
    finally:
        placing.cancel()
        stage.shop.arm("orders api", "")
    stage.revive("orders api")
    while await stage.count("orders", "processes WHERE status NOT IN ('done', 'undone')"):
        assert time.monotonic() < guest.until, "the worker did not go on with it"
        await asyncio.sleep(PAUSE_SECONDS)
    placed = await guest.place(cart, key=key)
    assert placed["status"] == "PLACED", placed
    return 1


async def write_anew(stage: Stage) -> int:
    """A partner changes a store, a product, a price and stock."""
    edition = next(stage.editions)
    await stage.partner.put_store(name=f"Fort {edition}")
    await stage.partner.put_product(SKUS[0], name=f"Wall {edition}")
    await stage.partner.put_price(SKUS[0], f"{10 + edition % 5}.00")
    await stage.partner.put_stock(SKUS[0], 100_000 + edition)
    return 0


@pytest.fixture(scope="session")
def killed() -> set[tuple[str, str]]:
    """Which process was killed at which point already."""
    return set()


@pytest.fixture
def stage(shop, storefront, partner, killed) -> Stage:
    return Stage(shop, storefront, partner, killed)


async def record(stage: Stage, story: Story) -> list[tuple[str, str]]:
    """The points that a story hits, each with its process, but for those killed already.

    It is played twice, for some things are looked up only once.
    """
    for _ in range(2):
        began = time.monotonic()
        before = await stage.count("orders", "orders")
        await stage.settle(orders=before, until=began + REST_SECONDS)
        stage.shop.forget_hits()
        made = await story(stage)
        await stage.settle(orders=before + made, until=began + REST_SECONDS)
    return [
        (name, point)
        for name in list(stage.shop.processes)
        for point in stage.shop.hits(name)
        if (name, point) not in stage.killed
    ]


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


@pytest.mark.parametrize(
    "story",
    [buy, buy_with_another_card, buy_with_a_late_result, capture_and_refund, write_anew],
)
async def test_a_story_survives_a_kill_at_every_failpoint(stage, subtests, story):
    points = await record(stage, story)
    assert points
    for name, point in points:
        with subtests.test(f"{name} at {point}"):
            await kill(stage, story, name, point)


async def test_an_order_that_a_worker_goes_on_with_survives_a_kill_at_every_failpoint(
    stage, subtests
):
    points = [
        (name, point)
        for name, point in await record(stage, walk_away)
        if name == "orders work" and point.startswith("process:")
    ]
    assert points
    for name, point in points:
        with subtests.test(f"{name} at {point}"):
            await kill(stage, walk_away, name, point)
