"""What is remembered: for a while, within bounds, and not beyond the event that changes it."""

import asyncio
from datetime import UTC, datetime

import pytest

from chassis import tracing
from chassis.bus import DirectBus, Outgoing
from chassis.http import NeighbourUnavailable
from contracts.catalog import Category, CategoryChanged, Store, StoreChanged
from contracts.envelope import make_event
from contracts.ids import new_id
from contracts.problems import Unavailable
from gateway.cache import Cached


def counting(values):
    left = list(values)

    async def fetch():
        await asyncio.sleep(0.01)
        value = left.pop(0)
        if isinstance(value, Exception):
            raise value
        return value

    return fetch


async def test_fetched_once_for_all_who_ask():
    cache: Cached[str] = Cached("catalog", seconds=60, entries=10)
    fetch = counting(["a"])
    assert await asyncio.gather(*(cache.get("k", fetch) for _ in range(50))) == ["a"] * 50
    assert await cache.get("k", fetch) == "a"


async def test_old_answers_are_fetched_again():
    cache: Cached[str] = Cached("catalog", seconds=0.02, entries=10)
    fetch = counting(["a", "b"])
    assert await cache.get("k", fetch) == "a"
    await asyncio.sleep(0.03)
    assert await cache.get("k", fetch) == "b"


async def test_failure_reaches_all_who_wait_and_is_not_kept():
    cache: Cached[str] = Cached("catalog", seconds=60, entries=10)
    fetch = counting([Unavailable("away"), "b"])
    results = await asyncio.gather(
        *(cache.get("k", fetch) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in results] == [Unavailable] * 3
    assert await cache.get("k", fetch) == "b"


async def test_one_who_gives_up_does_not_take_the_answer_from_others():
    cache: Cached[str] = Cached("catalog", seconds=60, entries=10)
    fetch = counting(["a"])
    first = asyncio.create_task(cache.get("k", fetch))
    second = asyncio.create_task(cache.get("k", fetch))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "a"


async def test_one_in_a_hurry_does_not_hurry_the_others():
    cache: Cached[str] = Cached("catalog", seconds=60, entries=10)

    async def fetch():
        assert tracing.remaining(otherwise=0) > 5
        await asyncio.sleep(0.1)
        return "a"

    async def hurried():
        with tracing.scope(seconds=0.01):
            return await cache.get("k", fetch)

    first = asyncio.create_task(hurried())
    await asyncio.sleep(0)
    second = asyncio.create_task(cache.get("k", fetch))
    with pytest.raises(NeighbourUnavailable) as told:
        await first
    assert told.value.code == "catalog-unavailable"
    assert await second == "a"


async def test_fetch_that_takes_too_long_is_not_joined(monkeypatch):
    monkeypatch.setattr("gateway.cache._SHARED_SECONDS", 0.0)
    cache: Cached[str] = Cached("catalog", seconds=60, entries=10, wait_seconds=0.2)
    stuck = asyncio.create_task(cache.get("k", asyncio.get_running_loop().create_future))
    await asyncio.sleep(0.01)
    assert await cache.get("k", counting(["a"])) == "a"
    with pytest.raises(NeighbourUnavailable):
        await stuck
    assert cache.find("k") == "a"


async def test_answer_that_was_under_way_when_dropped_is_not_kept():
    cache: Cached[str] = Cached("catalog", seconds=60, entries=10)
    fetch = counting(["old", "new"])
    waiting = asyncio.create_task(cache.get("k", fetch))
    await asyncio.sleep(0)
    cache.drop()
    assert await cache.get("k", fetch) in ("old", "new")
    assert await waiting in ("old", "new")
    assert cache.find("k") == "new"


async def test_no_more_is_kept_than_allowed():
    cache: Cached[str] = Cached("catalog", seconds=60, entries=2)
    for key in ("a", "b", "a", "c"):
        await cache.get(key, counting([key]))
    assert [cache.find(key) for key in ("a", "b", "c")] == ["a", None, "c"]


def outgoing(data, subject, sequence):
    event = make_event(
        data, event_id=new_id(), subject=subject, sequence=sequence, time=datetime.now(UTC)
    )
    return Outgoing(str(event.id), event.type, event.model_dump_json().encode())


@pytest.fixture
def bus():
    return DirectBus({})


async def heard(gateway, shop, bus, data, query, path):
    """How often the path is called by asking twice, telling the event, and asking twice more."""
    await asyncio.sleep(0.01)
    for _ in range(2):
        assert "errors" not in await gateway.ask(query)
    before = len([call for call in shop.calls if call.path == path])
    await bus.publish([outgoing(data, "x", 2)])
    await asyncio.sleep(0.01)
    for _ in range(2):
        await gateway.ask(query)
    return before, len([call for call in shop.calls if call.path == path])


async def test_changed_store_is_seen_at_once(open_gateway, shop, bus):
    gateway = await open_gateway(bus=bus)
    store = Store.model_validate(shop.store)
    query = "{ store { name } }"
    path = "/v1/stores/d2c-uk"
    assert await heard(gateway, shop, bus, StoreChanged(store=store), query, path) == (1, 2)


async def test_changed_category_is_seen_at_once_and_stores_stay(open_gateway, shop, bus):
    gateway = await open_gateway(bus=bus)
    category = Category.model_validate(shop.category)
    query = "{ categories { name } store { key } }"
    data = CategoryChanged(category=category)
    assert await heard(gateway, shop, bus, data, query, "/v1/categories") == (1, 2)
    assert len([call for call in shop.calls if call.path == "/v1/stores/d2c-uk"]) == 1


async def test_nothing_of_a_cart_price_or_product_is_remembered(gateway, shop):
    query = (
        "query ($id: ID!, $s: String!) { cart(id: $id, secret: $s) { version } "
        'products(first: 1) { nodes { price { taxRate } } } product(by: {key: "P00001"}) { key } }'
    )
    for _ in range(2):
        await gateway.ask(query, {"id": shop.cart_id, "s": shop.secret})
    assert len(shop.called("orders")) == 2
    assert len(shop.called("pricing")) == 2
    paths = [call.path for call in shop.called("catalog")]
    assert (paths.count("/v1/products"), paths.count("/v1/products/P00001")) == (2, 2)


async def test_stores_that_are_made_up_fill_nothing(open_gateway, shop):
    gateway = await open_gateway(cache_entries=5)
    for number in range(20):
        answer = await gateway.ask("{ store { key } }", Tandem_Store=f"no-{number}")
        assert answer["errors"][0]["extensions"]["code"] == "store-unknown"
