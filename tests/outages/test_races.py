"""Many want the same at the same moment: each race a few times, every outcome whole."""

import asyncio
import os
from collections import Counter
from uuid import uuid4

from tests.outages.market import Cart, Market

ROUNDS = int(os.environ.get("TANDEM_TEST_ROUNDS", "5"))
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


IN_USE, SOLD_OUT = "idempotency-key-in-use", "not-enough-stock"
