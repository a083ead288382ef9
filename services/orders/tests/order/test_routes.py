"""Placing and reading orders over HTTP."""

import asyncio
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text


async def test_guest_places_an_order(shop):
    await shop.sell("71053", price="3.39", on_hand=10)
    await shop.sell("85123A", price="2.55", on_hand=10)
    guest = await shop.ready(("71053", 6), ("85123A", 2))
    assert guest.total == {"amount": "29.39", "currency": "GBP"}

    answer = await guest.place()

    assert answer.status_code == 201, answer.text
    placement = answer.json()
    order = placement["order"]
    assert placement["status"] == "placed"
    assert order["number"] == "T-1000001"
    assert answer.headers["location"] == "/v1/orders/T-1000001"
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [
        ("71053", 6),
        ("85123A", 2),
    ]
    assert order["totals"]["total"]["gross"] == guest.total
    assert order["payment"]["amount"] == guest.total
    assert order["billing_address"] == order["delivery_address"]
    cart = (await guest.get()).json()
    assert cart["status"] == "ordered"
    assert cart["order_number"] == "T-1000001"
    assert cart["problems"] == []
    read = await shop.client.get("/v1/orders/T-1000001", headers=guest.headers)
    assert read.json() == order
    level = await shop.client.get("/v1/warehouses/main/stock/71053", headers=shop.partner)
    assert level.json()["available"] == 4
    await shop.check()


async def test_the_event_of_an_order_says_nothing_about_who_bought(shop):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 6))
    order = (await guest.place()).json()["order"]
    event = await shop.scalar("SELECT event FROM outbox WHERE type LIKE '%order.placed%'")
    told = orjson.loads(event)
    assert (told["subject"], told["sequence"]) == (order["id"], 1)
    assert told["data"]["number"] == order["number"]
    assert told["data"]["total"] == order["totals"]["total"]
    assert told["data"]["lines"][0]["quantity"] == 6
    for secret in ("ada@", "Ada ", "Lovelace", "London", "St James", guest.secret):
        assert secret not in event


async def test_a_repeat_with_the_same_key_gives_the_same_order(shop):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    first = await guest.place(key="k1")
    again = await guest.place(key="k1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    other_body = await guest.place(key="k1", token="tok_declined")
    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency-key-reused")
    other_key = await guest.place(key="k2")
    assert (other_key.status_code, other_key.json()["code"]) == (409, "cart-already-ordered")
    assert other_key.json()["order_number"] == first.json()["order"]["number"]
    await shop.check()


async def test_an_ordered_cart_refuses_changes(shop):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    await guest.place()
    for answer in (
        await guest.add(("71053", 1)),
        await guest.delete(guest.cart["lines"][0]["id"]),
        await guest.put("delivery", {"delivery_method": "standard"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "cart-already-ordered")


async def test_the_key_is_required_and_readable(shop):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    body = {"agreed_total": guest.total, "payment": {"method": "test", "token": "tok_ok"}}
    path = f"/v1/carts/{guest.cart_id}/place"
    missing = await shop.client.post(path, json=body, headers=guest.headers)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency-key-missing")
    unreadable = await guest.place(key="a b")
    assert (unreadable.status_code, unreadable.json()["code"]) == (400, "idempotency-key-malformed")
    assert (await guest.get()).json()["status"] == "open"


async def test_a_changed_price_is_told_and_not_charged(shop):
    await shop.sell("71053", price="3.39")
    guest = await shop.ready(("71053", 6))
    shop.neighbours.prices["71053"] = "3.40"
    answer = await guest.place(key="k1")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "price-changed")
    assert problem["total"] == {"amount": "24.35", "currency": "GBP"}
    assert problem["agreed_total"] == guest.total
    assert (await guest.place(key="k1")).json()["code"] == "price-changed"
    assert await shop.scalar("SELECT count(*) FROM payments") == 0
    cart = (await guest.get()).json()
    assert (cart["status"], cart["problems"]) == ("open", [])
    agreed = await guest.place(key="k2", total=problem["total"])
    assert agreed.status_code == 201
    await shop.check()


async def test_a_changed_delivery_price_is_told_too(shop):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 6))
    method = (await shop.client.get("/v1/delivery-methods/standard")).json()
    kept = {name: method[name] for name in ("name", "stores", "countries")}
    await shop.client.put(
        "/v1/delivery-methods/standard",
        json={**kept, "price": {"amount": "4.95", "currency": "GBP"}},
        headers=shop.partner,
    )
    assert (await guest.place()).json()["code"] == "price-changed"


@pytest.mark.parametrize("currency", ["EUR", "USD"])
async def test_a_total_in_another_currency_is_not_the_total(shop, currency):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    answer = await guest.place(total={**guest.total, "currency": currency})
    assert (answer.status_code, answer.json()["code"]) == (409, "price-changed")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"agreed_total": {"amount": "1.001", "currency": "GBP"}}, "/agreed_total"),
        ({"agreed_total": {"amount": 1.0, "currency": "GBP"}}, "/agreed_total/amount"),
        ({"agreed_total": {"amount": "1.00", "currency": "ZZZ"}}, "/agreed_total/currency"),
        ({"payment": {"method": "test", "token": "4111"}}, "/payment/token"),
        ({"payment": {"method": "cash", "token": "tok_ok"}}, "/payment/method"),
        ({"note": "quick"}, "/note"),
    ],
)
async def test_bad_input_is_told_by_its_field(shop, body, pointer):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    whole = {"agreed_total": guest.total, "payment": {"method": "test", "token": "tok_ok"}}
    answer = await shop.client.post(
        f"/v1/carts/{guest.cart_id}/place",
        json={**whole, **body},
        headers={**guest.headers, "Idempotency-Key": "k1"},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await shop.scalar("SELECT count(*) FROM processes") == 0


async def test_stock_that_is_gone_in_between_is_told_and_not_charged(shop):
    await shop.sell("71053", on_hand=5)
    await shop.sell("85123A", on_hand=5)
    guest, faster = await shop.ready(("71053", 3), ("85123A", 1)), await shop.ready(("71053", 3))
    assert (await faster.place()).status_code == 201
    answer = await guest.place()
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "not-enough-stock")
    assert problem["shortages"] == [{"sku": "71053", "requested": 3, "available": 2}]
    cart = (await guest.get()).json()
    assert cart["status"] == "open"
    assert cart["problems"][0]["code"] == "not-enough-stock"
    await shop.check()


async def test_a_declined_payment_gives_the_stock_back(shop):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    answer = await guest.place(token="tok_declined")
    assert (answer.status_code, answer.json()["code"]) == (422, "payment-declined")
    assert answer.json()["errors"][0]["pointer"] == "/payment/token"
    level = await shop.client.get("/v1/warehouses/main/stock/71053", headers=shop.partner)
    assert level.json()["available"] == 5
    assert (await guest.get()).json()["status"] == "open"
    assert (await guest.place(token="tok_unheard_of")).json()["code"] == "payment-declined"
    assert (await guest.place()).status_code == 201
    await shop.check()


async def test_a_sku_that_catalog_no_longer_sells_is_refused(shop):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    shop.neighbours.unsold.add("71053")
    answer = await guest.place()
    assert (answer.status_code, answer.json()["code"]) == (409, "sku-not-orderable")
    assert answer.json()["problems"][0]["line_id"] == guest.cart["lines"][0]["id"]
    assert (await guest.get()).json()["status"] == "open"


async def test_a_cart_that_is_not_ready_is_refused_before_anything_begins(shop):
    await shop.sell("71053")
    empty = await shop.open()
    bare = await shop.open(("71053", 1))
    for guest, codes in (
        (empty, ["cart-empty", "address-missing", "delivery-missing"]),
        (bare, ["address-missing", "delivery-missing"]),
    ):
        answer = await guest.place(key="k1")
        assert (answer.status_code, answer.json()["code"]) == (409, codes[0])
        assert [problem["code"] for problem in answer.json()["problems"]] == codes
    assert await shop.scalar("SELECT count(*) FROM processes") == 0
    assert (await bare.get()).json()["status"] == "open"


async def test_twins_with_one_key_place_one_order(shop):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 2))
    answers = await asyncio.gather(*(guest.place(key="k1") for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 202}
    assert any(answer.status_code == 201 for answer in answers)
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    await shop.check()


async def test_two_keys_at_once_place_one_order(shop):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 2))
    answers = await asyncio.gather(*(guest.place() for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert codes <= {"cart-being-placed", "cart-already-ordered"}
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    await shop.check()


async def test_a_cart_changed_while_it_is_submitted_is_placed_as_agreed_or_not_at_all(shop):
    await shop.sell("71053", on_hand=50)
    guest = await shop.ready(("71053", 2))
    placed, *changed = await asyncio.gather(
        guest.place(), *(guest.add(("71053", 1)) for _ in range(3))
    )
    assert placed.status_code in (201, 409), placed.text
    if placed.status_code == 201:
        assert placed.json()["order"]["totals"]["total"]["gross"] == guest.total
        assert {answer.status_code for answer in changed} == {409}
    else:
        assert placed.json()["code"] == "price-changed"
    await shop.check()


async def test_an_order_is_read_by_its_secret_or_by_who_may_read_all(shop, make_token):
    await shop.sell("71053")
    guest, other = await shop.ready(("71053", 1)), await shop.ready(("71053", 1))
    number = (await guest.place()).json()["order"]["number"]
    path = f"/v1/orders/{number}"
    stranger = {"Authorization": f"Bearer {make_token(scopes=('stock:read',))}"}
    expected = {
        200: [guest.headers, shop.partner, {**stranger, **guest.headers}],
        403: [stranger],
        404: [{}, other.headers, {**stranger, **other.headers}],
        401: [{"Authorization": "Bearer rubbish"}],
    }
    for status, attempts in expected.items():
        for headers in attempts:
            assert (await shop.client.get(path, headers=headers)).status_code == status
    for number in ("T-999", "T-1000002", "x", "T-" + "9" * 40):
        missing = await shop.client.get(f"/v1/orders/{number}", headers=guest.headers)
        assert (missing.status_code, missing.json()["code"]) == (404, "order-not-found")


async def test_a_placement_is_read_only_by_its_secret(shop):
    await shop.sell("71053")
    guest, other = await shop.ready(("71053", 1)), await shop.ready(("71053", 1))
    placement = (await guest.place()).json()
    path = f"/v1/placements/{placement['id']}"
    assert (await shop.client.get(path, headers=guest.headers)).json() == placement
    for where, headers in ((path, other.headers), (path, {}), (f"/v1/placements/{uuid4()}", {})):
        answer = await shop.client.get(where, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "placement-not-found")
    async with shop.runtime.sessions() as session:
        await session.execute(text("DELETE FROM processes"))
        await session.commit()
    forgotten = {**placement, "created_at": None}
    assert (await shop.client.get(path, headers=guest.headers)).json() == forgotten
    assert (await shop.client.get(path, headers=other.headers)).status_code == 404


async def test_a_refused_placement_tells_why(shop):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    await guest.place(token="tok_declined")
    placement_id = await shop.scalar("SELECT id FROM processes")
    answer = await shop.client.get(f"/v1/placements/{placement_id}", headers=guest.headers)
    assert answer.json()["status"] == "refused"
    assert answer.json()["problem"]["code"] == "payment-declined"
    assert answer.json()["order"] is None


async def test_orders_are_listed_the_newest_first(shop):
    await shop.sell("71053")
    for _ in range(3):
        await (await shop.ready(("71053", 1))).place()
    page = (await shop.client.get("/v1/orders?limit=2", headers=shop.partner)).json()
    assert [order["number"] for order in page["items"]] == ["T-1000003", "T-1000002"]
    rest = (await shop.client.get(f"/v1/orders?after={page['next']}", headers=shop.partner)).json()
    assert [order["number"] for order in rest["items"]] == ["T-1000001"]
    assert rest["next"] is None
    bad = await shop.client.get("/v1/orders?after=rubbish", headers=shop.partner)
    assert bad.status_code == 422


async def test_fifty_buyers_by_http_for_five_pieces(shop):
    """The headline: whatever runs side by side, five are sold and forty-five are told."""
    await shop.sell("hot", on_hand=5)
    guests = [await shop.ready(("hot", 1)) for _ in range(50)]
    answers = await asyncio.gather(*(guest.place() for guest in guests))
    await shop.work()
    assert {answer.status_code for answer in answers} <= {201, 202, 409, 503}
    assert await shop.scalar("SELECT count(*) FROM orders") == 5
    assert await shop.scalar("SELECT count(*) FROM carts WHERE status = 'ordered'") == 5
    assert await shop.scalar("SELECT count(*) FROM carts WHERE status = 'placing'") == 0
    await shop.check()
