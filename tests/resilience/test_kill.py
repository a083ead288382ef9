"""Every failpoint that a story passes is armed in turn with SIGKILL, and the process that it killed
is started again. The story still comes to its end, and then everything is right: one order, one
charge in the provider's ledger, the stock as it must be, and everybody learned of it once. What is
right is judged by `tandem.verify`, which reads the databases and trusts no service.

Which points there are is recorded from the story itself, so none can be left out; one that is then
not hit is a failure.
"""

import asyncio
import time
from uuid import uuid4

import pytest

from tests.resilience.goods import SKUS
from tests.resilience.guest import Guest
from tests.resilience.killing import PAUSE_SECONDS, Stage, kill, record

BEGUN = "process:placing:start:committed"


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
