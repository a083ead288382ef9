"""Carts of companies' members: whose they are, and what may be in them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from contracts.problems import Conflict

ADDRESS: dict[str, Any] = {
    "email": "ada@brighton.example",
    "delivery_address": {
        "name": "Brighton Gifts",
        "line1": "1 North Road",
        "city": "Brighton",
        "country": "GB",
    },
}


def lines_of(answer):
    return [(line["sku"], line["quantity"]) for line in answer.json()["lines"]]


def codes_of(answer):
    return [problem["code"] for problem in answer.json()["problems"]]


def told(answer):
    return (answer.status_code, answer.json()["code"], answer.json()["detail"])


async def test_a_member_has_a_cart_without_a_secret(portal):
    ada = await portal.member(units=("shop-one", "head-office"))
    answer = await ada.open(("71053", 6))
    assert answer.status_code == 201
    opened = answer.json()
    assert opened["secret"] is None
    assert answer.headers["Location"] == f"/v1/carts/{opened['cart']['id']}"
    assert opened["cart"]["buyer"] == {
        "member_id": str(ada.profile.member_id),
        "company": "brighton-gifts",
        "unit": "shop-one",
    }
    path = answer.headers["Location"]
    assert (await ada.get(path)).json() == opened["cart"]
    added = await ada.add(path, ("85123A", 2), ("71053", 1))
    assert lines_of(added) == [("71053", 7), ("85123A", 2)]
    assert [line["name"] for line in added.json()["lines"]] == ["Lantern 71053", "Lantern 85123A"]
    line_id = added.json()["lines"][0]["id"]
    put = portal.shop.client.put
    changed = await put(f"{path}/lines/{line_id}", json={"quantity": 3}, headers=ada.headers)
    assert lines_of(changed) == [("71053", 3), ("85123A", 2)]
    addressed = await put(f"{path}/address", json=ADDRESS, headers=ada.headers)
    assert codes_of(addressed) == ["delivery-missing"]
    removed = await portal.shop.client.delete(f"{path}/lines/{line_id}", headers=ada.headers)
    assert lines_of(removed) == [("85123A", 2)]
    assert removed.json()["version"] == 5


async def test_neighbours_are_asked_once_each_for_the_member(portal):
    ada = await portal.member()
    who = str(ada.profile.member_id)
    path = await ada.cart(("71053", 1))
    assert portal.asked_for == [("catalog", who), ("pricing", who)]
    portal.asked_for.clear()
    await ada.add(path, ("85123A", 1))
    assert portal.asked_for == [("catalog", who), ("pricing", who)]
    portal.asked_for.clear()
    await ada.get(path)
    assert sorted(portal.asked_for) == [("catalog", who), ("pricing", who)]


async def test_a_guests_cart_asks_pricing_alone_and_for_nobody(portal):
    guest = await portal.shop.open(("71053", 1))
    await guest.add(("85123A", 1))
    await guest.get()
    assert portal.asked_for == [("pricing", None)] * 3


async def test_a_store_for_companies_opens_no_cart_for_a_guest(portal):
    answer = await portal.shop.client.post("/v1/carts", json={"store": "portal"})
    assert told(answer) == (
        401,
        "store-for-companies",
        "The store portal sells to companies: sign in as a member of one.",
    )
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    partner = await portal.shop.client.post(
        "/v1/carts", json={"store": "portal"}, headers=portal.shop.partner
    )
    assert (partner.status_code, partner.json()["code"]) == (401, "store-for-companies")


async def test_a_store_for_people_opens_no_cart_for_a_member(portal):
    ada = await portal.member()
    answer = await ada.open(store="d2c-uk")
    assert (answer.status_code, answer.json()["code"]) == (403, "store-for-people")
    assert (await ada.open(store="nowhere")).json()["code"] == "store-unknown"


async def test_to_everybody_else_a_members_cart_is_not_there(portal):
    ada, colleague = await portal.member(), await portal.member()
    stranger = await portal.member(company="other")
    guest = await portal.shop.open(("71053", 1))
    path = await ada.cart(("71053", 1))
    line_id = (await ada.get(path)).json()["lines"][0]["id"]
    client = portal.shop.client
    unknown = await ada.get(f"/v1/carts/{uuid4()}")
    assert told(unknown)[:2] == (404, "cart-not-found")
    for headers in (
        {},
        colleague.headers,
        stranger.headers,
        guest.headers,
        {**colleague.headers, **guest.headers},
        {"Tandem-Cart-Secret": ""},
        portal.shop.partner,
    ):
        tries = [
            await client.get(path, headers=headers),
            await client.post(
                f"{path}/lines", json={"lines": [{"sku": "71053", "quantity": 1}]}, headers=headers
            ),
            await client.post(f"{path}/quick-order", json={"text": "71053 1"}, headers=headers),
            await client.put(f"{path}/lines/{line_id}", json={"quantity": 9}, headers=headers),
            await client.delete(f"{path}/lines/{line_id}", headers=headers),
            await client.put(f"{path}/address", json=ADDRESS, headers=headers),
            await client.put(
                f"{path}/delivery", json={"delivery_method": "standard"}, headers=headers
            ),
        ]
        assert {told(one) for one in tries} == {told(unknown)}
    assert lines_of(await ada.get(path)) == [("71053", 1)]


async def test_a_token_does_not_open_a_guests_cart_but_its_secret_does(portal):
    ada = await portal.member()
    guest = await portal.shop.open(("71053", 1))
    path = f"/v1/carts/{guest.cart_id}"
    assert (await ada.get(path)).status_code == 404
    both = {**ada.headers, **guest.headers}
    opened = await portal.shop.client.get(path, headers=both)
    assert (opened.status_code, opened.json()["buyer"]) == (200, None)
    own = await ada.cart()
    assert (await portal.shop.client.get(own, headers=both)).status_code == 200


async def test_access_that_was_taken_away_opens_nothing(portal):
    ada = await portal.member()
    path = await ada.cart(("71053", 1))
    await portal.keep(ada.profile.model_copy(update={"sequence": 2, "is_active": False}))
    for answer in (await ada.get(path), await ada.open(), await ada.get("/v1/carts")):
        assert (answer.status_code, answer.json()["code"]) == (401, "access-revoked")


async def test_a_member_who_changed_company_left_their_carts_behind(portal):
    ada = await portal.member()
    path = await ada.cart(("71053", 1))
    await portal.keep(ada.profile.model_copy(update={"sequence": 2, "company": "other"}))
    assert (await ada.get(path)).status_code == 404
    assert (await ada.get("/v1/carts")).json()["items"] == []


async def test_a_cart_is_for_the_unit_that_its_member_acts_for_now(portal):
    ada = await portal.member()
    path = await ada.cart(("71053", 1))
    await portal.keep(ada.profile.model_copy(update={"sequence": 2, "units": ["shop-two"]}))
    assert (await ada.get(path)).json()["buyer"]["unit"] == "shop-two"
    await ada.add(path, ("71053", 1))
    assert await portal.shop.scalar("SELECT unit FROM carts") == "shop-two"


async def test_unknown_and_invisible_skus_get_one_answer(portal):
    ada = await portal.member()
    path = await ada.cart()
    portal.hidden[str(ada.profile.member_id)] = {"85123A", "NOSUCH"}
    answer = await ada.add(path, ("71053", 1), ("85123A", 1), ("NOSUCH", 1))
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("/lines/1/sku", "sku-not-orderable"),
        ("/lines/2/sku", "sku-not-orderable"),
    ]
    hidden, unknown = (one["message"] for one in answer.json()["errors"])
    assert hidden.replace("85123A", "NOSUCH") == unknown
    opened = await ada.open(("85123A", 1))
    assert (opened.status_code, opened.json()["code"]) == (422, "sku-not-orderable")
    assert lines_of(await ada.get(path)) == []


async def test_of_a_line_that_went_out_of_sight_nothing_is_told(portal):
    ada = await portal.member()
    await portal.shop.stock("71053", 0)
    path = await ada.cart(("71053", 1))
    assert "not-enough-stock" in codes_of(await ada.get(path))
    portal.hidden[str(ada.profile.member_id)] = {"71053"}
    answer = await ada.get(path)
    (line,) = answer.json()["lines"]
    assert (line["name"], line["product_key"]) == (None, None)
    assert "sku-not-orderable" in codes_of(answer)
    assert "not-enough-stock" not in codes_of(answer)


async def test_a_store_with_an_assortment_asks_catalog_for_guests_too(portal):
    await portal.keep_store(key="narrow", audience="d2c", default_assortment="gifts")
    portal.hidden[""] = {"85123A"}
    guest = await portal.shop.open(("71053", 1), store="narrow")
    assert portal.asked_for == [("catalog", None), ("pricing", None)]
    assert (await guest.add(("85123A", 1))).json()["code"] == "sku-not-orderable"
    assert lines_of(await guest.get()) == [("71053", 1)]


async def test_quantity_rules_are_problems_of_a_cart(portal):
    ada = await portal.member()
    portal.rules |= {"71053": (6, 6), "85123A": (2, 2)}
    path = await ada.cart(("71053", 1), ("85123A", 3))
    answer = await ada.get(path)
    broken = [one for one in answer.json()["problems"] if one["line_id"]]
    assert [(one["code"], one["message"]) for one in broken] == [
        ("below-minimum", "71053 is sold from 6, in multiples of 6."),
        ("off-multiple", "85123A is sold from 2, in multiples of 2."),
    ]
    assert [one["line_id"] for one in broken] == [one["id"] for one in answer.json()["lines"]]
    assert answer.json()["lines"][0]["unit_price"]["amount"] == "3.39"


@pytest.mark.parametrize("neighbour", ["catalog", "pricing"])
async def test_a_members_cart_needs_catalog_and_pricing(portal, neighbour_fake, neighbour):
    ada = await portal.member()
    path = await ada.cart(("71053", 1))
    neighbour_fake.down.add(neighbour)
    for answer in (await ada.get(path), await ada.add(path, ("71053", 1))):
        assert (answer.status_code, answer.json()["code"]) == (503, f"{neighbour}-unavailable")
    neighbour_fake.down.clear()
    assert lines_of(await ada.get(path)) == [("71053", 1)]


async def test_adding_at_the_same_moment_loses_nothing(portal):
    ada = await portal.member()
    path = await ada.cart()
    answers = await asyncio.gather(
        *(ada.add(path, ("71053", 1)) for _ in range(3)), ada.paste(path, "71053 1\n85123A 2")
    )
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(lines_of(await ada.get(path))) == [("71053", 4), ("85123A", 2)]


async def test_a_member_lists_their_open_carts_the_newest_first(portal):
    ada, colleague = await portal.member(), await portal.member()
    await portal.shop.open(("71053", 1))
    await colleague.cart(("71053", 1))
    paths = [await ada.cart(("71053", number)) for number in (1, 2, 3)]
    seen, after = [], ""
    while True:
        page = (await ada.get(f"/v1/carts?limit=2{after}")).json()
        seen += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert [f"/v1/carts/{cart['id']}" for cart in seen] == paths[::-1]
    assert [cart["lines"][0]["total"]["gross"]["amount"] for cart in seen] == [
        "10.17",
        "6.78",
        "3.39",
    ]
    assert seen[0] == (await ada.get(paths[2])).json()


async def test_a_cart_that_cannot_be_priced_hides_no_other(portal, neighbour_fake):
    ada = await portal.member()
    await ada.cart(("71053", 1))

    def refuse(_):
        raise Conflict("No tax rate for GB.")

    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", refuse)
    (cart,) = (await ada.get("/v1/carts")).json()["items"]
    assert "no-price" in [one["code"] for one in cart["problems"]]


async def test_only_members_list_carts(portal):
    client = portal.shop.client
    guest = await portal.shop.open(("71053", 1))
    nothing: dict[str, str] = {}
    for headers in (nothing, guest.headers):
        answer = await client.get("/v1/carts", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "token-missing")
    answer = await client.get("/v1/carts", headers=portal.shop.partner)
    assert (answer.status_code, answer.json()["code"]) == (403, "members-only")
    ada = await portal.member()
    for query in ("limit=0", "limit=201", "after=x"):
        assert (await ada.get(f"/v1/carts?{query}")).status_code == 422
