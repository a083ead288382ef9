"""A poisoned message among good ones: others go on, its own subject waits or it is put aside."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import aio_pika
import orjson

from contracts.catalog import ProductChanged
from contracts.ids import new_id
from tests.outages.market import HEAL_SECONDS, Market

QUEUE = "orders.products"
NAMES = "SELECT name ->> 'en' FROM products WHERE key = $1"
REFUSE = "RAISE EXCEPTION 'poisoned';"
SPOIL = """
IF TG_OP = 'INSERT' THEN
    INSERT INTO spoilt VALUES (NEW.event_id, NEW.event);
    NEW.event := jsonb_set(NEW.event::jsonb, '{data}', '{"product": "none"}')::text;
END IF;
RETURN NEW;
"""
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


async def is_named(market: Market, sku: str, name: str) -> bool:
    return await name_of(market, sku) == name


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


async def test_an_event_that_was_spoilt_is_dead_until_it_is_mended(either_market, eventually):
    """It is spoilt where its owner keeps it, so it comes by each bus."""
    market = either_market
    bad, good = await market.sell(stock=1), await market.sell(stock=1)
    await market.check()
    before = await read_dead(market)
    await market.rows("catalog", "CREATE TABLE spoilt (event_id uuid, event text)")
    await poison(market, "catalog", "outbox", f"NEW.subject = '{bad}'", SPOIL)
    try:
        await market.name(bad, "Bad")
        await market.name(good, "Good")

        async def has_gone_on() -> bool:
            dead = await read_dead(market)
            return await name_of(market, good) == "Good" and len(dead) == len(before) + 1

        await eventually(has_gone_on, timeout=HEAL_SECONDS)
        ((event_id, event),) = await market.rows("catalog", "SELECT event_id, event FROM spoilt")
        assert await read_dead(market) - before == {str(event_id)}
    finally:
        await market.rows("catalog", "DROP FUNCTION poison CASCADE")
        await market.rows("catalog", "DROP TABLE spoilt")
    await market.rows(
        "catalog", "UPDATE outbox SET event = $2 WHERE event_id = $1", event_id, event
    )
    for service in ("orders", "pricing"):
        letter = f"/v1/dead-letters/{service}.products/{event_id}"
        await market.put(service, letter, {"event": orjson.loads(event)})
        replayed = await market.insist(service, "POST", f"{letter}/replay", headers=market.partner)
        assert replayed.status_code == 202, replayed.text
    await eventually(partial(is_named, market, bad, "Bad"), timeout=HEAL_SECONDS)
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


async def test_a_subject_that_fails_waits_while_others_go_on(either_market, eventually):
    market = either_market
    bad, good = await market.sell(stock=1), await market.sell(stock=1)
    await market.check()
    await poison(market, "orders", "products", f"NEW.key = '{bad}'", REFUSE)
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
        await market.rows("orders", "DROP FUNCTION poison CASCADE")
    await market.check()
    assert await name_of(market, bad) == "Second"


async def poison(market: Market, service: str, table: str, when: str, what: str) -> None:
    """Let something happen to rows of a service as they are written."""
    await market.rows(
        service,
        f"CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {what} END$$",
    )
    await market.rows(
        service,
        f"CREATE TRIGGER poisoned BEFORE INSERT OR UPDATE ON {table}"
        f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION poison()",
    )
