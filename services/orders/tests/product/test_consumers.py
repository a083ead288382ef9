"""The copy of products, fed twice and in any order."""

from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from contracts.catalog import ProductChanged, ProductFacts
from contracts.envelope import make_event
from contracts.ids import new_id
from orders.product.consumers import on_product_changed, take_snapshot
from orders.product.queries import find_published_skus

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def make_product(key: str, sequence: int, *skus: str, is_published: bool = True) -> ProductFacts:
    return ProductFacts(
        product_id=UUID(int=1),
        key=key,
        sequence=sequence,
        is_published=is_published,
        tax_class="standard",
        name={"en": f"{key} {sequence}"},
        categories=[],
        skus=list(skus),
    )


def event_of(*items: ProductFacts):
    return make_event(
        ProductChanged(items=list(items)), event_id=new_id(), subject="x", sequence=1, time=NOW
    )


EVENTS = [
    event_of(make_product("a", 1, "s1", "s2"), make_product("b", 1, "s3")),
    event_of(make_product("a", 2, "s1")),
    event_of(make_product("b", 2, "s2", "s3")),
    event_of(make_product("c", 1, "s4", is_published=False)),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_whatever_the_order_the_newest_of_each_product_stays(session, order):
    for index in [*order, *reversed(order)]:
        await on_product_changed(session, EVENTS[index])
    found = await find_published_skus(session, ["s1", "s2", "s3", "s4", "s5"])
    assert {sku: (one.product_key, one.name["en"]) for sku, one in found.items()} == {
        "s1": ("a", "a 2"),
        "s2": ("b", "b 2"),
        "s3": ("b", "b 2"),
    }
    rows = await session.execute(text("SELECT product_key, sku FROM product_skus ORDER BY 1, 2"))
    assert [tuple(row) for row in rows] == [("a", "s1"), ("b", "s2"), ("b", "s3"), ("c", "s4")]


async def test_a_product_without_skus_sells_nothing(session):
    await on_product_changed(session, event_of(make_product("a", 1, "s1")))
    await on_product_changed(session, event_of(make_product("a", 2)))
    assert await find_published_skus(session, ["s1"]) == {}


async def test_one_product_twice_in_a_batch_ends_with_the_newer(session):
    await on_product_changed(
        session, event_of(make_product("a", 3, "new"), make_product("a", 2, "old"))
    )
    assert set(await find_published_skus(session, ["new", "old"])) == {"new"}


async def test_skus_are_case_sensitive(session):
    await on_product_changed(session, event_of(make_product("a", 1, "85123A")))
    assert set(await find_published_skus(session, ["85123a", "85123A"])) == {"85123A"}


async def test_a_snapshot_fills_what_events_have_not_told(session):
    await on_product_changed(session, event_of(make_product("a", 2, "s1")))
    lines = [make_product("a", 1, "s1", "s9"), make_product("b", 1, "s3")]
    await take_snapshot(session, [orjson.loads(line.model_dump_json()) for line in lines])
    found = await find_published_skus(session, ["s1", "s3", "s9"])
    assert {sku: one.product_key for sku, one in found.items()} == {"s1": "a", "s3": "b"}
