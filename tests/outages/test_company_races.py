"""Many in companies want the same at the same moment: each race some times, every outcome whole."""

import asyncio
from collections import Counter

from tests.company import uuid
from tests.outages.company import SMALL, trading
from tests.outages.market import ROUNDS
from tests.outages.test_races import BUYERS, PIECES

ORDERS = 50
FITTING = 10
TOTAL = "7.20"
"""Of an order of one piece: 2.00 and 4.00 of delivery, with 20 % tax."""


async def test_two_approvers_at_once(market):
    async with trading(market) as trade:
        sku = await trade.sell(stock=1000)
        for _ in range(ROUNDS):
            waiting = await trade.wait(sku)
            answers = await asyncio.gather(
                trade.approver.decide(waiting, "approve"), trade.admin.decide(waiting, "approve")
            )
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            assert (await trade.ending(waiting))["status"] == "placed"
        await trade.check()
        assert await market.sold(sku) == 30 * ROUNDS


async def test_one_approves_and_another_rejects(market):
    async with trading(market) as trade:
        sku = await trade.sell(stock=1000)
        for _ in range(ROUNDS):
            waiting = await trade.wait(sku)
            approved, rejected = await asyncio.gather(
                trade.approver.decide(waiting, "approve"), trade.admin.decide(waiting, "reject")
            )
            assert sorted([approved.status_code, rejected.status_code]) == [200, 409]
            ended = await trade.ending(waiting)
            assert (ended["status"] == "placed") == (approved.status_code == 200)
        await trade.check()


async def test_an_approval_against_a_cancellation(market):
    async with trading(market) as trade:
        sku = await trade.sell(stock=1000)
        for _ in range(ROUNDS):
            waiting = await trade.wait(sku)
            approved, cancelled = await asyncio.gather(
                trade.approver.decide(waiting, "approve"), trade.buyer.cancel(waiting)
            )
            ended = await trade.ending(waiting)
            if cancelled.status_code == 409:
                assert cancelled.json()["code"] == "placement-already-placed"
                assert (approved.status_code, ended["status"]) == (200, "placed")
            else:
                assert ended["status"] == "refused", (cancelled.text, ended)
                assert ended["problem"]["code"] == "placement-cancelled"
        await trade.check()
        assert await market.sold(sku) == 30 * len(trade.numbers)


async def test_an_approval_against_the_time_out(market):
    soon = (
        "UPDATE approval_requests SET expires_at = now() + interval '50 ms' WHERE id = $1"
        " RETURNING id"
    )
    async with trading(market) as trade:
        sku = await trade.sell(stock=1000)
        for number in range(ROUNDS):
            waiting = await trade.wait(sku)
            await market.rows("approvals", soon, waiting["approval_request_id"])
            await asyncio.sleep(0.03 * (number % 4))  # before, at and after that moment
            decided = await trade.approver.decide(waiting, "approve")
            ended = await trade.ending(waiting)
            if decided.status_code == 200:
                assert ended["status"] == "placed"
            else:
                assert decided.json()["code"] == "request-timed-out"
                assert ended["problem"]["code"] == "approval-timed-out"
        await trade.check()


async def test_two_submits_of_a_members_cart(market):
    async with trading(market) as trade:
        sku = await trade.sell(stock=1000)
        for number in range(ROUNDS):
            basket = await trade.buyer.fill({sku: SMALL})
            one = uuid()
            keys = (one, one) if number % 2 else (one, uuid())
            answers = await asyncio.gather(*(trade.buyer.submit(basket, key) for key in keys))
            taken = [answer for answer in answers if answer.status_code != 409]
            assert taken, [answer.text for answer in answers]
            endings = [await trade.buyer.follow(answer) for answer in taken]
            assert len({ended["order"]["number"] for ended in endings}) == 1
            trade.note(endings[0])
        await trade.check()
        assert await market.sold(sku) == ROUNDS


async def test_many_orders_on_the_last_of_one_credit_limit(market):
    credit = f"{float(TOTAL) * FITTING + 1:.2f}"
    async with trading(market, credit=credit) as trade:
        sku = await trade.sell(stock=1000)
        baskets = await trade.fill_some(sku, ORDERS)
        assert {basket.total["amount"] for basket in baskets} == {TOTAL}
        endings = await asyncio.gather(*(trade.buyer.place(basket) for basket in baskets))
        for ended in endings:
            trade.note(ended)
        outcomes = Counter(ended["status"] for ended in endings)
        assert outcomes == {"placed": FITTING, "refused": ORDERS - FITTING}
        why = {ended["problem"]["code"] for ended in endings if ended["status"] == "refused"}
        assert why <= {"credit-exceeded", "budget-exceeded"}
        await trade.check()
        assert await market.sold(sku) == FITTING


async def test_many_members_for_the_last_pieces(market):
    async with trading(market, buyers=BUYERS) as trade:
        sku = await trade.sell(stock=PIECES)
        baskets = [await buyer.fill({sku: 1}) for buyer in trade.buyers]
        endings = await asyncio.gather(
            *(buyer.place(basket) for buyer, basket in zip(trade.buyers, baskets, strict=True))
        )
        for ended in endings:
            trade.note(ended)
        assert len(trade.numbers) == PIECES
        why = {ended["problem"]["code"] for ended in endings if ended["status"] == "refused"}
        assert why == {"not-enough-stock"}
        await trade.check()
        assert await market.sold(sku) == PIECES
