"""A neighbour that is away takes its own fields with it and nothing else."""

import time

import pytest

LIST = (
    "{ products(first: 2) { nodes { key price { taxRate } "
    "variants { sku price { unitPrice { amount } } availability { available } } } } }"
)


@pytest.mark.parametrize("mood", ["down", "rubbish", "odd", "broken"])
async def test_list_without_pricing_shows_all_but_prices(gateway, shop, mood):
    shop.moods["pricing"] = mood
    answer = await gateway.ask(LIST)
    nodes = answer["data"]["products"]["nodes"]
    assert [one["key"] for one in nodes] == ["P00001", "P00002"]
    assert nodes[0]["price"] is None
    assert nodes[0]["variants"][0] == {
        "sku": "P00001-A",
        "price": None,
        "availability": {"available": 1},
    }
    assert len(answer["errors"]) == 1
    assert answer["errors"][0]["path"] == ["products"]
    assert answer["errors"][0]["extensions"]["code"] == "pricing-unavailable"


async def test_a_price_too_large_to_tell_takes_only_prices_with_it(gateway, shop):
    shop.moods["pricing"] = "refusing"
    answer = await gateway.ask(LIST)
    nodes = answer["data"]["products"]["nodes"]
    assert [one["price"] for one in nodes] == [None, None]
    assert nodes[0]["variants"][0]["availability"] == {"available": 1}
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["line-too-large"]


async def test_list_does_not_wait_long_for_prices(open_gateway, shop):
    gateway = await open_gateway(enrichment_seconds=0.2)
    shop.moods["pricing"] = "slow"
    answer = await gateway.ask(LIST)
    assert answer["data"]["products"]["nodes"][0]["price"] is None
    assert answer["errors"][0]["extensions"]["code"] == "pricing-unavailable"


@pytest.mark.parametrize("mood", ["down", "rubbish", "odd", "broken"])
async def test_fields_of_catalog_are_null_while_orders_answers(gateway, shop, mood):
    await gateway.ask("{ store { key } }")
    shop.moods["catalog"] = mood
    query = (
        "query ($id: ID!, $secret: String!) { products { nodes { key } } categories { key } "
        'product(by: {key: "P00001"}) { key } cart(id: $id, secret: $secret) { version } }'
    )
    response = await gateway.send(query, {"id": shop.cart_id, "secret": shop.secret})
    assert response.status_code == 200
    assert response.json()["data"] == {
        "products": None,
        "categories": None,
        "product": None,
        "cart": {"version": 1},
    }
    codes = {one["path"][0]: one["extensions"]["code"] for one in response.json()["errors"]}
    assert codes == dict.fromkeys(["products", "categories", "product"], "catalog-unavailable")


@pytest.mark.parametrize("mood", ["down", "rubbish", "odd", "broken"])
async def test_fields_of_orders_are_null_while_catalog_answers(gateway, shop, mood):
    shop.moods["orders"] = mood
    query = (
        "query ($id: ID!, $pid: ID!, $secret: String!) { cart(id: $id, secret: $secret) { version }"
        ' order(number: "T-1", secret: $secret) { number } deliveryMethods { key } store { key }'
        " placement(id: $pid, secret: $secret) { status } }"
    )
    variables = {"id": shop.cart_id, "pid": shop.placement_id, "secret": shop.secret}
    answer = await gateway.ask(query, variables)
    assert answer["data"].pop("store") == {"key": "d2c-uk"}
    assert set(answer["data"].values()) == {None}
    assert {one["extensions"]["code"] for one in answer["errors"]} == {"orders-unavailable"}


async def test_mutation_without_orders_is_an_error_and_changes_nothing(gateway, shop):
    shop.moods["orders"] = "down"
    answer = await gateway.ask("mutation { openCart(input: {}) { secret errors { code } } }")
    assert answer["data"] == {"openCart": None}
    assert answer["errors"][0]["extensions"]["code"] == "orders-unavailable"
    assert len(shop.called("orders")) == 1, "opening a cart is not repeated"


async def test_answer_comes_within_the_caller_s_deadline(gateway, shop):
    shop.moods["catalog"] = "slow"
    answer = await gateway.ask(LIST, Tandem_Deadline=str(int((time.time() + 0.3) * 1000)))
    assert answer["data"] == {"products": None}
    assert answer["errors"][0]["extensions"]["code"] == "catalog-unavailable"


async def test_answer_comes_within_the_gateway_s_own_deadline(open_gateway, shop):
    gateway = await open_gateway(deadline_seconds=0.3)
    shop.moods["orders"] = "slow"
    answer = await gateway.ask("{ deliveryMethods { key } store { key } }")
    assert answer["data"] == {"deliveryMethods": None, "store": {"key": "d2c-uk"}}


async def test_all_away_still_answers(gateway, shop):
    shop.moods |= dict.fromkeys(["catalog", "pricing", "orders"], "down")
    response = await gateway.send("{ __typename store { key } deliveryMethods { key } }")
    assert response.status_code == 200
    assert response.json()["data"] == {
        "__typename": "Query",
        "store": None,
        "deliveryMethods": None,
    }
    assert (await gateway.client.get("/livez")).status_code == 200
