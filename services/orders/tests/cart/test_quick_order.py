"""Pasted lists over HTTP."""

import asyncio

import pytest

from contracts.orders import MAX_CART_LINES, MAX_QUICK_ORDER_LINES


def lines_of(cart):
    return [(line["sku"], line["quantity"]) for line in cart["lines"]]


def refused(answer):
    return [(one["line"], one["text"], one["code"]) for one in answer.json()["refused"]]


async def test_good_lines_are_taken_in_one_change_and_bad_ones_told(portal):
    ada = await portal.member()
    path = await ada.cart(("71053", 1))
    portal.hidden[str(ada.profile.member_id)] = {"HIDDEN", "NOSUCH"}
    await portal.shop.publish("PRICELESS")
    del portal.shop.neighbours.prices["PRICELESS"]
    text = "sku\tquantity\n71053\t5\n85123A;x\nHIDDEN 1\n\nNOSUCH,1\nPRICELESS 1\n85123A\n71053 1"
    answer = await ada.paste(path, text)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    assert (done["taken"], lines_of(done["cart"])) == (3, [("71053", 7), ("85123A", 1)])
    assert refused(answer) == [
        (3, "85123A;x", "quantity-unreadable"),
        (4, "HIDDEN 1", "sku-not-orderable"),
        (6, "NOSUCH,1", "sku-not-orderable"),
        (7, "PRICELESS 1", "no-price"),
    ]
    messages = [one["message"] for one in done["refused"]]
    assert messages[1].replace("HIDDEN", "NOSUCH") == messages[2]
    assert done["cart"]["version"] == 2
    assert answer.headers["ETag"] == '"2"'
    assert (await ada.get(path)).json() == done["cart"]
    assert done["cart"]["totals"]["items"]["gross"]["amount"] == "26.28"


async def test_five_hundred_lines_are_one_call_each_to_catalog_and_pricing(portal):
    ada = await portal.member()
    path = await ada.cart()
    skus = [f"S{number}" for number in range(MAX_QUICK_ORDER_LINES)]
    await portal.shop.publish(*skus)
    portal.asked_for.clear()
    answer = await ada.paste(path, "\n".join(f"{sku}\t2" for sku in skus))
    assert (answer.json()["taken"], answer.json()["refused"]) == (500, [])
    who = str(ada.profile.member_id)
    assert portal.asked_for == [("catalog", who), ("pricing", who)]
    too_many = await ada.paste(path, "\n".join(["71053 1"] * 501))
    assert (too_many.status_code, too_many.json()["code"]) == (422, "quick-order-too-long")
    assert too_many.json()["errors"][0]["pointer"] == "/text"
    assert len((await ada.get(path)).json()["lines"]) == 500


async def test_quantity_rules_hold_for_what_the_cart_would_have(portal):
    ada = await portal.member()
    portal.rules |= {"71053": (6, 6), "85123A": (10, 1)}
    path = await ada.cart(("71053", 4))
    answer = await ada.paste(path, "71053 1\n85123A 3\n71053 2\n85123A 4")
    assert [one[::2] for one in refused(answer)] == [
        (1, "off-multiple"),
        (2, "below-minimum"),
        (3, "off-multiple"),
        (4, "below-minimum"),
    ]
    assert answer.json()["cart"]["version"] == 1
    assert lines_of(answer.json()["cart"]) == [("71053", 4)]
    assert answer.json()["cart"]["totals"]["items"]["gross"]["amount"] == "13.56"
    good = await ada.paste(path, "71053 1\n85123A 5\n71053 1\n85123A 5")
    assert refused(good) == []
    assert lines_of(good.json()["cart"]) == [("71053", 6), ("85123A", 10)]


async def test_a_guest_pastes_into_their_cart_too(portal):
    guest = await portal.shop.open()
    answer = await portal.shop.client.post(
        f"/v1/carts/{guest.cart_id}/quick-order",
        json={"text": "71053 2\nNOSUCH 1"},
        headers=guest.headers,
    )
    assert lines_of(answer.json()["cart"]) == [("71053", 2)]
    assert refused(answer) == [(2, "NOSUCH 1", "sku-not-orderable")]


async def test_a_list_with_nothing_to_take_changes_nothing(portal):
    ada = await portal.member()
    path = await ada.cart()
    for text in ("\n \n", "sku,quantity", "?"):
        answer = await ada.paste(path, text)
        assert (answer.status_code, answer.json()["taken"]) == (200, 0)
        assert answer.json()["cart"]["version"] == 1


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": 7}, {"text": "x" * 64_001}])
async def test_what_is_no_text_is_refused(portal, body):
    ada = await portal.member()
    path = await ada.cart()
    answer = await portal.shop.client.post(f"{path}/quick-order", json=body, headers=ada.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/text"


async def test_a_cart_takes_no_list_that_makes_it_too_long(portal):
    ada = await portal.member()
    skus = [f"S{number}" for number in range(MAX_CART_LINES)]
    await portal.shop.publish(*skus)
    path = await ada.cart(*((sku, 1) for sku in skus))
    answer = await ada.paste(path, "71053 1")
    assert (answer.status_code, answer.json()["code"]) == (422, "cart-too-long")
    assert answer.json()["errors"][0]["pointer"] == "/text"
    assert (await ada.paste(path, "S0 1")).json()["taken"] == 1


async def test_the_same_list_under_one_key_is_taken_once(portal):
    ada = await portal.member()
    path = await ada.cart()
    key = {"Idempotency-Key": "k1"}
    first = await ada.paste(path, "71053 2", **key)
    second = await ada.paste(path, "71053 2", **key)
    assert first.json() == second.json()
    assert (await ada.paste(path, "71053 3", **key)).json()["code"] == "idempotency-key-reused"
    assert (await ada.paste(path, "71053 1")).json()["cart"]["lines"][0]["quantity"] == 3


async def test_lists_pasted_at_the_same_moment_all_count(portal):
    ada = await portal.member()
    path = await ada.cart()
    answers = await asyncio.gather(*(ada.paste(path, "71053 1\nNOSUCH;x") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert {(one.json()["taken"], len(one.json()["refused"])) for one in answers} == {(1, 1)}
    assert lines_of((await ada.get(path)).json()) == [("71053", 4)]


async def test_if_match_is_honoured(portal):
    ada = await portal.member()
    path = await ada.cart()
    assert (await ada.paste(path, "71053 1", **{"If-Match": '"1"'})).status_code == 200
    lost = await ada.paste(path, "71053 1", **{"If-Match": '"1"'})
    assert lost.status_code == 412
