"""Quantity rules over HTTP."""

import asyncio

import orjson
import pytest

RULE = {"sku": "71053", "minimum": 6, "multiple": 6}


async def test_a_rule_is_made_changed_and_told(shop, told):
    first = await shop.put("quantity-rules/a", RULE)
    assert (first.status_code, first.headers["etag"]) == (201, '"1"')
    assert first.json() | {"updated_at": ""} == {
        **RULE,
        "key": "a",
        "stores": [],
        "maximum": None,
        "version": 1,
        "updated_at": "",
    }
    again = await shop.put("quantity-rules/a", RULE)
    assert (again.status_code, again.json()) == (200, first.json())
    changed = await shop.put("quantity-rules/a", {**RULE, "maximum": 60, "stores": ["z", "b"]})
    assert (changed.json()["version"], changed.json()["stores"]) == (2, ["b", "z"])
    assert (await shop.get("quantity-rules/a")).json() == changed.json()
    events = [one for one in await told() if one[0] == "quantity_rule"]
    assert [one[1:3] for one in events] == [("a", 1), ("a", 2)]
    assert events[1][3]["quantity_rule"]["maximum"] == 60


async def test_its_sku_stays(shop):
    await shop.put_rule("a", "71053")
    answer = await shop.put("quantity-rules/a", {"sku": "85123A"})
    assert (answer.status_code, answer.json()["code"]) == (409, "quantity-rule-fixed")
    assert answer.json()["errors"][0]["pointer"] == "/sku"


async def test_a_lost_race_is_told(shop):
    await shop.put_rule("a", "71053")
    stale = await shop.put("quantity-rules/a", RULE, **{"If-Match": '"7"'})
    assert stale.status_code == 412
    fresh = await shop.put("quantity-rules/a", RULE, **{"If-Match": '"1"'})
    assert fresh.status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"minimum": 0}, "/minimum"),
        ({"minimum": "6"}, "/minimum"),
        ({"multiple": 0}, "/multiple"),
        ({"maximum": 0}, "/maximum"),
        ({"maximum": 1_000_001}, "/maximum"),
        ({"minimum": 10, "maximum": 11, "multiple": 6}, ""),
        ({"sku": " "}, "/sku"),
        ({"stores": ["a b"]}, "/stores/0"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_what_cannot_be(shop, told, changes, pointer):
    answer = await shop.put("quantity-rules/a", {**RULE, **changes})
    assert answer.status_code == 422
    assert pointer in [one["pointer"] for one in answer.json()["errors"]]
    assert await told() == []


async def test_who_may(shop, make_token):
    for method, path, scopes in [
        ("PUT", "quantity-rules/a", ("pricing:read",)),
        ("GET", "quantity-rules/a", ("pricing:write",)),
        ("GET", "quantity-rules", ("pricing:write",)),
        ("POST", "quantity-rules/bulk", ("pricing:read",)),
    ]:
        headers = {"Content-Type": "application/x-ndjson"} if method == "POST" else {}
        body = {"content": b"{}"} if method == "POST" else {"json": RULE}
        body = {} if method == "GET" else body
        without = await shop.client.request(method, f"/v1/{path}", headers=headers, **body)
        assert without.status_code == 401
        headers |= {"Authorization": f"Bearer {make_token(scopes=scopes)}"}
        wrong = await shop.client.request(method, f"/v1/{path}", headers=headers, **body)
        assert wrong.status_code == 403
    assert (await shop.get("quantity-rules/none")).status_code == 404


async def test_rules_are_listed_by_key_or_of_a_sku(shop):
    for key, sku in (("a", "X"), ("b", "Y"), ("c", "X")):
        await shop.put_rule(key, sku)
    page = (await shop.get("quantity-rules", limit=2)).json()
    assert [one["key"] for one in page["items"]] == ["a", "b"]
    rest = (await shop.get("quantity-rules", after=page["next"])).json()
    assert ([one["key"] for one in rest["items"]], rest["next"]) == (["c"], None)
    of_x = (await shop.get("quantity-rules", sku="X")).json()
    assert [one["key"] for one in of_x["items"]] == ["a", "c"]


async def bulk(shop, lines, **params):
    answer = await shop.client.post(
        "/v1/quantity-rules/bulk",
        content=b"\n".join(map(orjson.dumps, lines)),
        params=params,
        headers={**shop.headers, "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def test_many_at_once_and_a_bad_line_is_refused_alone(shop):
    await shop.put_rule("b", "71053")
    lines = [
        {"key": "a", **RULE},
        {"key": "b", "sku": "another"},
        {"key": "c", "sku": "71053", "minimum": 0},
        {"key": "b", "sku": "71053"},
    ]
    dry = await bulk(shop, lines, dry_run="true")
    done = await bulk(shop, lines)
    assert [one["outcome"] for one in done] == [one["outcome"] for one in dry]
    assert [one["outcome"] for one in done] == ["created", "refused", "refused", "unchanged"]
    assert done[1]["errors"][0]["pointer"] == "/sku"
    assert (await shop.get("quantity-rules/a")).json()["multiple"] == 6
    assert (await shop.get("quantity-rules/c")).status_code == 404


async def test_writers_at_once_take_turns(shop, told):
    answers = await asyncio.gather(
        *(shop.put("quantity-rules/a", {**RULE, "minimum": 6 * n}) for n in range(1, 9))
    )
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 9))
    assert len(await told()) == 8
