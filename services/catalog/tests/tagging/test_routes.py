"""Assortments over HTTP, on a real PostgreSQL."""

import asyncio
from typing import Any

from contracts.catalog import Assortment, AssortmentChanged

LIGHTS: dict[str, Any] = {
    "name": "Lighting only",
    "stores": ["b2b-eu"],
    "include": {"categories": ["lighting"], "products": [], "skus": []},
    "exclude": None,
    "assignments": [
        {"level": "company", "key": "acme", "company": None, "effect": "narrow"},
        {"level": "unit", "key": "shop", "company": "acme", "effect": "widen"},
    ],
}


async def test_an_assortment_is_made_read_changed_and_told_of(partner, told):
    made = await partner.put("/v1/assortments/lights", json=LIGHTS)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert Assortment.model_validate_json(made.content).model_dump(mode="json") == made.json()
    assert {name: made.json()[name] for name in LIGHTS} == LIGHTS
    again = await partner.put("/v1/assortments/lights", json=LIGHTS)
    assert (again.status_code, again.json()) == (200, made.json())
    changed = await partner.put("/v1/assortments/lights", json=LIGHTS | {"include": None})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    read = await partner.get("/v1/assortments/lights")
    assert (read.json(), read.headers["etag"]) == (changed.json(), '"2"')
    events = await told(AssortmentChanged.type)
    assert [(event["subject"], event["sequence"]) for event in events] == [
        ("lights", 1),
        ("lights", 2),
    ]
    assert events[1]["data"]["assortment"] == changed.json()


async def test_an_unknown_assortment_is_not_found(partner):
    answer = await partner.get("/v1/assortments/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "assortment-not-found")


async def test_assortments_are_listed_by_key_in_pages(partner, put_assortment):
    for key in ("c", "a", "B"):
        await put_assortment(key)
    first = (await partner.get("/v1/assortments", params={"limit": 2})).json()
    assert [one["key"] for one in first["items"]] == ["B", "a"]
    params = {"limit": 2, "after": first["next"]}
    second = (await partner.get("/v1/assortments", params=params)).json()
    assert ([one["key"] for one in second["items"]], second["next"]) == (["c"], None)
    assert all(Assortment.model_validate(one) for one in first["items"])


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "/name"),
    ({"name": None}, "/name"),
    ({"stores": ["a/b"]}, "/stores/0"),
    ({"stores": "b2b-eu"}, "/stores"),
    ({"include": {"categories": "lighting"}}, "/include/categories"),
    ({"include": {"brands": ["x"]}}, "/include/brands"),
    ({"exclude": {"skus": [" "]}}, "/exclude/skus/0"),
    ({"exclude": {"skus": ["1"] * 10_001}}, "/exclude/skus"),
    ({"assignments": [{"level": "person", "key": "x"}]}, "/assignments/0/level"),
    ({"assignments": [{"level": "group", "key": "x", "effect": "hide"}]}, "/assignments/0/effect"),
    ({"assignments": [{"level": "unit", "key": "x"}]}, "/assignments/0"),
    ({"assignments": [{"level": "group", "key": "x", "company": "y"}]}, "/assignments/0"),
    ({"colour": "red"}, "/colour"),
]


async def test_a_bad_field_is_pointed_at(partner):
    for change, pointer in BAD_FIELDS:
        answer = await partner.put("/v1/assortments/lights", json=LIGHTS | change)
        assert answer.status_code == 422, change
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await partner.get("/v1/assortments/lights")).status_code == 404


async def test_only_who_may_reads_and_writes(guest, make_token, sign_in):
    path = "/v1/assortments/lights"
    assert (await guest.put(path, json=LIGHTS)).status_code == 401
    assert (await guest.get(path)).status_code == 401
    assert (await guest.get("/v1/assortments")).status_code == 401

    def bearing(*scopes):
        return {"Authorization": f"Bearer {make_token(scopes=scopes)}"}

    answer = await guest.put(path, json=LIGHTS, headers=bearing("catalog:read"))
    assert (answer.status_code, answer.json()["scope"]) == (403, "catalog:write")
    for read in (path, "/v1/assortments"):
        answer = await guest.get(read, headers=bearing("catalog:write"))
        assert (answer.status_code, answer.json()["scope"]) == (403, "catalog:read")
    member = await sign_in()
    assert (await member.get(path)).status_code == 403
    assert (await member.put(path, json=LIGHTS)).status_code == 403


async def test_who_was_slower_is_told_so(partner):
    await partner.put("/v1/assortments/lights", json=LIGHTS)
    await partner.put("/v1/assortments/lights", json=LIGHTS | {"name": "Lights"})
    lost = await partner.put("/v1/assortments/lights", json=LIGHTS, headers={"If-Match": '"1"'})
    assert (lost.status_code, lost.json()["current_version"]) == (412, 2)
    none = await partner.put("/v1/assortments/new", json=LIGHTS, headers={"If-Match": "*"})
    assert none.status_code == 412


async def test_many_at_once_make_one_assortment(partner, told):
    answers = await asyncio.gather(
        *(
            partner.put("/v1/assortments/lights", json=LIGHTS | {"name": name})
            for name in ("a", "b", "c", "a", "b", "c")
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 200, 200, 200, 200, 201]
    sequences = [event["sequence"] for event in await told(AssortmentChanged.type)]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_the_same_assignment_twice_is_one(partner):
    twice = LIGHTS | {"assignments": LIGHTS["assignments"] * 2}
    made = await partner.put("/v1/assortments/lights", json=twice)
    assert (made.status_code, len(made.json()["assignments"])) == (201, 4)


async def test_a_store_has_an_assortment_that_is_there(partner, put_assortment, store):
    body = (await partner.get(f"/v1/stores/{store}")).json()
    body = {name: body[name] for name in body if name not in {"key", "version", "updated_at"}}
    assert body["default_assortment"] is None
    wanted = body | {"default_assortment": "lights"}
    refused = await partner.put(f"/v1/stores/{store}", json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, "assortment-unknown")
    assert refused.json()["errors"][0]["pointer"] == "/default_assortment"
    await put_assortment("lights")
    changed = await partner.put(f"/v1/stores/{store}", json=wanted)
    assert (changed.status_code, changed.json()["default_assortment"]) == (200, "lights")


async def test_the_snapshot_has_every_assortment(partner, put_assortment):
    await put_assortment("lights", categories=["lighting"])
    answer = await partner.get("/v1/snapshots/assortments")
    assert '"key":"lights"' in answer.text
