"""The copy of stores, fed twice and in any order."""

from datetime import UTC, datetime
from itertools import permutations

import orjson
import pytest

from contracts.catalog import Store, StoreChanged
from contracts.envelope import make_event
from contracts.ids import new_id
from orders.store.consumers import on_store_changed, take_snapshot
from orders.store.queries import find_store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def make_store(version: int, **changes) -> Store:
    return Store.model_validate(
        {
            "key": "d2c-uk",
            "name": {"en": "Tandem"},
            "audience": "d2c",
            "currencies": ["GBP"],
            "locales": ["en"],
            "countries": ["GB"],
            "tax_display": "gross",
            "version": version,
            "updated_at": NOW,
            **changes,
        }
    )


def event_of(store: Store):
    return make_event(
        StoreChanged(store=store),
        event_id=new_id(),
        subject=store.key,
        sequence=store.version,
        time=NOW,
    )


VERSIONS = [
    make_store(1),
    make_store(2, countries=["GB", "IE"]),
    make_store(3, countries=["IE"], currencies=["EUR"], locales=["en", "ga"]),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_whatever_the_order_the_newest_stays(session, order):
    for index in [*order, *reversed(order)]:
        await on_store_changed(session, event_of(VERSIONS[index]))
    store = await find_store(session, "d2c-uk")
    assert store is not None
    assert (store.countries, store.currencies, store.locales) == (("IE",), ("EUR",), ("en", "ga"))


async def test_a_snapshot_beside_events_never_goes_back(session):
    await on_store_changed(session, event_of(VERSIONS[2]))
    await take_snapshot(session, [orjson.loads(VERSIONS[0].model_dump_json())])
    store = await find_store(session, "d2c-uk")
    assert store is not None
    assert store.countries == ("IE",)


async def test_an_unknown_store_is_none(session):
    assert await find_store(session, "nowhere") is None
