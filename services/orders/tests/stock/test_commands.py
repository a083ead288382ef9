"""Holds on stock, on a real PostgreSQL, side by side."""

import asyncio
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from contracts.problems import Problem
from orders.errors import HoldReleased, NotEnoughStock
from orders.stock.commands import bind_reservation, release_stock, reserve_stock

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ORDER_ID = UUID("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10")


@pytest.fixture
def holds(shop):
    return Holds(shop.runtime)


class Holds:
    """Each call a transaction of its own."""

    def __init__(self, runtime):
        self.runtime = runtime

    async def reserve(self, hold_id, *lines):
        async with self.runtime.sessions() as session:
            await reserve_stock(session, hold_id, lines, now=NOW)
            await session.commit()

    async def release(self, hold_id):
        async with self.runtime.sessions() as session:
            await release_stock(session, hold_id, now=NOW)
            await session.commit()

    async def bind(self, hold_id):
        async with self.runtime.sessions() as session:
            await bind_reservation(session, hold_id, order_id=ORDER_ID, now=NOW)
            await session.commit()


async def level(shop, sku, warehouse="main"):
    answer = await shop.client.get(f"/v1/warehouses/{warehouse}/stock/{sku}", headers=shop.partner)
    return answer.json()


async def test_a_hold_granted_twice_holds_once(shop, holds):
    await shop.stock("a", 5)
    await holds.reserve("h1", ("a", 3))
    await holds.reserve("h1", ("a", 3))
    assert (await level(shop, "a"))["reserved"] == 3
    await shop.check()


async def test_releasing_gives_back_once_and_never_what_is_bound(shop, holds):
    await shop.stock("a", 5)
    await holds.reserve("h1", ("a", 3))
    await holds.reserve("h2", ("a", 1))
    await holds.bind("h2")
    for hold_id in ("h1", "h1", "h2"):
        await holds.release(hold_id)
    assert (await level(shop, "a"))["reserved"] == 1
    assert await shop.scalar("SELECT status FROM stock_reservations WHERE hold_id = 'h2'") == (
        "bound"
    )


async def test_a_hold_that_comes_after_its_release_is_refused(shop, holds):
    await shop.stock("a", 5)
    await holds.release("late")
    with pytest.raises(HoldReleased):
        await holds.reserve("late", ("a", 3))
    assert (await level(shop, "a"))["reserved"] == 0


async def test_a_released_hold_cannot_be_bound(shop, holds):
    await shop.stock("a", 5)
    await holds.reserve("h1", ("a", 3))
    await holds.release("h1")
    with pytest.raises(HoldReleased):
        await holds.bind("h1")


async def test_all_lines_or_none_and_every_short_sku_is_named(shop, holds):
    await shop.stock("a", 5)
    await shop.stock("b", 1)
    with pytest.raises(NotEnoughStock) as refusal:
        await holds.reserve("h1", ("a", 3), ("b", 1), ("b", 1), ("c", 1))
    assert refusal.value.extra["shortages"] == [
        {"sku": "b", "requested": 2, "available": 1},
        {"sku": "c", "requested": 1, "available": 0},
    ]
    assert (await level(shop, "a"))["reserved"] == 0
    assert await shop.scalar("SELECT count(*) FROM stock_reservations") == 0


async def test_stock_is_taken_from_the_warehouse_of_highest_priority_first(shop, holds):
    for key, priority in (("b-low", 0), ("a-low", 0), ("high", 5)):
        await shop.client.put(
            f"/v1/warehouses/{key}",
            json={"name": key, "country": "GB", "priority": priority},
            headers=shop.partner,
        )
        await shop.stock("a", 2, warehouse=key)
    await holds.reserve("h1", ("a", 5))
    reserved = [(await level(shop, "a", key))["reserved"] for key in ("high", "a-low", "b-low")]
    assert reserved == [2, 2, 1]
    await shop.check()


async def test_fifty_buyers_for_five_pieces_get_exactly_five(shop, holds):
    await shop.stock("hot", 5)

    async def buy(number):
        try:
            await holds.reserve(f"h{number}", ("hot", 1))
        except NotEnoughStock:
            return False
        return True

    outcomes = await asyncio.gather(*(buy(number) for number in range(50)))
    assert outcomes.count(True) == 5
    assert (await level(shop, "hot"))["available"] == 0
    await shop.check()


async def test_holds_counts_and_releases_side_by_side_never_oversell_or_deadlock(shop, holds):
    """Six SKUs in two warehouses, forty actors in another order each; what is left adds up."""
    skus = list("abcdef")
    await shop.client.put(
        "/v1/warehouses/second", json={"name": "2", "country": "GB"}, headers=shop.partner
    )
    for sku in skus:
        await shop.stock(sku, 10)
        await shop.stock(sku, 10, warehouse="second")
    random = Random(7)

    async def act(number, wanted, is_released):
        try:
            await holds.reserve(f"h{number}", *wanted)
        except NotEnoughStock:
            return
        if is_released:
            await holds.release(f"h{number}")

    async def count(sku, on_hand):
        answer = await shop.client.put(
            f"/v1/warehouses/main/stock/{sku}", json={"on_hand": on_hand}, headers=shop.partner
        )
        assert answer.status_code in (200, 409), answer.text

    await asyncio.gather(
        *(
            act(
                number,
                [(sku, random.randint(1, 4)) for sku in random.sample(skus, 4)],
                random.random() < 0.4,
            )
            for number in range(30)
        ),
        *(count(random.choice(skus), random.randint(0, 15)) for _ in range(10)),
    )
    await shop.check()


async def test_each_change_is_told_with_the_next_sequence(shop, holds):
    await shop.stock("a", 5)
    await holds.reserve("h1", ("a", 2))
    await holds.release("h1")
    async with shop.runtime.reader.connect() as connection:
        rows = await connection.execute(
            text("SELECT subject, sequence, event FROM outbox ORDER BY id")
        )
        told = [
            (row.subject, row.sequence, orjson.loads(row.event)["data"]["items"]) for row in rows
        ]
    assert told == [
        ("a", number, [{"sku": "a", "sequence": number, "available": available}])
        for number, available in ((1, 5), (2, 3), (3, 5))
    ]


async def test_a_hold_of_many_skus_is_told_in_batches(shop, holds):
    skus = [f"sku-{number:03}" for number in range(600)]
    lines = "".join(f'{{"sku": "{sku}", "on_hand": 5}}\n' for sku in skus)
    await shop.client.post(
        "/v1/warehouses/main/stock/bulk",
        content=lines,
        headers={**shop.partner, "Content-Type": "application/x-ndjson"},
    )
    before = await shop.scalar("SELECT count(*) FROM outbox")
    await holds.reserve("h1", *((sku, 1) for sku in skus))
    assert await shop.scalar("SELECT count(*) FROM outbox") - before == 2
    await shop.check()


async def test_the_database_itself_refuses_what_must_not_be(shop, holds):
    await shop.stock("a", 5)
    for statement in (
        "UPDATE stock_items SET reserved = 6",
        "UPDATE stock_levels SET reserved = -1",
        "UPDATE stock_levels SET on_hand = -1",
    ):
        with pytest.raises(IntegrityError):
            async with shop.runtime.sessions() as session:
                await session.execute(text(statement))
    for statement in ("UPDATE stock_movements SET quantity = 1", "DELETE FROM stock_movements"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with shop.runtime.sessions() as session:
                await session.execute(text(statement))


async def test_a_hold_and_its_release_at_once_leave_nothing_held(shop, holds):
    await shop.stock("a", 5)

    async def reserve(number):
        try:
            await holds.reserve(f"h{number}", ("a", 1))
        except Problem:
            return
        await holds.release(f"h{number}")

    for number in range(10):
        await asyncio.gather(reserve(number), holds.release(f"h{number}"))
    assert (await level(shop, "a"))["reserved"] == 0
    await shop.check()
