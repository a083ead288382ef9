"""The copy of products, fed twice and out of order."""

import asyncio
from datetime import UTC, datetime
from itertools import permutations

import pytest
from sqlalchemy import select, text

from contracts.catalog import ProductChanged
from contracts.envelope import make_event
from contracts.ids import new_id
from pricing.product.consumers import on_product_changed, take_snapshot
from pricing.product.queries import on_sale


def changed(*items):
    return make_event(
        ProductChanged(items=list(items)),
        event_id=new_id(),
        subject=f"batch/{new_id()}",
        sequence=1,
        time=datetime(2026, 11, 22, 10, tzinfo=UTC),
    )


async def tax_class(session, sku):
    product = on_sale()
    return await session.scalar(select(product.c.tax_class).where(product.c.sku == sku))


async def test_sku_has_the_tax_class_of_its_product(session, product_facts):
    await on_product_changed(session, changed(product_facts("P", skus=["a", "b"])))
    assert await tax_class(session, "a") == await tax_class(session, "b") == "standard"
    assert await tax_class(session, "A") is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_newest_product_is_kept_whatever_the_order(session, product_facts, order):
    versions = [
        product_facts("P", sequence=1, skus=["a", "b"]),
        product_facts("P", sequence=2, skus=["b", "c"], tax_class="reduced"),
        product_facts("P", sequence=3, skus=["c"], tax_class="zero"),
    ]
    for index in order:
        event = changed(versions[index])
        await on_product_changed(session, event)
        await on_product_changed(session, event)
    assert [await tax_class(session, sku) for sku in "abc"] == [None, None, "zero"]


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_sku_that_moved_ends_in_one_product(session, product_facts, order):
    events = [
        product_facts("P", sequence=1, skus=["a", "m"]),
        product_facts("Q", sequence=1, skus=["q"], tax_class="zero"),
        product_facts("P", sequence=2, skus=["a"]),
        product_facts("Q", sequence=2, skus=["q", "m"], tax_class="zero"),
    ]
    for index in order:
        await on_product_changed(session, changed(events[index]))
    assert await tax_class(session, "m") == "zero"
    rows = await session.execute(text("SELECT sku, product_key FROM product_skus ORDER BY sku"))
    assert [tuple(row) for row in rows] == [("a", "P"), ("m", "Q"), ("q", "Q")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_unpublished_product_is_not_on_sale(session, product_facts, order):
    events = [
        product_facts("P", sequence=1, skus=["a"]),
        product_facts("P", sequence=2, skus=["a"], is_published=False),
    ]
    for index in order:
        await on_product_changed(session, changed(events[index]))
    assert await tax_class(session, "a") is None
    await on_product_changed(session, changed(product_facts("P", sequence=3, skus=["a"])))
    assert await tax_class(session, "a") == "standard"


async def test_batch_with_two_versions_of_a_product_keeps_the_newer(session, product_facts):
    newer = product_facts("P", sequence=2, skus=["b"])
    older = product_facts("P", sequence=1, skus=["a"])
    await on_product_changed(session, changed(newer, older))
    await on_product_changed(session, changed(older, newer))
    assert [await tax_class(session, sku) for sku in "ab"] == [None, "standard"]


async def test_consumers_side_by_side_end_with_the_newest(runtime, product_facts):
    """Batches over the same products in opposite orders: no deadlock, the newest stays."""

    async def apply(sequence, direction):
        items = [
            product_facts(f"P{n}", sequence=sequence, skus=[f"s{n}-{sequence}"]) for n in range(30)
        ]
        async with runtime.sessions() as session:
            await on_product_changed(session, changed(*items[::direction]))
            await session.commit()

    await asyncio.gather(*(apply(n + 1, -1 if n % 2 else 1) for n in range(8)))
    async with runtime.sessions() as session:
        rows = await session.execute(text("SELECT sku FROM product_skus"))
        assert sorted(rows.scalars()) == sorted(f"s{n}-8" for n in range(30))


async def test_snapshot_beside_newer_events_takes_nothing_back(session, product_facts):
    await on_product_changed(session, changed(product_facts("P", sequence=2, skus=["b"])))
    lines = [
        product_facts("P", sequence=1, skus=["a"]).model_dump(mode="json"),
        product_facts("Q", skus=["q"]).model_dump(mode="json"),
    ]
    for _ in range(2):
        await take_snapshot(session, lines)
    assert [await tax_class(session, sku) for sku in "abq"] == [None, "standard", "standard"]
