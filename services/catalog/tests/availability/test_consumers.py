"""The copy of stock: each event twice and in any order."""

import json
from itertools import permutations
from pathlib import Path

import pytest
from sqlalchemy import select

from catalog.availability.consumers import CONSUMER
from catalog.availability.tables import AvailabilityRow
from chassis import copies, inbox
from chassis.inbox import InboxRow
from contracts.envelope import make_event
from contracts.ids import new_id
from contracts.orders import StockChanged, StockFacts

SAMPLE = Path(__file__).parents[4] / "contracts/samples/tandem.orders.stock.changed.v1.json"


def make_stock(runtime, *items, subject=None):
    facts = [StockFacts(sku=sku, sequence=seq, available=left) for sku, seq, left in items]
    event_id = new_id()
    single = len(items) == 1
    event = make_event(
        StockChanged(items=facts),
        event_id=event_id,
        subject=items[0][0] if single else f"batch/{event_id}",
        sequence=items[0][1] if single else 1,
        time=runtime.clock.now(),
    )
    return event.model_dump_json().encode()


async def known(runtime):
    async with runtime.sessions() as session:
        rows = await session.execute(select(AvailabilityRow.sku, AvailabilityRow.available))
        return {row.sku: row.available for row in rows}


async def test_the_sample_is_followed(runtime):
    sample = SAMPLE.read_bytes()
    await inbox.receive(runtime, CONSUMER, sample)
    told = {item["sku"]: item["available"] for item in json.loads(sample)["data"]["items"]}
    assert await known(runtime) == told


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_newest_wins_in_any_order_and_twice(runtime, order):
    events = [
        make_stock(runtime, ("71053", 1, 10)),
        make_stock(runtime, ("71053", 2, 7), ("85123A", 5, 3)),
        make_stock(runtime, ("85123A", 4, 9), ("71053", 3, 0)),
    ]
    for index in (*order, *reversed(order)):
        await inbox.receive(runtime, CONSUMER, events[index])
    assert await known(runtime) == {"71053": 0, "85123A": 3}
    async with runtime.sessions() as session:
        statuses = (await session.scalars(select(InboxRow.status))).all()
    assert statuses == ["done"] * 3


async def test_one_event_may_tell_twice_of_a_sku(runtime):
    await inbox.receive(runtime, CONSUMER, make_stock(runtime, ("1", 2, 5), ("1", 1, 9)))
    assert await known(runtime) == {"1": 5}


async def test_pages_and_lists_follow(runtime, put_product, guest, store):
    await put_product("71053", skus=["71053", "71053L"])
    await inbox.receive(runtime, CONSUMER, make_stock(runtime, ("71053", 1, 42)))
    page = (await guest.get("/v1/products/71053", params={"store": "d2c-uk"})).json()
    assert [variant["availability"] for variant in page["variants"]] == [
        {"available": 42, "is_in_stock": True},
        {"available": 0, "is_in_stock": False},
    ]
    listed = (await guest.get("/v1/products", params={"store": store})).json()
    assert listed["items"] == [page]
    assert page["version"] == 1


async def test_more_sold_than_there_is_shows_as_none_in_stock(runtime, put_product, guest, store):
    await put_product("1")
    await inbox.receive(runtime, CONSUMER, make_stock(runtime, ("1", 1, -3)))
    [variant] = (await guest.get("/v1/products/1", params={"store": "d2c-uk"})).json()["variants"]
    assert variant["availability"] == {"available": -3, "is_in_stock": False}


async def test_the_first_fill_comes_from_orders(runtime, neighbour_fake):
    lines = [
        {"cursor": "c"},
        {"sku": "1", "sequence": 3, "available": 5},
        {"sku": "2", "sequence": 1, "available": 0},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    neighbour_fake.on("orders", "GET", "/v1/snapshots/stock", lambda call: (200, body))
    await inbox.receive(runtime, CONSUMER, make_stock(runtime, ("1", 4, 4)))
    [copy] = [copy for copy in runtime.service.copies if copy.name == "availability"]
    assert await copies.fill(runtime, copy)
    assert await known(runtime) == {"1": 4, "2": 0}
