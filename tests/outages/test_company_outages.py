"""Neighbours and RabbitMQ go away at each step of a company's order: it waits, never placed
unchecked, and goes on by itself.
"""

import time

import pytest

from tests.company import uuid
from tests.outages.company import SMALL, trading
from tests.outages.market import until
from tests.outages.test_outages import SECONDS_WITHOUT

NEIGHBOURS = ("catalog all", "pricing api", "accounts all", "approvals all")


@pytest.mark.parametrize("name", NEIGHBOURS)
async def test_a_neighbour_is_away_when_an_order_is_submitted(market, name):
    async with trading(market) as trade:
        sku = await trade.sell(stock=100)
        small = await trade.buyer.fill({sku: SMALL})
        async with market.without(name):
            answer = await trade.buyer.submit(small)
            assert answer.status_code == 202, answer.text
            assert answer.json()["status"] == "pending"
            assert await market.sold(sku) == 0
        ended = await trade.buyer.follow(answer)
        assert ended["status"] == "placed", ended
        trade.note(ended)
        await trade.check()


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize("name", NEIGHBOURS)
async def test_a_neighbour_is_away_when_somebody_decides(market, name, verdict):
    async with trading(market) as trade:
        sku = await trade.sell(stock=100)
        waiting = await trade.wait(sku)
        path = f"/v1/approval-requests/{waiting['approval_request_id']}/{verdict}"
        async with market.without(name):
            if name == "approvals all":
                assert await market.sold(sku) == 0
            else:
                decided = await trade.approver.ask("POST", "approvals", path, {}, uuid())
                assert decided.status_code == 200, decided.text
        if name == "approvals all":
            assert (await trade.approver.decide(waiting, verdict)).status_code == 200
        ended = await trade.ending(waiting)
        assert ended["status"] == {"approve": "placed", "reject": "refused"}[verdict], ended
        await trade.check()


@pytest.mark.parametrize("name", NEIGHBOURS)
async def test_a_neighbour_is_away_when_an_order_is_cancelled(market, name):
    async with trading(market) as trade:
        sku = await trade.sell(stock=100)
        waiting = await trade.wait(sku)
        async with market.without(name):
            cancelled = await trade.buyer.cancel(waiting)
            assert cancelled.status_code in (200, 202), cancelled.text
        ended = await trade.ending(waiting)
        assert ended["problem"]["code"] == "placement-cancelled"
        await trade.check()
        assert await market.sold(sku) == 0


async def test_an_order_is_shipped_while_all_neighbours_are_away(market):
    async with trading(market) as trade:
        sku = await trade.sell(stock=100)
        placed = await trade.buyer.place(await trade.buyer.fill({sku: 2}))
        trade.note(placed)
        path = f"/v1/orders/{placed['order']['number']}/shipments"
        part = {"lines": [{"sku": sku, "quantity": 1}]}
        async with (
            market.without("catalog all"),
            market.without("accounts all"),
            market.without("approvals all"),
        ):
            for body, key in ((part, "first"), (part, "first"), ({}, "rest")):
                headers = {**market.partner, "Idempotency-Key": f"{trade.key}-{key}"}
                answer = await market.call("orders", "POST", path, json=body, headers=headers)
                assert answer.status_code == 201, answer.text
            assert answer.json()["status"] == "shipped"
        await trade.check()


async def test_rabbitmq_is_away_while_a_company_orders(market):
    async with trading(market) as trade:
        sku = await trade.sell(stock=200)
        await market.servers.do(market.servers.broker.stop)
        over_at = time.monotonic() + SECONDS_WITHOUT
        trade.note(await trade.buyer.place(await trade.buyer.fill({sku: SMALL})))
        waiting = [await trade.wait(sku) for _ in range(3)]
        approved, rejected, cancelled = waiting
        assert (await trade.approver.decide(approved, "approve")).status_code == 200
        assert (await trade.approver.decide(rejected, "reject")).status_code == 200
        assert (await trade.buyer.cancel(cancelled)).status_code in (200, 202)
        await until(lambda: time.monotonic() >= over_at)
        await market.servers.do(market.servers.start_broker)
        endings = [await trade.ending(one) for one in waiting]
        assert [ended["status"] for ended in endings] == ["placed", "refused", "refused"]
        await trade.check()
        assert await market.sold(sku) == 31
