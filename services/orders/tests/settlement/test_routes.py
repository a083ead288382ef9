"""Capturing and refunding an order's payment: to the penny, once, and never more than there is."""

import asyncio
from uuid import uuid4

import pytest


@pytest.fixture
async def number(shop):
    """The number of an order of 14.12 GBP."""
    await shop.sell("71053", on_hand=5)
    placed = await (await shop.ready(("71053", 3))).place()
    order = placed.json()["order"]
    assert order["totals"]["total"]["gross"]["amount"] == "14.12"
    return order["number"]


async def move(shop, number, what, amount=None, *, key=None, **headers):
    body = {} if amount is None else {"amount": {"amount": amount, "currency": "GBP"}}
    return await shop.client.post(
        f"/v1/orders/{number}/{what}",
        json=body,
        headers={**shop.partner, "Idempotency-Key": key or uuid4().hex, **headers},
    )


async def paid(shop, number):
    order = (await shop.client.get(f"/v1/orders/{number}", headers=shop.partner)).json()
    payment = order["payment"]
    moved = payment["captured"]["amount"], payment["refunded"]["amount"]
    return payment["status"], *moved, order["version"]


async def test_an_order_is_captured_in_parts_and_refunded_in_parts(shop, provider, number):
    assert await paid(shop, number) == ("authorised", "0.00", "0.00", 1)
    first = await move(shop, number, "captures", "4.12")
    assert (first.status_code, first.json()["status"]) == (201, "done")
    assert first.json()["amount"] == {"amount": "4.12", "currency": "GBP"}
    assert (await move(shop, number, "captures")).json()["amount"]["amount"] == "10.00"
    assert await paid(shop, number) == ("captured", "14.12", "0.00", 3)
    await move(shop, number, "refunds", "14.00")
    assert await paid(shop, number) == ("captured", "14.12", "14.00", 4)
    await move(shop, number, "refunds")
    assert await paid(shop, number) == ("refunded", "14.12", "14.12", 5)
    assert provider.charged == {}
    told = await shop.scalar(
        "SELECT array_agg((event::jsonb -> 'data' -> 'captured' ->> 'amount') ORDER BY sequence)"
        " FROM outbox WHERE type = 'tandem.orders.payment.changed.v1'"
    )
    assert told == ["4.12", "14.12", "14.12", "14.12"]
    await shop.check()


@pytest.mark.parametrize(
    ("what", "amount", "left"),
    [
        ("captures", "14.13", "14.12"),
        ("captures", "0.00", "14.12"),
        ("captures", "-1.00", "14.12"),
        ("refunds", "0.01", "0.00"),
        ("refunds", None, "0.00"),
    ],
)
async def test_more_than_there_is_is_refused(shop, provider, number, what, amount, left):
    key = uuid4().hex
    for _ in range(2):
        answer = await move(shop, number, what, amount, key=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "movement-too-large")
        assert answer.json()["left"] == {"amount": left, "currency": "GBP"}
    assert await paid(shop, number) == ("authorised", "0.00", "0.00", 1)


async def test_another_currency_is_refused(shop, number):
    body = {"amount": {"amount": "1.00", "currency": "EUR"}}
    headers = {**shop.partner, "Idempotency-Key": "k"}
    answer = await shop.client.post(f"/v1/orders/{number}/captures", json=body, headers=headers)
    assert answer.json()["code"] == "movement-too-large"


async def test_the_same_capture_twice_is_one(shop, provider, number):
    answers = [await move(shop, number, "captures", "5.00", key="k") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await paid(shop, number) == ("captured", "5.00", "0.00", 2)
    other = await move(shop, number, "captures", "6.00", key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_two_captures_at_once_take_no_more_than_there_is(shop, provider, number):
    answers = await asyncio.gather(*(move(shop, number, "captures", "5.00") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]
    await shop.work()
    assert await paid(shop, number) == ("captured", "10.00", "0.00", 3)


async def test_a_provider_away_is_asked_until_it_is_back(shop, provider, number):
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"place_wait_seconds": 0.4})
    provider.is_away = True
    answer = await move(shop, number, "captures", key="k")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    too_much = await move(shop, number, "captures", "0.01")
    assert too_much.json()["left"]["amount"] == "0.00"
    provider.is_away = False
    await shop.work()
    done = await move(shop, number, "captures", key="k")
    assert (done.status_code, done.json()["status"]) == (201, "done")
    assert await paid(shop, number) == ("captured", "14.12", "0.00", 2)


async def test_what_the_provider_refuses_is_told_and_may_be_tried_again(shop, provider, number):
    provider.refuses = "the authorisation has expired"
    answer = await move(shop, number, "captures", key="k")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment-movement-refused")
    assert "has expired" in answer.json()["detail"]
    provider.refuses = ""
    assert (await move(shop, number, "captures", key="k")).status_code == 409
    assert (await move(shop, number, "captures")).status_code == 201


async def test_only_who_may_moves_money(shop, number, make_token):
    path = f"/v1/orders/{number}/captures"
    keyed = {"Idempotency-Key": "k"}
    assert (await shop.client.post(path, json={}, headers=keyed)).status_code == 401
    token = {"Authorization": f"Bearer {make_token(scopes=('orders:read',))}"}
    assert (await shop.client.post(path, json={}, headers=keyed | token)).status_code == 403
    assert (await shop.client.post(path, json={}, headers=shop.partner)).status_code == 400
    assert (await move(shop, "T-9", "captures")).json()["code"] == "order-not-found"
    assert (await move(shop, "9" * 30, "refunds")).status_code == 404
