"""The copy of stores, fed twice and out of order."""

from itertools import permutations

import pytest
from sqlalchemy import text

from contracts.catalog import StoreChanged
from contracts.envelope import make_event
from contracts.ids import new_id
from pricing.store.consumers import on_store_changed, take_snapshot


def changed(store):
    return make_event(
        StoreChanged(store=store),
        event_id=new_id(),
        subject=store.key,
        sequence=store.version,
        time=store.updated_at,
    )


async def kept(session):
    rows = await session.execute(text("SELECT key, sequence, currencies FROM stores ORDER BY key"))
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
async def test_newest_store_is_kept_whatever_the_order(session, store_facts, order):
    versions = {1: ["GBP"], 2: ["EUR"], 3: ["EUR", "GBP"]}
    for version in order:
        event = changed(store_facts(version=version, currencies=versions[version]))
        await on_store_changed(session, event)
        await on_store_changed(session, event)
    assert await kept(session) == [("d2c-uk", 3, ["EUR", "GBP"])]


async def test_snapshot_beside_newer_events_takes_nothing_back(session, store_facts):
    await on_store_changed(session, changed(store_facts(version=5, currencies=["EUR"])))
    lines = [
        store_facts(version=4).model_dump(mode="json"),
        store_facts("b2b-eu").model_dump(mode="json"),
    ]
    for _ in range(2):
        await take_snapshot(session, lines)
    assert await kept(session) == [("b2b-eu", 1, ["GBP"]), ("d2c-uk", 5, ["EUR"])]
