"""The service as a whole: its document, its database, its snapshots, feed and copies."""

import asyncio

import orjson
import pytest

from chassis import copies, migrate, relay
from chassis.service import create_app
from contracts.topology import QUEUES, SNAPSHOTS
from orders.app import SERVICE
from orders.settings import OrdersSettings

OURS = (
    "/v1/warehouses",
    "/v1/delivery-methods",
    "/v1/carts",
    "/v1/orders",
    "/v1/placements",
    "/v1/webhooks",
)


def test_service_takes_and_streams_what_the_topology_says():
    queues = {queue for queue in QUEUES if queue.startswith("orders.")}
    assert {one.queue for one in SERVICE.consumers} == queues
    assert {one.queue for one in SERVICE.copies} == queues - {"orders.approvals"}
    assert tuple(one.type for one in SERVICE.snapshots) == SNAPSHOTS["orders"]


@pytest.fixture(scope="module")
def document():
    settings = OrdersSettings(port=0, database_url="postgresql://nobody@localhost/nothing")
    return create_app(SERVICE, settings).openapi()


def test_every_operation_and_parameter_is_described_with_an_example(document):
    ids = []
    for path, item in document["paths"].items():
        if not path.startswith(OURS):
            continue
        for operation in item.values():
            ids.append(operation["operationId"])
            assert operation["summary"], path
            assert operation["description"], path
            for parameter in operation.get("parameters", []):
                assert parameter["description"], (path, parameter["name"])
                schema = parameter["schema"]
                shown = [parameter, schema, *schema.get("anyOf", [])]
                is_plain = "default" in schema or schema.get("type") == "boolean"
                has_example = any("example" in one or "examples" in one for one in shown)
                assert is_plain or has_example, (path, parameter["name"])
    assert len(ids) == len(set(ids)) == 29


def test_placing_tells_all_its_answers(document):
    place = document["paths"]["/v1/carts/{cart_id}/place"]["post"]
    assert {"201", "202", "400", "404", "409", "422", "503"} <= place["responses"].keys()
    (key,) = [one for one in place["parameters"] if one["name"] == "Idempotency-Key"]
    assert key["required"]
    opening = document["paths"]["/v1/carts"]["post"]
    assert "Idempotency-Key" not in str(opening.get("parameters"))


async def test_the_database_is_what_the_tables_say(service, settings):
    assert await migrate.differences(service, settings) == []


async def test_the_feed_tells_orders_and_stock(shop, eventually):
    await shop.sell("71053")
    await (await shop.ready(("71053", 2))).place()

    async def told():
        page = (await shop.client.get("/v1/changes", headers=shop.partner)).json()
        return [(event["type"].split(".")[2], event["sequence"]) for event in page["items"]]

    async def is_told():
        return len(await told()) == 3

    stop = asyncio.Event()
    relaying = asyncio.create_task(relay.run(shop.runtime, stop=stop))
    try:
        await eventually(is_told)
    finally:
        stop.set()
        await relaying
    assert sorted(await told()) == [("order", 1), ("stock", 1), ("stock", 2)]


async def test_copies_fill_themselves_from_catalogs_snapshots(shop, neighbour_fake):
    store = {
        "key": "d2c-de",
        "name": {"en": "Germany"},
        "audience": "d2c",
        "currencies": ["EUR"],
        "locales": ["en"],
        "countries": ["DE"],
        "tax_display": "net",
        "version": 4,
        "updated_at": "2026-11-22T10:00:00Z",
    }
    product = {
        "product_id": "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10",
        "key": "p",
        "sequence": 2,
        "is_published": True,
        "tax_class": "standard",
        "name": {"en": "P"},
        "categories": [],
        "skus": ["p-1", "p-2"],
    }
    for kind, line in (("stores", store), ("products", product)):
        lines = b"\n".join(orjson.dumps(one) for one in ({"cursor": "c"}, line))
        neighbour_fake.on("catalog", "GET", f"/v1/snapshots/{kind}", lines)
    nobody = orjson.dumps({"cursor": "c"})
    neighbour_fake.on("accounts", "GET", "/v1/snapshots/buyer_profiles", nobody)
    for copy in SERVICE.copies:
        assert await copies.fill(shop.runtime, copy)
        assert await copies.rebuild(shop.runtime, copy)
    shop.neighbours.prices |= {"p-2": "1.00"}
    guest = await shop.open(("p-2", 1), store="d2c-de")
    assert (guest.cart["currency"], guest.cart["country"]) == ("EUR", "DE")
    assert guest.cart["lines"][0]["product_key"] == "p"
    assert await shop.scalar("SELECT count(*) FROM stores") == 1
