"""Placing and reading orders over HTTP."""


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
    cart = (await guest.get()).json()
    assert cart["status"] == "ordered"
    assert cart["order_number"] == "T-1000001"
    read = await shop.client.get("/v1/orders/T-1000001", headers=guest.headers)
    assert read.json() == order
    level = await shop.client.get("/v1/warehouses/main/stock/71053", headers=shop.partner)
    assert level.json()["available"] == 4
