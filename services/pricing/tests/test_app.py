"""The service as a whole: its document, its database, its snapshots and its copies."""

import orjson
import pytest

from chassis import copies, migrate
from chassis.service import create_app
from contracts.pricing import PriceFacts, PriceList, QuantityRule, TaxRate
from contracts.topology import QUEUES, SNAPSHOTS
from pricing.app import SERVICE
from pricing.settings import PricingSettings

OURS = ("/v1/price-lists", "/v1/prices", "/v1/quantity-rules", "/v1/tax-rates")


def test_service_takes_and_streams_what_the_topology_says():
    assert {one.queue for one in SERVICE.consumers} == {
        queue for queue in QUEUES if queue.startswith("pricing.")
    }
    assert tuple(one.type for one in SERVICE.snapshots) == SNAPSHOTS["pricing"]


@pytest.fixture(scope="module")
def document():
    settings = PricingSettings(database_url="postgresql://nobody@localhost/nothing")
    return create_app(SERVICE, settings).openapi()


def operations(document):
    for path, item in document["paths"].items():
        if path.startswith(OURS):
            for operation in item.values():
                yield path, operation


def test_every_operation_is_described(document):
    ids = []
    for path, operation in operations(document):
        ids.append(operation["operationId"])
        assert operation["summary"], path
        assert operation["description"], path
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, parameter["name"])
            schema = parameter["schema"]
            shown = [parameter, schema, *schema.get("anyOf", [])]
            is_plain = "default" in schema or schema.get("type") == "boolean"
            assert is_plain or any("example" in one or "examples" in one for one in shown), (
                path,
                parameter["name"],
            )
    assert sorted(ids) == sorted(set(ids))
    assert len(ids) == 15


def test_bulk_tells_what_goes_in_and_out(document):
    bulk = document["paths"]["/v1/price-lists/{key}/prices/bulk"]["post"]
    assert "application/x-ndjson" in bulk["requestBody"]["content"]
    assert "application/x-ndjson" in bulk["responses"]["200"]["content"]


async def test_database_is_what_the_tables_say(service, settings):
    assert await migrate.differences(service, settings) == []


async def snapshot(shop, make_token, kind):
    token = make_token(scopes=("changes:read",))
    answer = await shop.client.get(
        f"/v1/snapshots/{kind}", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    first, *lines = map(orjson.loads, answer.content.splitlines())
    assert set(first) == {"cursor"}
    return lines


async def test_snapshots_have_all_that_is_known_now(open_shop, make_token):
    await open_shop.put_price("A", "1", valid_from="2020-01-01T00:00:00Z")
    await open_shop.put_price("A", "2", valid_from="2999-01-01T00:00:00Z")
    await open_shop.put_price("B", "3")
    lists = await snapshot(open_shop, make_token, "price_lists")
    prices = await snapshot(open_shop, make_token, "prices")
    rates = await snapshot(open_shop, make_token, "tax_rates")
    await open_shop.put_rule("a", "A", minimum=6, multiple=6, stores=["d2c-uk"])
    (rule,) = await snapshot(open_shop, make_token, "quantity_rules")
    assert QuantityRule.model_validate(rule).multiple == 6
    assert [PriceList.model_validate(line).key for line in lists] == ["public-uk"]
    assert [TaxRate.model_validate(line).key for line in rates] == ["GB-standard"]
    facts = [PriceFacts.model_validate(line) for line in prices]
    assert [(one.sku, one.tiers[0].amount, one.sequence) for one in facts] == [
        ("A", "1.00", 2),
        ("A", "2.00", 2),
        ("B", "3.00", 1),
    ]
    assert facts[0].valid_to == facts[1].valid_from


async def test_copies_are_filled_and_rebuilt_from_snapshots(
    shop, neighbour_fake, store_facts, product_facts
):
    """A rebuild takes away what catalog no longer has, with its SKUs."""

    def stream(*lines):
        texts = [b'{"cursor": "c"}', *(line.model_dump_json().encode() for line in lines)]
        return 200, b"\n".join(texts) + b"\n"

    neighbour_fake.on("catalog", "GET", "/v1/snapshots/stores", stream(store_facts()))
    neighbour_fake.on(
        "catalog", "GET", "/v1/snapshots/products", stream(product_facts("A"), product_facts("B"))
    )
    neighbour_fake.on("accounts", "GET", "/v1/snapshots/buyer_profiles", stream())
    await shop.put_list()
    await shop.put_rate()
    for sku in "AB":
        await shop.put_price(sku, "1")
    for copy in SERVICE.copies:
        assert await copies.fill(shop.runtime, copy)
    answer = await shop.resolved("A", "B")
    assert [line["outcome"] for line in answer["lines"]] == ["priced", "priced"]
    neighbour_fake.on("catalog", "GET", "/v1/snapshots/products", stream(product_facts("A")))
    for copy in SERVICE.copies:
        assert await copies.rebuild(shop.runtime, copy)
    answer = await shop.resolved("A", "B")
    assert [line["outcome"] for line in answer["lines"]] == ["priced", "no_price"]


async def test_every_operation_answers_as_documented(
    open_shop, product_facts, call_every_operation
):
    """Schemathesis, with good and bad values, as one who may do all."""
    await open_shop.know_products(product_facts("71053"))
    await open_shop.put_price("71053", "3.39")
    seen = await call_every_operation(headers=open_shop.headers, examples=40)
    assert {"200", "201", "404", "422"} <= seen
    assert "401" in await call_every_operation(examples=3)
