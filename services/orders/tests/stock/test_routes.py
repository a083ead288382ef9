"""Warehouses and stock over HTTP."""

import orjson
import pytest

NDJSON = {"Content-Type": "application/x-ndjson"}


async def bulk(shop, lines, **params):
    answer = await shop.client.post(
        "/v1/warehouses/main/stock/bulk",
        content=b"\n".join(lines),
        headers={**shop.partner, **NDJSON},
        params=params,
    )
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def test_a_warehouse_is_made_changed_and_left_alone(shop):
    body = {"name": "North", "country": "GB", "priority": 1}
    path, headers = "/v1/warehouses/north", shop.partner
    made = await shop.client.put(path, json=body, headers=headers)
    again = await shop.client.put(path, json=body, headers=headers)
    changed = await shop.client.put(path, json={**body, "priority": 2}, headers=headers)
    assert [made.status_code, again.status_code, changed.status_code] == [201, 200, 200]
    assert [one.json()["version"] for one in (made, again, changed)] == [1, 1, 2]
    assert changed.headers["etag"] == '"2"'
    late = await shop.client.put(path, json=body, headers={**headers, "If-Match": '"1"'})
    assert (late.status_code, late.json()["current_version"]) == (412, 2)
    listed = (await shop.client.get("/v1/warehouses", headers=headers)).json()
    assert [one["key"] for one in listed["items"]] == ["main", "north"]
    page = (await shop.client.get("/v1/warehouses?limit=1", headers=headers)).json()
    rest = await shop.client.get(f"/v1/warehouses?after={page['next']}", headers=headers)
    assert [one["key"] for one in rest.json()["items"]] == ["north"]


async def test_a_count_below_what_is_reserved_says_how_many_that_is(shop):
    await shop.sell("71053", on_hand=10)
    guest = await shop.ready(("71053", 6))
    assert (await guest.place()).status_code == 201
    answer = await shop.client.put(
        "/v1/warehouses/main/stock/71053", json={"on_hand": 5}, headers=shop.partner
    )
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "count-below-reserved"
    assert problem["reserved"] == 6
    assert problem["errors"][0]["pointer"] == "/on_hand"
    (result,) = await bulk(shop, [b'{"sku": "71053", "on_hand": 5}'])
    assert result["outcome"] == "refused"
    assert result["errors"][0]["code"] == "count-below-reserved"


async def test_stock_knows_its_version_and_refuses_an_older_one(shop):
    path, headers = "/v1/warehouses/main/stock/71053", shop.partner
    made = await shop.client.put(path, json={"on_hand": 5}, headers=headers)
    same = await shop.client.put(path, json={"on_hand": 5}, headers=headers)
    more = await shop.client.put(
        path, json={"on_hand": 7}, headers={**headers, "If-Match": made.headers["etag"]}
    )
    late = await shop.client.put(
        path, json={"on_hand": 9}, headers={**headers, "If-Match": made.headers["etag"]}
    )
    new = await shop.client.put(
        "/v1/warehouses/main/stock/new", json={"on_hand": 9}, headers={**headers, "If-Match": "*"}
    )
    codes = [one.status_code for one in (made, same, more, late, new)]
    assert codes == [201, 200, 200, 412, 412]
    assert same.headers["etag"] == made.headers["etag"]
    assert await shop.scalar("SELECT count(*) FROM outbox WHERE type LIKE '%stock%'") == 2
    assert await shop.scalar("SELECT count(*) FROM stock_items WHERE sku = 'new'") == 0


@pytest.mark.parametrize("on_hand", [-1, 1_000_000_001, 1.5, "5", None, True, 10**30])
async def test_a_count_is_a_whole_number_that_can_be(shop, on_hand):
    answer = await shop.client.put(
        "/v1/warehouses/main/stock/a", json={"on_hand": on_hand}, headers=shop.partner
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/on_hand"


async def test_what_is_not_there_is_not_found(shop):
    for path in ("/v1/warehouses/none", "/v1/warehouses/none/stock", "/v1/warehouses/main/stock/x"):
        assert (await shop.client.get(path, headers=shop.partner)).status_code == 404
    counted = await shop.client.put(
        "/v1/warehouses/none/stock/x", json={"on_hand": 1}, headers=shop.partner
    )
    assert counted.json()["code"] == "warehouse-not-found"
    sent = await shop.client.post(
        "/v1/warehouses/none/stock/bulk", content=b"", headers={**shop.partner, **NDJSON}
    )
    assert sent.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/warehouses"),
        ("PUT", "/v1/warehouses/main"),
        ("GET", "/v1/warehouses/main/stock"),
        ("PUT", "/v1/warehouses/main/stock/a"),
        ("POST", "/v1/warehouses/main/stock/bulk"),
        ("PUT", "/v1/delivery-methods/standard"),
        ("GET", "/v1/orders"),
    ],
)
async def test_what_partners_do_needs_their_scope(shop, make_token, method, path):
    stranger = {"Authorization": f"Bearer {make_token(scopes=('catalog:write',))}"}
    for headers, status in (({}, 401), (stranger, 403)):
        answer = await shop.client.request(method, path, headers={**NDJSON, **headers}, content=b"")
        assert answer.status_code == status
        if status == 403:
            assert answer.json()["scope"] in {"stock:read", "stock:write", "orders:read"}


async def test_one_bad_line_among_three_thousand_costs_no_other(shop):
    lines = [b'{"sku": "sku-%d", "on_hand": %d}' % (number, number) for number in range(3000)]
    lines[1234] = b'{"sku": "sku-1234", "on_hand": -3}'
    results = await bulk(shop, lines)
    assert len(results) == 3000
    (bad,) = [result for result in results if result["outcome"] != "created"]
    assert (bad["line"], bad["key"], bad["outcome"]) == (1235, "sku-1234", "refused")
    assert bad["errors"][0]["pointer"] == "/on_hand"
    assert await shop.scalar("SELECT count(*) FROM stock_items") == 2999
    assert await shop.scalar("SELECT count(*) FROM outbox WHERE subject LIKE 'batch/%'") == 6
    again = await bulk(shop, lines[:3])
    assert {result["outcome"] for result in again} == {"unchanged"}
    await shop.check()


async def test_a_dry_run_judges_and_changes_nothing(shop):
    results = await bulk(shop, [b'{"sku": "a", "on_hand": 1}'], dry_run=True)
    assert results[0]["outcome"] == "created"
    assert await shop.scalar("SELECT count(*) FROM stock_items") == 0
    assert await shop.scalar("SELECT count(*) FROM outbox") == 0


async def test_the_same_sku_twice_ends_with_the_later_count(shop):
    results = await bulk(
        shop,
        [
            b'{"sku": "a", "on_hand": 1}',
            b'{"sku": "b", "on_hand": 1}',
            b"",
            b'{"sku": "a", "on_hand": 4}',
        ],
    )
    assert [(one["line"], one["outcome"]) for one in results] == [
        (1, "created"),
        (2, "created"),
        (4, "updated"),
    ]
    listed = (await shop.client.get("/v1/warehouses/main/stock", headers=shop.partner)).json()
    assert [(one["sku"], one["on_hand"]) for one in listed["items"]] == [("a", 4), ("b", 1)]
    page = (await shop.client.get("/v1/warehouses/main/stock?limit=1", headers=shop.partner)).json()
    rest = await shop.client.get(
        f"/v1/warehouses/main/stock?limit=1&after={page['next']}", headers=shop.partner
    )
    assert [one["sku"] for one in rest.json()["items"]] == ["b"]
    await shop.check()


async def test_the_snapshot_tells_every_sku(shop):
    await bulk(shop, [b'{"sku": "b", "on_hand": 3}', b'{"sku": "a", "on_hand": 0}'])
    answer = await shop.client.get("/v1/snapshots/stock", headers=shop.partner)
    start, *facts = [orjson.loads(line) for line in answer.content.splitlines()]
    assert "cursor" in start
    assert facts == [
        {"sku": "a", "sequence": 1, "available": 0},
        {"sku": "b", "sequence": 1, "available": 3},
    ]
