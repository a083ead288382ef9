"""Lists, pages, categories, ids and languages."""

import pytest

from gateway.context import choose_locale, languages_of
from gateway.ids import decode_cursor, encode_cursor, encode_id

PAGE = """query ($first: Int!, $after: String) { products(first: $first, after: $after) {
  edges { cursor node { key } } nodes { key }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def page(gateway, first, after=None):
    answer = await gateway.ask(PAGE, {"first": first, "after": after})
    assert "errors" not in answer, answer
    found = answer["data"]["products"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    return [one["key"] for one in found["nodes"]], found


async def test_pages_follow_each_other_without_gap_or_repeat(gateway, shop):
    seen, after, more = [], None, True
    while more:
        keys, found = await page(gateway, 40, after)
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += keys
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
    assert seen == [one["key"] for one in shop.products]
    assert await page(gateway, 40, after) == ([], (await page(gateway, 40, after))[1])


@pytest.mark.parametrize("at", [0, 7, 18, 19])
async def test_any_edge_s_cursor_leads_on_behind_it(gateway, at):
    _, found = await page(gateway, 20)
    keys, _ = await page(gateway, 5, found["edges"][at]["cursor"])
    assert keys == [f"P{number:05}" for number in range(at + 2, at + 7)]
    _, second = await page(gateway, 20, found["pageInfo"]["endCursor"])
    keys, _ = await page(gateway, 2, second["edges"][at]["cursor"])
    assert keys == [f"P{number:05}" for number in range(at + 22, at + 24)]


async def test_cursor_in_a_full_page_asks_for_no_more_than_catalog_gives(gateway):
    _, found = await page(gateway, 100)
    keys, _ = await page(gateway, 100, found["edges"][98]["cursor"])
    assert (keys[0], len(keys)) == ("P00100", 100)


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "P00001", "!!!", "é", "A" * 5000),
        *(encode_id("Product", "P1"), encode_cursor("P00001", 999), encode_cursor(None, -1)),
    ],
)
async def test_bad_cursors_are_told(gateway, shop, cursor):
    answer = await gateway.ask(PAGE, {"first": 5, "after": cursor})
    assert answer["data"] == {"products": None}
    extensions = answer["errors"][0]["extensions"]
    assert extensions["code"] == "cursor-malformed"
    assert extensions["fields"][0]["field"] == "after"
    assert shop.called("catalog") == []


async def test_bad_cursor_within_a_cursor_is_catalog_s_to_refuse(gateway):
    answer = await gateway.ask(PAGE, {"first": 5, "after": encode_cursor("nonsense", 0)})
    assert answer["errors"][0]["extensions"]["code"] == "invalid"
    assert answer["errors"][0]["extensions"]["fields"][0]["field"] == "after"


def test_cursors_come_back_as_they_went():
    assert decode_cursor(encode_cursor(None, 3)) == (None, 3)
    assert decode_cursor(encode_cursor("a:b", 0)) == ("a:b", 0)


async def test_product_by_each_of_its_names(gateway, shop):
    query = "query ($by: ProductBy!) { product(by: $by) { id key name price { taxRate } } }"
    found = (await gateway.ask(query, {"by": {"key": "P00007"}}))["data"]["product"]
    assert found["name"] == "White metal lantern 7"
    for by in ({"id": found["id"]}, {"slug": "white-metal-lantern-7"}):
        assert (await gateway.ask(query, {"by": by}))["data"]["product"] == found
    slugs = [call for call in shop.calls if call.path.endswith("by-slug")]
    assert slugs[0].query == {"store": "d2c-uk", "locale": "en", "slug": "white-metal-lantern-7"}
    node = "query ($id: ID!) { node(id: $id) { id ... on Product { key price { taxRate } } } }"
    again = (await gateway.ask(node, {"id": found["id"]}))["data"]["node"]
    assert again == {"id": found["id"], "key": "P00007", "price": {"taxRate": "0.2"}}


@pytest.mark.parametrize(
    "key", ["nope", "by-slug", "", "..", ".", "a/b", "../stores/d2c-uk", "%2e", "a\n"]
)
async def test_unknown_and_impossible_keys_find_nothing(gateway, shop, key):
    query = "query ($key: String!) { product(by: {key: $key}) { key } category(key: $key) { key } }"
    answer = await gateway.ask(query, {"key": key})
    assert answer == {"data": {"product": None, "category": None}}
    assert all(
        call.path
        in ("/v1/products/nope", "/v1/products/by-slug", "/v1/stores/d2c-uk", "/v1/categories")
        for call in shop.calls
    )


@pytest.mark.parametrize("given", ["x", "", encode_id("Cart", "x"), encode_id("Nothing", "x")])
async def test_ids_of_other_things_are_told(gateway, given):
    query = "query ($id: ID!) { product(by: {id: $id}) { key } node(id: $id) { id } }"
    answer = await gateway.ask(query, {"id": given})
    assert answer["data"] == {"product": None, "node": None}
    assert {one["extensions"]["code"] for one in answer["errors"]} == {"id-malformed"}


async def test_nodes_are_found_by_their_ids(gateway):
    query = "{ store { id } categories { id key children { id key parent { key } path { key } } } }"
    found = (await gateway.ask(query))["data"]
    child = found["categories"][0]["children"][0]
    assert child["parent"] == {"key": "home"}
    assert child["path"] == [{"key": "home"}, {"key": "lighting"}]
    node = "query ($id: ID!) { node(id: $id) { __typename id } }"
    for kind, given in (("Store", found["store"]["id"]), ("Category", child["id"])):
        answer = await gateway.ask(node, {"id": given})
        assert answer == {"data": {"node": {"__typename": kind, "id": given}}}
    other = await gateway.ask(node, {"id": encode_id("Store", "other")})
    assert other == {"data": {"node": None}}


async def test_products_name_their_categories(gateway):
    answer = await gateway.ask(
        "{ products(first: 1) { nodes { categories { name path { name } } } } }"
    )
    categories = answer["data"]["products"]["nodes"][0]["categories"]
    assert categories == [{"name": "Lighting", "path": [{"name": "Home"}, {"name": "Lighting"}]}]


async def test_filters_go_to_catalog_as_they_are(gateway, shop):
    await gateway.ask('{ products(category: "home", search: "lantern 24") { nodes { key } } }')
    [query] = [call.query for call in shop.calls if call.path == "/v1/products"]
    assert query == {"store": "d2c-uk", "category": "home", "search": "lantern 24", "limit": "20"}


async def test_unknown_store_is_told(gateway, shop):
    for store in ("nope", "..", "a/b", "é"):
        answer = await gateway.ask(
            "{ products { nodes { key } } }", **{"Tandem-Store": store.encode()}
        )
        assert answer["data"] == {"products": None}
        assert answer["errors"][0]["extensions"]["code"] == "store-unknown"


@pytest.mark.parametrize(
    ("accept", "locale", "name"),
    [
        ("", "en", "White metal lantern 1"),
        ("fr", "fr", "Lanterne 1"),
        ("de, fr-CA;q=0.8, en;q=0.5", "fr", "Lanterne 1"),
        ("fr;q=0, *", "en", "White metal lantern 1"),
        ("zh-Hant-TW, xx", "en", "White metal lantern 1"),
        (";;;,,q=,fr;q=abc", "en", "White metal lantern 1"),
    ],
)
async def test_language_chooses_among_the_store_s_locales(gateway, accept, locale, name):
    answer = await gateway.ask(
        "{ store { locale name } products(first: 1) { nodes { name slug } } }",
        Accept_Language=accept,
    )
    assert answer["data"]["store"]["locale"] == locale
    node = answer["data"]["products"]["nodes"][0]
    assert node == {"name": name, "slug": "white-metal-lantern-1"}


def test_locale_is_looked_up_as_rfc_4647_says():
    locales = ["en-GB", "fr", "zh-Hant"]
    for header, expected in (
        ("zh-Hant-TW", "zh-Hant"),
        ("ZH-HANT", "zh-Hant"),
        ("en", "en-GB"),
        ("de", "en-GB"),
        ("de;q=0.9,fr;q=0.1", "fr"),
        ("en-US,fr;q=0.9", "fr"),
        (None, "en-GB"),
    ):
        assert choose_locale(languages_of(header), locales) == expected, header
