"""Many want the same at the same moment: each race a few times, every outcome whole."""

import asyncio
import os
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from random import Random
from uuid import uuid4

import psutil
import pytest

from tests.outages.faults import Hold
from tests.outages.market import HEAL_SECONDS, PAUSE_SECONDS, ROUNDS, Cart, Market, until

BUYERS = int(os.environ.get("TANDEM_TEST_BUYERS", "50"))
PIECES = 10


async def fill_some(market: Market, sku: str, count: int = ROUNDS) -> list[Cart]:
    return await asyncio.gather(*(market.fill({sku: 1}) for _ in range(count)))


async def test_the_same_submit_twice_at_once(market):
    sku = await market.sell(stock=ROUNDS * 2)
    numbers = []
    for cart in await fill_some(market, sku):
        both = await asyncio.gather(cart.submit(), cart.submit())
        taken = [answer for answer in both if answer.status_code != 409]
        assert taken
        assert all(answer.json()["code"] == IN_USE for answer in both if answer not in taken)
        (number,) = {await cart.ending(answer) for answer in (*taken, await cart.place())}
        numbers.append(number)
    await market.check(numbers=numbers)
    assert await market.sold(sku) == ROUNDS


async def test_two_submits_of_a_cart_under_keys_of_their_own(market):
    sku = await market.sell(stock=ROUNDS * 2)
    numbers = []
    for cart in await fill_some(market, sku):
        both = await asyncio.gather(cart.submit(), cart.submit(uuid4().hex))
        won, lost = sorted(both, key=lambda answer: answer.status_code)
        numbers.append(await cart.ending(won))
        assert lost.status_code == 409
        assert lost.json()["code"] in {"cart-being-placed", "cart-already-ordered"}
    await market.check(numbers=numbers)
    assert await market.sold(sku) == ROUNDS


async def test_a_cart_is_changed_while_it_is_submitted(market):
    sku = await market.sell(stock=ROUNDS * 3)
    numbers = []
    for cart in await fill_some(market, sku):
        placed, changed = await asyncio.gather(cart.submit(), cart.set_quantity(3))
        if changed.status_code == 200:
            assert placed.status_code == 409
            assert placed.json()["code"] == "price-changed"
        else:
            assert changed.status_code == 409
            numbers.append(await cart.ending(placed))
    await market.check(numbers=numbers)
    assert await market.sold(sku) == len(numbers)


async def test_many_buyers_for_the_last_pieces(market):
    sku = await market.sell(stock=PIECES)
    carts = await fill_some(market, sku, BUYERS)
    answers = await asyncio.gather(*(cart.place() for cart in carts))
    endings = [await cart.ending(answer) for cart, answer in zip(carts, answers, strict=True)]
    numbers = [ending for ending in endings if ending != SOLD_OUT]
    assert len(numbers) == PIECES
    await market.check(numbers=numbers)
    assert await market.sold(sku) == PIECES


async def test_two_orders_want_the_same_two_skus_crosswise(market):
    numbers = []
    for _ in range(ROUNDS):
        one, two = await market.sell(stock=1), await market.sell(stock=1)
        carts = [await market.fill({one: 1, two: 1}), await market.fill({two: 1, one: 1})]
        answers = await asyncio.gather(*(cart.place() for cart in carts))
        endings = Counter(
            [await cart.ending(answer) for cart, answer in zip(carts, answers, strict=True)]
        )
        assert endings.pop(SOLD_OUT) == 1
        numbers += list(endings)
    assert len(numbers) == ROUNDS
    await market.check(numbers=numbers)


async def test_lines_of_one_sku_are_counted_together(market):
    for _ in range(ROUNDS):
        sku = await market.sell(stock=3)
        cart = await market.fill({sku: 1})
        await asyncio.gather(*(cart.add(sku, 1) for _ in range(3)))
        seen = await cart.see()
        assert [line["quantity"] for line in seen["lines"]] == [4]
        cart.total = seen["totals"]["total"]["gross"]
        assert await cart.ending(await cart.place()) == SOLD_OUT
        assert await market.sold(sku) == 0
    await market.check()


async def test_two_workers_on_the_same_processes(market):
    sku = await market.sell(stock=ROUNDS)
    carts = await fill_some(market, sku)
    market.shop.start("orders work again", "orders", "work")
    try:
        async with market.without("catalog all"):
            answers = await asyncio.gather(*(cart.place() for cart in carts))
            assert [answer.status_code for answer in answers] == [202] * ROUNDS
        endings = zip(carts, answers, strict=True)
        numbers = await asyncio.gather(*(cart.ending(answer) for cart, answer in endings))
    finally:
        await asyncio.to_thread(market.shop.stop, "orders work again")
    await market.check(numbers=numbers)
    assert await market.sold(sku) == ROUNDS


async def test_a_driver_that_lost_its_lease_changes_nothing(market):
    """The API is stopped in the middle of a call until a worker has done all of its work."""
    sku = await market.sell(stock=ROUNDS)
    carts = {secrets.token_hex(16): cart for cart in await fill_some(market, sku)}
    hold = Hold()
    with ExitStack() as held:
        for trace in carts:
            held.enter_context(market.proxies.broken("pricing", hold, trace=trace))
        placing = [
            asyncio.create_task(cart.submit(traceparent=f"00-{trace}-{'1' * 16}-01"))
            for trace, cart in carts.items()
        ]
        await until(lambda: hold.held == carts.keys())
        async with stopped(market, "orders api"):
            hold.over.set()
            await until(partial(has_ended, market, sku))
            left = await market.rows("orders", PROCESSES, sku)
        answers = await asyncio.gather(*placing)
    assert await market.rows("orders", PROCESSES, sku) == left
    assert [answer.status_code for answer in answers] == [201] * ROUNDS
    await market.check(numbers=[answer.json()["order"]["number"] for answer in answers])
    assert await market.sold(sku) == ROUNDS


@pytest.mark.parametrize("name", ["orders api", "orders work"])
async def test_a_driver_is_stopped_somewhere_until_others_have_taken_over(market, name):
    sku = await market.sell(stock=ROUNDS * 4)
    carts = await fill_some(market, sku, ROUNDS * 2)
    market.shop.start("orders work again", "orders", "work")
    try:
        if name == "orders work":
            with market.proxies.shut("catalog"):
                answers = await asyncio.gather(*(cart.place() for cart in carts))
            await until(partial(has_ended, market, sku, at_least=1))
        else:
            placing = [asyncio.create_task(cart.place()) for cart in carts]
            await until(partial(has_ended, market, sku, at_least=1))
        async with stopped(market, name):
            await until(partial(has_ended, market, sku))
        if name == "orders api":
            answers = await asyncio.gather(*placing)
        endings = zip(carts, answers, strict=True)
        numbers = await asyncio.gather(*(cart.ending(answer) for cart, answer in endings))
    finally:
        await asyncio.to_thread(market.shop.stop, "orders work again")
    await market.check(numbers=numbers)
    assert await market.sold(sku) == len(carts)


@asynccontextmanager
async def stopped(market: Market, name: str) -> AsyncIterator[None]:
    """While a process stands still, with no transaction open: its locks would stand still too."""
    process = market.shop.processes[name]
    try:
        process.send_signal(signal.SIGSTOP)
        while await has_open_transaction(market, process.pid):
            process.send_signal(signal.SIGCONT)
            await asyncio.sleep(PAUSE_SECONDS)
            process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(HEAL_SECONDS):
            yield
    finally:
        process.send_signal(signal.SIGCONT)


async def has_open_transaction(market: Market, pid: int) -> bool:
    """Whether a session of a process that stands still is in a transaction, once the server has
    done what it was told before; a statement that still waits for a lock would get it later.
    """
    await market.rows("orders", "SELECT pg_sleep(0.1)")
    ports = [connection.laddr.port for connection in psutil.Process(pid).net_connections("tcp")]
    return bool(await market.rows("orders", BUSY, ports))


async def has_ended(market: Market, sku: str, at_least: int | None = None) -> bool:
    """Whether so many, or all, placings of a SKU that were begun have come to their end."""
    ended = [row["ended_at"] is not None for row in await market.rows("orders", PROCESSES, sku)]
    return all(ended) if at_least is None else sum(ended) >= at_least


async def test_many_orders_share_scarce_goods_in_any_order(market):
    """Each wants most of them, in an order of its own: nobody waits for ever, none is oversold."""
    skus = [await market.sell(stock=BUYERS) for _ in range(4)]
    wishes = [
        {sku: dice.randint(1, 3) for sku in dice.sample(skus, k=dice.randint(2, 4))}
        for dice in map(Random, range(BUYERS))
    ]
    carts = await asyncio.gather(*(market.fill(wish) for wish in wishes))
    answers = await asyncio.gather(*(cart.place() for cart in carts))
    endings = [await cart.ending(answer) for cart, answer in zip(carts, answers, strict=True)]
    placed = [wish for wish, ending in zip(wishes, endings, strict=True) if ending != SOLD_OUT]
    await market.check(numbers=[ending for ending in endings if ending != SOLD_OUT])
    left = {sku: BUYERS - sum(wish.get(sku, 0) for wish in placed) for sku in skus}
    for sku in skus:
        assert await market.sold(sku) == BUYERS - left[sku]
    rest = {sku: count for sku, count in left.items() if count}
    if rest:  # it was promised to nobody: it can be had to the last piece
        await market.buy(rest)
    assert [await market.sold(sku) for sku in skus] == [BUYERS] * len(skus)


IN_USE, SOLD_OUT = "idempotency-key-in-use", "not-enough-stock"

PROCESSES = """
SELECT processes.* FROM processes
WHERE data ->> 'cart_id' IN (SELECT cart_id::text FROM cart_lines WHERE sku = $1)
ORDER BY id
"""
BUSY = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND client_port = ANY($1) AND state <> 'idle'
"""
