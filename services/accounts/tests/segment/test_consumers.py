"""Placed orders move companies between groups; facts that age do so by a daily job."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from accounts.segment import jobs
from accounts.segment.consumers import CONSUMER
from chassis.clock import Clock
from chassis.inbox import receive
from contracts.envelope import make_event
from contracts.ids import new_id
from contracts.orders import OrderPlaced

SAMPLES = Path(__file__).parents[4] / "contracts" / "samples"


@pytest.fixture
def place(trade):
    """Has accounts hear of a placed order; the event's bytes, to tell it again."""

    async def tell(company="acme", gross="400.00", *, currency="EUR", at=None, again=None):
        if again is not None:
            await receive(trade.runtime, CONSUMER, again)
            return again
        sample = orjson.loads((SAMPLES / "tandem.orders.order.placed.v1.company.json").read_bytes())
        data = sample["data"]
        data["order_id"] = str(uuid4())
        data["placed_at"] = (at or datetime.now(UTC)).isoformat()
        data["buyer"] = data["buyer"] and {**data["buyer"], "company": company}
        data["total"]["gross"] = {"amount": gross, "currency": currency}
        if company is None:
            data["buyer"] = None
        event = make_event(
            OrderPlaced.model_validate(data),
            event_id=new_id(),
            subject=data["order_id"],
            sequence=1,
            time=datetime.now(UTC),
            traceparent=None,
        )
        body = event.model_dump_json().encode()
        await receive(trade.runtime, CONSUMER, body)
        return body

    return tell


async def test_the_order_that_makes_it_moves_the_company_once(trade, place):
    await trade.ready()
    await trade.group("volume", rule="orders >= 3 && lifetime_spend_minor >= 100000")
    for _ in range(2):
        await place()
    assert (await trade.get("/v1/companies/acme"))["groups"] == []
    third = await place()
    await place(again=third)
    company = await trade.get("/v1/companies/acme")
    assert (company["groups"], company["orders"]) == (["volume"], 3)
    assert company["lifetime_spend"] == {"amount": "1200.00", "currency": "EUR"}
    assert await trade.told("group_membership") == [
        {"company": "acme", "group": "volume", "is_member": True, "reason": "facts_changed"}
    ]
    assert (await trade.told("buyer_profile"))[-1]["items"][0]["groups"] == ["volume"]


async def test_an_order_counts_once_whatever_event_tells_of_it(trade, place):
    await trade.ready()
    told = orjson.loads(await place())
    told["id"] = str(new_id())
    await place(again=orjson.dumps(told))
    company = await trade.get("/v1/companies/acme")
    assert (company["orders"], company["lifetime_spend"]["amount"]) == (1, "400.00")


async def test_another_currency_counts_as_an_order_but_not_as_spend(trade, place):
    await trade.ready()
    await place(currency="GBP")
    company = await trade.get("/v1/companies/acme")
    assert (company["orders"], company["lifetime_spend"]["amount"]) == (1, "0.00")


async def test_a_guests_order_says_nothing_of_companies(trade, place):
    await place(company=None)
    assert await trade.rows("SELECT 1 FROM order_facts") == []
    assert [row.status for row in await trade.rows("SELECT status FROM inbox")] == ["done"]


async def test_an_order_of_an_unknown_company_is_tried_again_later(trade, place):
    await place(company="nobody")
    assert [row.status for row in await trade.rows("SELECT status FROM inbox")] == ["retrying"]


async def test_spend_ages_out_of_a_group_by_the_daily_job(trade, place):
    await trade.ready()
    await trade.group("big", rule="spend_12_months_minor >= 40000")
    await trade.group("ever", rule="lifetime_spend_minor >= 40000")
    await place()
    assert (await trade.get("/v1/companies/acme"))["groups"] == ["big", "ever"]

    class InAYear(Clock):
        def now(self):
            return datetime.now(UTC) + timedelta(days=366)

    trade.runtime.clock = InAYear()
    await jobs.reevaluate_ageing(trade.runtime)
    assert (await trade.get("/v1/companies/acme"))["groups"] == ["ever"]
    assert (await trade.told("group_membership"))[-1] == {
        "company": "acme",
        "group": "big",
        "is_member": False,
        "reason": "facts_changed",
    }
