"""Delivery methods over HTTP."""

import pytest

BODY = {
    "name": {"en": "Express"},
    "countries": ["GB", "IE"],
    "price": {"amount": "9.95", "currency": "GBP"},
    "position": 5,
}
PATH = "/v1/delivery-methods/express"


async def test_a_method_is_made_changed_and_left_alone(shop):
    made = await shop.client.put(PATH, json=BODY, headers=shop.partner)
    again = await shop.client.put(PATH, json=BODY, headers=shop.partner)
    changed = await shop.client.put(PATH, json={**BODY, "position": 6}, headers=shop.partner)
    late = await shop.client.put(PATH, json=BODY, headers={**shop.partner, "If-Match": '"1"'})
    codes = [one.status_code for one in (made, again, changed, late)]
    assert codes == [201, 200, 200, 412]
    assert [one.json()["version"] for one in (made, again, changed)] == [1, 1, 2]
    read = await shop.client.get(PATH)
    assert read.json() == changed.json()
    assert read.json()["price"] == {"amount": "9.95", "currency": "GBP"}
    assert read.headers["etag"] == '"2"'


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", ["standard", "express", "elsewhere"]),
        ("store=d2c-uk", ["standard", "express"]),
        ("store=d2c-uk&country=IE", ["express"]),
        ("store=b2b", ["express", "elsewhere"]),
        ("country=FR", []),
    ],
)
async def test_methods_are_listed_as_offered_by_position(shop, query, keys):
    await shop.client.put(PATH, json=BODY, headers=shop.partner)
    await shop.client.put(
        "/v1/delivery-methods/elsewhere",
        json={**BODY, "stores": ["b2b"], "position": 9},
        headers=shop.partner,
    )
    path = f"/v1/delivery-methods?limit=1&{query}"
    page = (await shop.client.get(path)).json()
    listed = page["items"]
    while page["next"]:
        page = (await shop.client.get(f"{path}&after={page['next']}")).json()
        listed += page["items"]
    listed = [one["key"] for one in listed]
    assert listed == keys


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"price": {"amount": "-1", "currency": "GBP"}}, "/price/amount"),
        ({"price": {"amount": "1.1234567", "currency": "GBP"}}, "/price/amount"),
        ({"price": {"amount": "1", "currency": "XYZ"}}, "/price/currency"),
        ({"countries": []}, "/countries"),
        ({"countries": ["UK1"]}, "/countries/0"),
        ({"name": {}}, "/name"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_bad_input_is_told_by_its_field(shop, change, pointer):
    answer = await shop.client.put(PATH, json={**BODY, **change}, headers=shop.partner)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_method_that_is_not_there_is_not_found(shop):
    answer = await shop.client.get("/v1/delivery-methods/none")
    assert (answer.status_code, answer.json()["code"]) == (404, "delivery-method-not-found")


async def test_a_key_with_a_slash_is_nowhere(shop):
    answer = await shop.client.put("/v1/delivery-methods/a%2Fb", json=BODY, headers=shop.partner)
    assert answer.status_code in (404, 422)
