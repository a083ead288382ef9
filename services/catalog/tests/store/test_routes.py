"""Stores over HTTP, on a real PostgreSQL."""

import asyncio
from typing import Any

from contracts.catalog import Store, StoreChanged

STORE = {
    "name": {"en": "Tandem Gifts UK"},
    "audience": "d2c",
    "currencies": ["GBP", "EUR"],
    "locales": ["en", "fr"],
    "countries": ["GB", "FR"],
    "tax_display": "gross",
}


async def test_a_store_is_made_read_changed_and_told_of(partner, guest, told):
    made = await partner.put("/v1/stores/d2c-uk", json=STORE)
    assert made.status_code == 201
    assert made.headers["etag"] == '"1"'
    again = await partner.put("/v1/stores/d2c-uk", json=STORE)
    assert (again.status_code, again.json()) == (200, made.json())
    changed = await partner.put("/v1/stores/d2c-uk", json=STORE | {"countries": ["GB"]})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    read = await guest.get("/v1/stores/d2c-uk")
    assert (read.json(), read.headers["etag"]) == (changed.json(), '"2"')
    events = await told(StoreChanged.type)
    assert [(event["subject"], event["sequence"]) for event in events] == [
        ("d2c-uk", 1),
        ("d2c-uk", 2),
    ]
    assert events[1]["data"]["store"] == changed.json()


async def test_an_unknown_store_is_not_found(guest):
    answer = await guest.get("/v1/stores/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "store-not-found")


async def test_stores_are_listed_by_key_in_pages(partner, guest):
    for key in ("c", "a", "B"):
        await partner.put(f"/v1/stores/{key}", json=STORE)
    first = (await guest.get("/v1/stores", params={"limit": 2})).json()
    assert [store["key"] for store in first["items"]] == ["B", "a"]
    second = (await guest.get("/v1/stores", params={"limit": 2, "after": first["next"]})).json()
    assert [store["key"] for store in second["items"]] == ["c"]
    assert second["next"] is None
    assert all(Store.model_validate(store) for store in first["items"])


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"audience": "b2c"}, "/audience"),
    ({"currencies": []}, "/currencies"),
    ({"currencies": ["XXQ"]}, "/currencies/0"),
    ({"currencies": "GBP"}, "/currencies"),
    ({"locales": ["english"]}, "/locales/0"),
    ({"countries": ["gb"]}, "/countries/0"),
    ({"name": {}}, "/name"),
    ({"name": {"en": ""}}, "/name/en"),
    ({"name": {"en": "a\0b"}}, "/name/en"),
    ({"tax_display": None}, "/tax_display"),
    ({"colour": "red"}, "/colour"),
]


async def test_a_bad_field_is_pointed_at(partner):
    for change, pointer in BAD_FIELDS:
        answer = await partner.put("/v1/stores/d2c-uk", json=STORE | change)
        assert answer.status_code == 422
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_a_key_with_a_slash_is_no_path(partner):
    answer = await partner.put("/v1/stores/d2c%2Fuk", json=STORE)
    assert answer.status_code in {404, 422}
    answer = await partner.put("/v1/stores/d2c%20uk", json=STORE)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "key")


async def test_a_guest_and_a_reader_may_not_write(guest, make_token):
    assert (await guest.put("/v1/stores/d2c-uk", json=STORE)).status_code == 401
    token = make_token(scopes=("catalog:read",))
    answer = await guest.put(
        "/v1/stores/d2c-uk", json=STORE, headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["scope"]) == (403, "catalog:write")


async def test_who_was_slower_is_told_so(partner, guest):
    await partner.put("/v1/stores/d2c-uk", json=STORE)
    good = await partner.put(
        "/v1/stores/d2c-uk",
        json=STORE | {"countries": ["GB"]},
        headers={"If-Match": '"1"'},
    )
    assert good.status_code == 200
    lost = await partner.put(
        "/v1/stores/d2c-uk",
        json=STORE | {"countries": ["FR"]},
        headers={"If-Match": '"1"'},
    )
    assert (lost.status_code, lost.json()["current_version"]) == (412, 2)
    assert (await guest.get("/v1/stores/d2c-uk")).json()["countries"] == ["GB"]
    none = await partner.put("/v1/stores/other", json=STORE, headers={"If-Match": "*"})
    assert none.status_code == 412
    rubbish = await partner.put("/v1/stores/other", json=STORE, headers={"If-Match": "1"})
    assert rubbish.status_code == 422


async def test_many_at_once_make_one_store(partner, told):
    answers = await asyncio.gather(
        *(
            partner.put("/v1/stores/d2c-uk", json=STORE | {"countries": [country]})
            for country in ("GB", "FR", "DE", "GB", "FR", "DE")
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200, 200, 200, 200, 200, 201]
    sequences = [event["sequence"] for event in await told(StoreChanged.type)]
    assert sequences == list(range(1, len(sequences) + 1))
