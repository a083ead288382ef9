"""Price lists and prices over HTTP, with all that a partner may get wrong."""

import asyncio

import orjson
import pytest

LIST = {"name": "Public UK", "currency": "GBP", "is_tax_included": True}
PRICE = {"tiers": [{"amount": "3.39"}]}


async def test_list_is_made_read_and_left_alone_when_the_same(shop, told):
    made = await shop.put("price-lists/public-uk", LIST)
    again = await shop.put("price-lists/public-uk", LIST)
    read = await shop.get("price-lists/public-uk")
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json() == read.json()
    assert made.headers["etag"] == again.headers["etag"] == read.headers["etag"] == '"1"'
    assert [one[:3] for one in await told()] == [("price_list", "public-uk", 1)]


async def test_changed_list_is_a_new_version_and_told(shop, told):
    await shop.put_list()
    answer = await shop.put("price-lists/public-uk", {**LIST, "priority": 5, "stores": ["d2c-uk"]})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    kind, subject, sequence, data = (await told())[-1]
    assert (kind, subject, sequence) == ("price_list", "public-uk", 2)
    assert data["price_list"] == answer.json()


@pytest.mark.parametrize(("field", "value"), [("currency", "EUR"), ("is_tax_included", False)])
async def test_currency_and_way_with_tax_of_a_list_stay(shop, field, value):
    await shop.put_list()
    answer = await shop.put("price-lists/public-uk", {**LIST, field: value})
    assert (answer.status_code, answer.json()["code"]) == (409, "price-list-fixed")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"


async def test_lost_race_is_told_and_changes_nothing(shop):
    await shop.put_list()
    await shop.put("price-lists/public-uk", {**LIST, "priority": 1}, **{"If-Match": '"1"'})
    lost = await shop.put("price-lists/public-uk", {**LIST, "priority": 2}, **{"If-Match": '"1"'})
    assert (lost.status_code, lost.json()["current_version"]) == (412, 2)
    new = await shop.put("price-lists/other", LIST, **{"If-Match": "*"})
    assert new.status_code == 412
    assert (await shop.get("price-lists/public-uk")).json()["priority"] == 1
    assert (await shop.get("price-lists/other")).status_code == 404


async def test_of_two_writers_with_one_version_one_wins(shop):
    await shop.put_list()
    answers = await asyncio.gather(
        *(
            shop.put("price-lists/public-uk", {**LIST, "priority": n}, **{"If-Match": '"1"'})
            for n in range(1, 9)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"currency": "ZZZ"}, "/currency"),
        ({"currency": "gbp"}, "/currency"),
        ({"currency": None}, "/currency"),
        ({"name": ""}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"name": 7}, "/name"),
        ({"priority": 10**9}, "/priority"),
        ({"priority": 10**30}, "/priority"),
        ({"priority": "high"}, "/priority"),
        ({"stores": ["a/b"]}, "/stores/0"),
        ({"stores": "d2c-uk"}, "/stores"),
        ({"is_published": "perhaps"}, "/is_published"),
        ({"valid_from": "yesterday"}, "/valid_from"),
        ({"valid_from": "2026-01-01T00:00:00"}, "/valid_from"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, "/valid_from"),
        ({"valid_to": "9999-12-31T23:59:59-12:00"}, "/valid_to"),
        ({"valid_from": "2027-01-01T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}, ""),
        ({"audience": "d2c"}, "/audience"),
    ],
)
async def test_bad_field_of_a_list_is_named(shop, change, pointer):
    answer = await shop.put("price-lists/public-uk", {**LIST, **change})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("key", ["a%2Fb", "a b", "-a", "é", "a" * 129, "%00", "a%00"])
async def test_bad_key_is_refused(shop, key):
    answer = await shop.put(f"price-lists/{key}", LIST)
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("PUT", "/v1/price-lists/public-uk", "pricing:write"),
        ("GET", "/v1/price-lists/public-uk", "pricing:read"),
        ("GET", "/v1/price-lists", "pricing:read"),
        ("PUT", "/v1/price-lists/public-uk/prices/A", "pricing:write"),
        ("GET", "/v1/price-lists/public-uk/prices/A", "pricing:read"),
        ("GET", "/v1/price-lists/public-uk/prices", "pricing:read"),
        ("POST", "/v1/price-lists/public-uk/prices/bulk", "pricing:write"),
        ("PUT", "/v1/tax-rates/gb", "pricing:write"),
        ("GET", "/v1/tax-rates/gb", "pricing:read"),
        ("GET", "/v1/tax-rates", "pricing:read"),
    ],
)
async def test_scope_is_needed(app_client, make_token, method, path, scope):
    """A guest is asked who it is, and the scope that is missing is named, whatever the body."""
    guest = await app_client.request(method, path)
    assert guest.status_code == 401
    others = {"pricing:read", "pricing:write", "catalog:write"} - {scope}
    token = make_token(scopes=tuple(others))
    answer = await app_client.request(method, path, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")
    assert scope in answer.json()["detail"]


async def test_lists_are_paged_by_key(shop):
    for key in ("b", "a", "c"):
        await shop.put_list(key)
    first = (await shop.get("price-lists", limit=2)).json()
    rest = (await shop.get("price-lists", limit=2, after=first["next"])).json()
    assert [one["key"] for one in first["items"] + rest["items"]] == ["a", "b", "c"]
    assert rest["next"] is None
    assert (await shop.get("price-lists", after="rubbish")).status_code == 422
    assert (await shop.get("price-lists", limit=0)).status_code == 422


async def test_price_is_set_and_read(shop):
    await shop.put_list()
    made = await shop.put("price-lists/public-uk/prices/85123A", PRICE)
    again = await shop.put("price-lists/public-uk/prices/85123A", PRICE)
    changed = await shop.put(
        "price-lists/public-uk/prices/85123A", {"tiers": [{"amount": "3.390001"}]}
    )
    assert [one.status_code for one in (made, again, changed)] == [201, 200, 200]
    assert made.json() == again.json()
    assert changed.json()["tiers"] == [{"min_quantity": 1, "amount": "3.390001"}]
    read = await shop.get("price-lists/public-uk/prices/85123A")
    assert read.json() == changed.json()
    then = {"known_at": made.json()["recorded_at"]}
    known = await shop.get("price-lists/public-uk/prices/85123A", **then)
    assert known.json() == made.json()


async def test_sku_is_case_sensitive(shop):
    await shop.put_list()
    await shop.put_price("85123A", "1")
    assert (await shop.get("price-lists/public-uk/prices/85123a")).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/tiers"),
        ({"tiers": []}, "/tiers"),
        ({"tiers": [{"amount": 3.39}]}, "/tiers/0/amount"),
        ({"tiers": [{"amount": "3.3900001"}]}, "/tiers/0/amount"),
        ({"tiers": [{"amount": "-1"}]}, "/tiers/0/amount"),
        ({"tiers": [{"amount": "1e3"}]}, "/tiers/0/amount"),
        ({"tiers": [{"amount": "NaN"}]}, "/tiers/0/amount"),
        ({"tiers": [{"amount": "1234567890123"}]}, "/tiers/0/amount"),
        ({"tiers": [{"amount": "1", "currency": "GBP"}]}, "/tiers/0/currency"),
        ({"tiers": [{"min_quantity": 2, "amount": "1"}]}, ""),
        ({"tiers": [{"min_quantity": True, "amount": "1"}]}, "/tiers/0/min_quantity"),
        ({"tiers": [{"min_quantity": 10**7, "amount": "1"}]}, "/tiers/0/min_quantity"),
        ({"tiers": [{"amount": "1"}, {"amount": "2"}]}, ""),
        ({**PRICE, "valid_to": "2020-01-01T00:00:00Z"}, "/valid_to"),
        ({**PRICE, "valid_to": "9999-12-31T23:59:59-23:00"}, "/valid_to"),
        ({**PRICE, "price": "1"}, "/price"),
    ],
)
async def test_bad_price_is_named(shop, body, pointer):
    await shop.put_list()
    answer = await shop.put("price-lists/public-uk/prices/A", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("path", ["prices/A", "prices"])
async def test_unknown_list_is_told(shop, path):
    answer = await shop.get(f"price-lists/nowhere/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "price-list-unknown")
    written = await shop.put("price-lists/nowhere/prices/A", PRICE)
    assert written.status_code == 404
    bulk = await shop.client.post(
        "/v1/price-lists/nowhere/prices/bulk",
        content=b"",
        headers={**shop.headers, "Content-Type": "application/x-ndjson"},
    )
    assert bulk.status_code == 404


@pytest.mark.parametrize("name", ["at", "known_at"])
@pytest.mark.parametrize(
    "moment", ["now", "2026-01-01", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"]
)
async def test_bad_moment_is_named(shop, name, moment):
    await shop.put_list()
    for path in ("prices/A", "prices"):
        answer = await shop.get(f"price-lists/public-uk/{path}", **{name: moment})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == name


async def test_prices_are_paged_by_sku(shop):
    await shop.put_list()
    results = await shop.bulk([{"sku": f"S{n}", **PRICE} for n in range(7)])
    assert {one["outcome"] for one in results} == {"created"}
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await shop.get("price-lists/public-uk/prices", limit=3, **after)).json()
        seen += [one["sku"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [f"S{n}" for n in range(7)]


async def test_one_bad_line_among_three_thousand_costs_only_itself(shop, told):
    await shop.put_list()
    lines = [orjson.dumps({"sku": f"S{n:04}", **PRICE}) for n in range(3000)]
    lines[1234] = b'{"sku": "S1234", "tiers": [{"amount": "free"}]}'
    results = await shop.bulk(b"\n".join(lines))
    assert [one["line"] for one in results] == list(range(1, 3001))
    refused = [one for one in results if one["outcome"] != "created"]
    assert [(one["line"], one["key"]) for one in refused] == [(1235, "S1234")]
    assert refused[0]["errors"][0]["pointer"] == "/tiers/0/amount"
    batches = [data["items"] for kind, _, _, data in await told() if kind == "price"]
    assert sum(map(len, batches)) == 2999
    assert max(map(len, batches)) <= 500
    assert max(len(orjson.dumps(batch)) for batch in batches) <= 64_000


async def test_bulk_again_is_unchanged_and_a_dry_run_changes_nothing(shop, told):
    await shop.put_list()
    lines = [{"sku": f"S{n}", **PRICE} for n in range(10)]
    tried = await shop.bulk(lines, dry_run="true")
    assert {one["outcome"] for one in tried} == {"created"}
    assert (await shop.get("price-lists/public-uk/prices")).json()["items"] == []
    await shop.bulk(lines)
    before = await told()
    lines[3]["tiers"] = [{"amount": "4"}]
    again = await shop.bulk(lines)
    assert [one["outcome"] for one in again].count("unchanged") == 9
    assert again[3]["outcome"] == "updated"
    assert len(await told()) == len(before) + 1


async def test_two_lines_of_one_sku_are_written_in_their_order(shop):
    await shop.put_list()
    results = await shop.bulk(
        [{"sku": "A", "tiers": [{"amount": "1"}]}, {"sku": "A", "tiers": [{"amount": "2"}]}]
    )
    assert [one["outcome"] for one in results] == ["created", "updated"]
    price = (await shop.get("price-lists/public-uk/prices/A")).json()
    assert price["tiers"][0]["amount"] == "2.00"


async def test_line_that_cannot_be_is_refused_beside_good_ones(shop):
    await shop.put_list()
    results = await shop.bulk(
        [
            {"sku": "A", **PRICE, "valid_to": "2020-01-01T00:00:00Z"},
            {"sku": "B", **PRICE},
            {"sku": "C/D", **PRICE},
            {"sku": "E", **PRICE, "valid_from": "0001-01-01T00:00:00+14:00"},
            {**PRICE},
            [],
        ]
    )
    assert [one["outcome"] for one in results] == [
        "refused",
        "created",
        "refused",
        "refused",
        "refused",
        "refused",
    ]
    assert [one["errors"][0]["pointer"] for one in results if one["errors"]] == [
        "/valid_to",
        "/sku",
        "/valid_from",
        "/sku",
        "",
    ]


async def test_bulk_wants_ndjson(shop):
    await shop.put_list()
    answer = await shop.client.post(
        "/v1/price-lists/public-uk/prices/bulk", json=[PRICE], headers=shop.headers
    )
    assert answer.status_code == 415


async def test_price_with_fifty_tiers_fits_an_event(shop, told):
    await shop.put_list()
    tiers = [{"min_quantity": n, "amount": "123456789012.123456"} for n in range(1, 51)]
    results = await shop.bulk([{"sku": f"S{n}", "tiers": tiers} for n in range(100)])
    assert {one["outcome"] for one in results} == {"created"}
    batches = [data["items"] for kind, _, _, data in await told() if kind == "price"]
    assert sum(map(len, batches)) == 100
    assert max(len(orjson.dumps(batch)) for batch in batches) <= 64_000
