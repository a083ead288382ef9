"""A poisoned message among good ones: others go on, its own subject waits or it is put aside."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aio_pika
import orjson

from contracts.catalog import ProductChanged
from contracts.ids import new_id
from tests.outages.market import HEAL_SECONDS, Market

QUEUE = "orders.products"
NAMES = "SELECT name ->> 'en' FROM products WHERE key = $1"
STATES = "SELECT status FROM inbox WHERE queue = $1 AND subject = $2 ORDER BY sequence"


async def publish(market: Market, *bodies: bytes) -> None:
    """Put messages straight into the queue."""
    async with await aio_pika.connect(market.servers.broker.url) as connection:
        channel = await connection.channel()
        for body in bodies:
            await channel.default_exchange.publish(aio_pika.Message(body), QUEUE, timeout=10)


def envelope(event_id: UUID, **said: Any) -> bytes:
    whole = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": "/tandem/catalog",
        "type": ProductChanged.type,
        "subject": "poison",
        "sequence": 1,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {},
    }
    return orjson.dumps(whole | said)


async def name_of(market: Market, sku: str) -> str | None:
    found = await market.rows("orders", NAMES, sku)
    return found[0][0] if found else None


async def test_what_nobody_can_read_is_dead_and_listed(market, eventually):
    sku = await market.sell(stock=1)
    unknown, invalid = new_id(), new_id()
    before = await read_dead(market)
    await publish(
        market,
        b"\x00\xff this is not JSON",
        envelope(unknown, type="tandem.catalog.product.invented.v1"),
        envelope(invalid, data={"product": "none"}),
    )
    await market.name(sku, "Behind")

    async def has_gone_on() -> bool:
        return await name_of(market, sku) == "Behind" and len(await read_dead(market)) == (
            len(before) + 3
        )

    await eventually(has_gone_on, timeout=HEAL_SECONDS)
    assert {str(unknown), str(invalid)} <= await read_dead(market) - before
    await market.check()


async def read_dead(market: Market) -> set[str]:
    """The ids of the dead letters that a partner is shown."""
    answer = await market.call(
        "orders",
        "GET",
        "/v1/dead-letters",
        params={"queue": QUEUE, "limit": 200},
        headers=market.partner,
    )
    assert answer.status_code == 200, answer.text
    return {letter["event_id"] for letter in answer.json()["items"]}


async def test_a_subject_that_fails_waits_while_others_go_on(market, eventually):
    bad, good = await market.sell(stock=1), await market.sell(stock=1)
    await market.check()
    await poison(market, bad)
    try:
        await market.name(bad, "First")
        await market.name(bad, "Second")
        await market.name(good, "Good")

        async def has_gone_on() -> bool:
            states = [row[0] for row in await market.rows("orders", STATES, QUEUE, bad)]
            return states == ["done", "retrying", "waiting"] and (
                await name_of(market, good) == "Good"
            )

        await eventually(has_gone_on, timeout=HEAL_SECONDS)
        assert await name_of(market, bad) == "Goods"
    finally:
        await market.rows("orders", "DROP FUNCTION refuse CASCADE")
    await market.check()
    assert await name_of(market, bad) == "Second"


async def poison(market: Market, key: str) -> None:
    """Let the handler of one product fail."""
    await market.rows(
        "orders",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''poisoned''; END'",
    )
    await market.rows(
        "orders",
        "CREATE TRIGGER poisoned BEFORE INSERT OR UPDATE ON products"
        f" FOR EACH ROW WHEN (NEW.key = '{key}') EXECUTE FUNCTION refuse()",
    )
