"""Each level of a query costs one call to each neighbour that it needs, and none to the others."""

import pytest

from gateway.ids import encode_id

SECRET = "the-right-secret-the-right-secret"
CART_ID = encode_id("Cart", "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10")

LIST = """
query List($first: Int = 20, $after: String) {
  products(first: $first, after: $after) {
    edges { cursor node {
      id key name slug
      media { url alt }
      variants { sku name price { unitPrice { amount currency } isTaxIncluded taxRate }
                 availability { available isInStock } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

COSTS = [
    (LIST, ["catalog", "pricing"]),
    ("{ products { nodes { key name } } }", ["catalog"]),
    ("{ products { nodes { variants { availability { available } } } } }", ["catalog"]),
    ("{ products { nodes { price { unitPrice { amount } } } } }", ["catalog", "pricing"]),
    ("{ products { pageInfo { endCursor } } }", ["catalog"]),
    ("{ products { nodes { categories { key path { name } } } } }", ["catalog"]),
    ('{ search(query: "lantern") { nodes { name } } }', ["catalog"]),
    ('{ product(by: {key: "P00001"}) { name } }', ["catalog"]),
    (
        '{ product(by: {key: "P00001"}) { price { taxRate } variants { price { taxRate } } } }',
        ["catalog", "pricing"],
    ),
    ("{ store { key name } }", []),
    ("{ categories { name children { name } } }", []),
    ("{ deliveryMethods { key } }", ["orders"]),
    (f'{{ cart(id: "{CART_ID}", secret: "{SECRET}") {{ lines {{ sku }} }} }}', ["orders"]),
    (
        f'{{ cart(id: "{CART_ID}", secret: "{SECRET}") {{ version }} '
        f'  order(number: "T-1000042", secret: "{SECRET}") {{ number }} }}',
        ["orders", "orders"],
    ),
    (
        "query ($no: Boolean = false) { products { nodes { price @include(if: $no) { taxRate } "
        "... on Product @skip(if: true) { variants { price { taxRate } } } } } }",
        ["catalog"],
    ),
    (
        "{ products { nodes { ...P } } } fragment P on Product { variants { ...V } } "
        "fragment V on Variant { cost: price { taxRate } }",
        ["catalog", "pricing"],
    ),
]


@pytest.mark.parametrize(("query", "called"), COSTS)
async def test_query_calls_only_whom_it_needs(gateway, shop, query, called):
    warm = await gateway.ask("{ store { key } categories { key } }")
    assert "errors" not in warm
    shop.calls.clear()
    answer = await gateway.ask(query)
    assert "errors" not in answer, answer
    assert shop.names() == called


async def test_cold_list_fetches_the_store_once_and_never_again(gateway, shop):
    for _ in range(3):
        await gateway.ask(LIST)
    paths = [call.path for call in shop.called("catalog")]
    assert paths.count("/v1/stores/d2c-uk") == 1
    assert paths.count("/v1/products") == 3
    assert len(shop.called("pricing")) == 3


async def test_list_of_20_asks_pricing_for_all_variants_at_once(gateway, shop):
    answer = await gateway.ask(LIST)
    edges = answer["data"]["products"]["edges"]
    assert len(edges) == 20
    asked = [line["sku"] for line in shop.called("pricing")[0].body["lines"]]
    assert asked == [variant["sku"] for one in edges for variant in one["node"]["variants"]]
    price = edges[19]["node"]["variants"][1]["price"]
    assert price["unitPrice"] == {"amount": "3.39", "currency": "GBP"}
    assert edges[19]["node"]["variants"][1]["availability"] == {
        "available": 20,
        "isInStock": True,
    }


async def test_price_of_the_first_variant_asks_for_first_variants_only(gateway, shop):
    await gateway.ask("{ products(first: 3) { nodes { price { taxRate } } } }")
    lines = shop.called("pricing")[0].body["lines"]
    assert [line["sku"] for line in lines] == ["P00001-A", "P00002-A", "P00003-A"]


async def test_calls_carry_no_token_but_ids_and_deadline(gateway, shop):
    await gateway.ask(LIST, X_Request_Id="abc-1")
    for call in shop.calls:
        assert "authorization" not in call.headers
        assert call.headers["x-request-id"] == "abc-1"
        assert call.headers["tandem-deadline"].isdigit()
