"""Shipping an order in parcels: off the shelves where it was reserved, never more than ordered."""

import asyncio
from uuid import uuid4

import pytest


@pytest.fixture
def wms(make_token):
    """The token of a partner's warehouse system."""
    return {"Authorization": f"Bearer {make_token(scopes=('shipments:write',))}"}


@pytest.fixture
async def number(shop):
    """The number of an order of five of 71053 and two of 85123A, out of seven of each."""
    await shop.sell("71053", on_hand=7)
    await shop.sell("85123A", on_hand=7)
    guest = await shop.ready(("71053", 5), ("85123A", 2))
    return (await guest.place()).json()["order"]["number"]


async def ship(shop, wms, number, *lines, key=None, **body):
    if lines:
        body["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    return await shop.client.post(
        f"/v1/orders/{number}/shipments",
        json=body,
        headers={**wms, "Idempotency-Key": key or uuid4().hex},
    )


async def level(shop, sku, warehouse="main"):
    path = f"/v1/warehouses/{warehouse}/stock/{sku}"
    told = (await shop.client.get(path, headers=shop.partner)).json()
    return told["on_hand"], told["reserved"], told["available"]


async def test_an_order_is_shipped_in_two_parcels(shop, wms, number):
    first = await ship(shop, wms, number, ("71053", 3), carrier="Royal Mail", tracking_number="RM1")
    assert first.status_code == 201, first.text
    order = first.json()
    assert first.headers["location"] == f"/v1/orders/{number}"
    assert (order["status"], order["version"]) == ("partially_shipped", 2)
    assert [(line["sku"], line["shipped"]) for line in order["lines"]] == [
        ("71053", 3),
        ("85123A", 0),
    ]
    (parcel,) = order["shipments"]
    assert parcel["lines"] == [{"sku": "71053", "quantity": 3}]
    assert (parcel["carrier"], parcel["tracking_number"]) == ("Royal Mail", "RM1")
    assert await level(shop, "71053") == (4, 2, 2)
    await shop.check()

    rest = (await ship(shop, wms, number)).json()
    assert (rest["status"], rest["version"]) == ("shipped", 3)
    assert rest["shipments"][0] == parcel
    assert rest["shipments"][1]["lines"] == [
        {"sku": "71053", "quantity": 2},
        {"sku": "85123A", "quantity": 2},
    ]
    assert await level(shop, "71053") == (2, 0, 2)
    assert await level(shop, "85123A") == (5, 0, 5)
    read = await shop.client.get(f"/v1/orders/{number}", headers=shop.partner)
    assert read.json() == rest
    told = await shop.scalar(
        "SELECT json_agg(json_build_array(sequence, event::jsonb -> 'data' ->> 'status',"
        " event::jsonb -> 'data' -> 'shipment') ORDER BY sequence)"
        " FROM outbox WHERE type = 'tandem.orders.order.shipped.v1'"
    )
    assert told == [
        [2, "partially_shipped", parcel],
        [3, "shipped", rest["shipments"][1]],
    ]
    over = await ship(shop, wms, number)
    assert (over.status_code, over.json()["code"]) == (409, "order-already-shipped")
    await shop.check()


async def test_pieces_leave_the_warehouses_where_they_are_reserved(shop, wms):
    await shop.client.put(
        "/v1/warehouses/near",
        json={"name": "Near", "country": "GB", "priority": 5},
        headers=shop.partner,
    )
    await shop.sell("71053", on_hand=10)
    await shop.stock("71053", 2, warehouse="near")
    number = (await (await shop.ready(("71053", 5))).place()).json()["order"]["number"]
    for left in (4, 3, 2, 1, 0):
        assert (await ship(shop, wms, number, ("71053", 1))).status_code == 201
        both = [await level(shop, "71053", one) for one in ("main", "near")]
        assert sum(reserved for _, reserved, _ in both) == left
        assert sum(available for _, _, available in both) == 7
        await shop.check()
    assert both == [(7, 0, 7), (0, 0, 0)]


@pytest.mark.parametrize(
    ("lines", "pointer", "code"),
    [
        ([("71053", 6)], "/lines/0/quantity", "more-than-left"),
        ([("71053", 1), ("22423", 1)], "/lines/1/sku", "sku-not-ordered"),
        ([("71053", 0)], "/lines/0/quantity", "greater-than-equal"),
        ([("71053", 1.5)], "/lines/0/quantity", "int-type"),
        ([("71053", "1")], "/lines/0/quantity", "int-type"),
        ([("71053", 1), ("71053", 1)], "", "value-error"),
    ],
)
async def test_a_bad_line_is_told_and_nothing_is_shipped(shop, wms, number, lines, pointer, code):
    answer = await ship(shop, wms, number, *lines)
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert await level(shop, "71053") == (7, 5, 2)
    assert await shop.scalar("SELECT count(*) FROM shipments") == 0
    await shop.check()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"lines": []}, "/lines"),
        ({"carrier": ""}, "/carrier"),
        ({"carrier": "x" * 1000}, "/carrier"),
        ({"tracking_number": 7}, "/tracking_number"),
        ({"weight": 1}, "/weight"),
    ],
)
async def test_bad_input_is_told_by_its_field(shop, wms, number, body, pointer):
    answer = await ship(shop, wms, number, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_only_who_may_ships_and_only_what_there_is(shop, wms, number):
    for headers, status, code in (
        ({}, 401, "token-missing"),
        (shop.partner, 403, "missing-scope"),
    ):
        answer = await ship(shop, headers, number)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    for unknown in ("T-1", "x", "T-" + "9" * 40):
        answer = await ship(shop, wms, unknown)
        assert (answer.status_code, answer.json()["code"]) == (404, "order-not-found")
    answer = await shop.client.post(f"/v1/orders/{number}/shipments", json={}, headers=wms)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")


async def test_the_same_parcel_twice_is_one(shop, wms, number):
    answers = [await ship(shop, wms, number, ("71053", 2), key="k") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await level(shop, "71053") == (5, 3, 2)
    other = await ship(shop, wms, number, ("71053", 1), key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    await shop.check()


async def test_parcels_at_once_hold_no_more_than_was_ordered(shop, wms, number):
    answers = await asyncio.gather(*(ship(shop, wms, number, ("71053", 2)) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422, 422]
    assert await level(shop, "71053") == (3, 1, 2)
    whole = await asyncio.gather(*(ship(shop, wms, number) for _ in range(3)))
    assert sorted(answer.status_code for answer in whole) == [201, 409, 409]
    await shop.check()


async def test_shipping_beside_counting_and_selling_keeps_the_books(shop, wms, number):
    guests = [await shop.ready(("71053", 1)) for _ in range(3)]
    await asyncio.gather(
        ship(shop, wms, number, ("71053", 1)),
        ship(shop, wms, number, ("71053", 1), ("85123A", 1)),
        *(guest.place() for guest in guests),
        shop.client.put(
            "/v1/warehouses/main/stock/71053", json={"on_hand": 9}, headers=shop.partner
        ),
    )
    await shop.work()
    await shop.check()
