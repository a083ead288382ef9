"""Writing prices on the database: both times, twice, side by side, in one go."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from chassis.runtime import open_runtime
from contracts.bulk import LineOutcome
from contracts.pricing import PutPrice, PutPriceLine, PutPriceList
from pricing.price_list import commands, queries

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def make_list(runtime, key="public-uk"):
    body = PutPriceList(name="Public", currency="GBP", is_tax_included=True)
    async with runtime.sessions() as session:
        await commands.put_price_list(session, key, body, if_match=None, now=NOW)
        row = await queries.get_list_row(session, key)
        await session.commit()
    return row


async def put(runtime, sku="A", amount="1", *, now=NOW, key="public-uk", **window):
    body = PutPrice.model_validate({"tiers": [{"amount": amount}], **window})
    async with runtime.sessions() as session:
        price, outcome = await commands.put_price(session, key, sku, body, now=now)
        await session.commit()
    return price, outcome


async def price_at(runtime, at, *, known_at=None, sku="A"):
    async with runtime.reader.connect() as reader:
        found = await queries.list_prices(
            reader, "public-uk", at=at, known_at=known_at, after="", limit=100
        )
    return {price.sku: price.tiers[0].amount for price in found}.get(sku)


async def test_past_is_kept_and_both_times_answer(runtime):
    await make_list(runtime)
    await put(runtime, amount="1", now=NOW)
    await put(runtime, amount="2", now=NOW + HOUR)
    await put(
        runtime, amount="3", now=NOW + 2 * HOUR, valid_from=NOW, valid_to=NOW + HOUR
    )  # a correction of what was
    assert await price_at(runtime, NOW) == "3.00"
    assert await price_at(runtime, NOW, known_at=NOW + HOUR) == "1.00"
    assert await price_at(runtime, NOW + 3 * HOUR) == "2.00"
    assert await price_at(runtime, NOW + 3 * HOUR, known_at=NOW) == "1.00"
    assert await price_at(runtime, NOW - HOUR) is None
    assert await price_at(runtime, NOW, known_at=NOW - HOUR) is None


async def test_same_price_again_writes_no_row_and_tells_nothing(runtime, told):
    await make_list(runtime)
    first, outcome = await put(runtime)
    assert outcome is LineOutcome.CREATED
    before = await told()
    again, outcome = await put(runtime, now=NOW + HOUR)
    assert outcome is LineOutcome.UNCHANGED
    assert again == first
    assert await told() == before
    async with runtime.reader.connect() as reader:
        assert await reader.scalar(text("SELECT count(*) FROM prices")) == 1
        assert await reader.scalar(text("SELECT sequence FROM priced_skus")) == 1


async def test_price_is_told_with_its_window_and_a_growing_sequence(runtime, told):
    await make_list(runtime)
    await put(runtime, amount="1.5")
    await put(runtime, amount="2", now=NOW + HOUR, valid_to=NOW + 2 * HOUR)
    told_prices = [one for one in await told() if one[0] == "price"]
    assert [(subject, sequence) for _, subject, sequence, _ in told_prices] == [
        ("public-uk/A", 1),
        ("public-uk/A", 2),
    ]
    assert told_prices[1][3]["items"] == [
        {
            "price_list": "public-uk",
            "sku": "A",
            "sequence": 2,
            "currency": "GBP",
            "tiers": [{"min_quantity": 1, "amount": "2.00"}],
            "valid_from": "2026-11-22T11:00:00Z",
            "valid_to": "2026-11-22T12:00:00Z",
        }
    ]


windows = st.tuples(st.integers(0, 6), st.none() | st.integers(0, 6), st.integers(1, 3)).filter(
    lambda one: one[1] is None or one[0] < one[1]
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=st.lists(windows, min_size=1, max_size=5))
def test_database_knows_what_a_naive_model_knows(said, database, service):
    """Each example on a list of its own: what was said last of a moment is its price."""
    asyncio.run(_compare(said, database, service))


async def _compare(said, database, service):
    config = service.settings(service="pricing", port=0, database_url=database)
    async with open_runtime(service, config) as runtime:
        key = f"list-{uuid4().hex}"
        await make_list(runtime, key)
        for number, (since, until, amount) in enumerate(said):
            await put(
                runtime,
                amount=str(amount),
                key=key,
                now=NOW + number * HOUR,
                valid_from=NOW + since * HOUR,
                valid_to=None if until is None else NOW + until * HOUR,
            )
        async with runtime.reader.connect() as reader:
            for known in range(len(said)):
                for at in range(8):
                    found = await queries.list_prices(
                        reader,
                        key,
                        at=NOW + at * HOUR,
                        known_at=NOW + known * HOUR,
                        after="",
                        limit=10,
                    )
                    expected = [
                        f"{amount}.00"
                        for since, until, amount in said[: known + 1]
                        if since <= at and (until is None or at < until)
                    ][-1:]
                    assert [price.tiers[0].amount for price in found] == expected


async def test_writers_side_by_side_leave_no_overlap(runtime):
    """Forty writers on one SKU with windows across each other, all at once."""
    await make_list(runtime)
    await asyncio.gather(
        *(
            put(
                runtime,
                amount=str(number + 1),
                now=NOW + timedelta(seconds=number % 7),
                valid_from=NOW + (number % 5) * HOUR,
                valid_to=NOW + (number % 5 + 3) * HOUR,
            )
            for number in range(40)
        )
    )
    async with runtime.reader.connect() as reader:
        overlaps = await reader.scalar(
            text(
                "SELECT count(*) FROM prices a JOIN prices b ON a.id < b.id AND a.sku = b.sku"
                " AND a.price_list_id = b.price_list_id"
                " AND tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)"
                " AND tstzrange(a.recorded_from, a.recorded_to)"
                " && tstzrange(b.recorded_from, b.recorded_to)"
            )
        )
        assert overlaps == 0
        assert await reader.scalar(text("SELECT sequence FROM priced_skus")) == 40


async def test_bulk_writers_in_opposite_order_do_not_deadlock(runtime):
    row = await make_list(runtime)
    skus = [f"S{number:03}" for number in range(100)]

    async def write(order, amount, at):
        wanted = [(1, PutPriceLine(sku=sku, tiers=[{"amount": amount}])) for sku in order]
        async with runtime.sessions() as session:
            results = await commands.put_lines(session, row, wanted, now=at)
            await session.commit()
        return results

    for turn in range(5):
        at = NOW + turn * HOUR
        await asyncio.gather(
            *(
                write(skus[::direction], str(10 * turn + number + 1), at)
                for number, direction in enumerate([1, -1, 1, -1])
            )
        )
    async with runtime.reader.connect() as reader:
        count = text("SELECT count(*) FROM prices WHERE recorded_to IS NULL AND valid_to IS NULL")
        assert await reader.scalar(count) == 100


@pytest.mark.parametrize(
    ("before", "statements"),
    [
        (None, ["SELECT", "INSERT", "INSERT", "INSERT"]),
        ("1", ["SELECT"]),
        ("2", ["SELECT", "INSERT", "SELECT", "UPDATE", "INSERT", "INSERT"]),
    ],
)
async def test_batch_takes_few_statements(runtime, before, statements):
    """Look, queue at the SKUs, look again, close, record, tell; what is known stays a look."""
    row = await make_list(runtime)
    seen = []

    def note(*args):
        seen.append(args[2].split()[0])

    def lines(amount):
        tiers = [{"amount": amount}]
        return [(n, PutPriceLine(sku=f"S{n}", tiers=tiers)) for n in range(1, 501)]

    async with runtime.sessions() as session:
        if before:
            await commands.put_lines(session, row, lines(before), now=NOW)
        await session.flush()
        event.listen(runtime.engine.sync_engine, "before_cursor_execute", note)
        await commands.put_lines(session, row, lines("1"), now=NOW + HOUR)
        await session.flush()
    event.remove(runtime.engine.sync_engine, "before_cursor_execute", note)
    assert seen == statements


async def test_list_may_be_made_by_two_at_once(runtime, told):
    await asyncio.gather(*(make_list(runtime) for _ in range(8)))
    assert [one[1:3] for one in await told()] == [("public-uk", 1)]
