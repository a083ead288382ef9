"""Carts over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from contracts.problems import Invalid


def lines_of(answer):
    return [(line["sku"], line["quantity"]) for line in answer.json()["lines"]]


def codes_of(answer):
    return [problem["code"] for problem in answer.json()["problems"]]


async def test_a_guest_fills_a_cart_step_by_step(shop):
    await shop.sell("71053", price="3.39")
    await shop.sell("85123A", price="2.55")
    guest = await shop.open()
    assert guest.cart["totals"]["total"]["gross"]["amount"] == "0.00"
    assert [one["code"] for one in guest.cart["problems"]] == [
        "cart-empty",
        "address-missing",
        "delivery-missing",
    ]

    added = await guest.add(("71053", 6), ("85123A", 1), ("71053", 1))
    assert lines_of(added) == [("71053", 7), ("85123A", 1)]
    first, second = added.json()["lines"]
    assert first["name"] == "Lantern 71053"
    assert first["unit_price"] == {"amount": "3.39", "currency": "GBP"}
    assert first["total"]["gross"]["amount"] == "23.73"
    changed = await guest.put(f"lines/{first['id']}", {"quantity": 2})
    assert lines_of(changed) == [("71053", 2), ("85123A", 1)]
    removed = await guest.delete(second["id"])
    assert lines_of(removed) == [("71053", 2)]
    addressed = await guest.put("address", ADDRESS)
    assert codes_of(addressed) == ["delivery-missing"]
    chosen = await guest.put("delivery", {"delivery_method": "standard"})
    cart = chosen.json()
    assert cart["problems"] == []
    assert cart["delivery"]["name"] == "Standard delivery"
    assert cart["totals"]["items"]["gross"]["amount"] == "6.78"
    assert cart["totals"]["delivery"]["gross"]["amount"] == "3.95"
    assert cart["totals"]["total"]["gross"]["amount"] == "10.73"
    assert cart["version"] == 6
    assert (await guest.get()).json() == cart


ADDRESS: dict[str, Any] = {
    "email": "ada@example.com",
    "delivery_address": {
        "name": "Ada Lovelace",
        "line1": "12 St James's Square",
        "city": "London",
        "country": "GB",
    },
}


async def test_every_answer_is_priced_in_one_call(shop, neighbour_fake):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    before = len(neighbour_fake.calls)
    await guest.add(("71053", 1))
    await guest.get()
    assert [(call.neighbour, call.path) for call in neighbour_fake.calls[before:]] == [
        ("pricing", "/v1/prices/resolve")
    ] * 2
    asked = neighbour_fake.calls[-1].json()
    assert [line["kind"] for line in asked["lines"]] == ["item", "delivery"]
    assert neighbour_fake.calls[-1].headers["authorization"].startswith("Bearer ")


async def test_a_cart_shows_the_price_of_now(shop):
    await shop.sell("71053", price="3.39")
    guest = await shop.open(("71053", 1))
    shop.neighbours.prices["71053"] = "4.00"
    assert (await guest.get()).json()["totals"]["total"]["gross"]["amount"] == "4.00"


async def test_without_the_secret_a_cart_is_not_there(shop):
    await shop.sell("71053")
    mine, other = await shop.open(("71053", 1)), await shop.open(("71053", 1))
    line_id = mine.cart["lines"][0]["id"]
    path = f"/v1/carts/{mine.cart_id}"
    unknown = await shop.client.get(f"/v1/carts/{uuid4()}", headers=mine.headers)
    tries = [
        unknown,
        await shop.client.get(path),
        await shop.client.get(path, headers=other.headers),
        await shop.client.get(path, headers={"Tandem-Cart-Secret": ""}),
        await shop.client.get(path, headers={"Tandem-Cart-Secret": b"\xff\xfe"}),
        await shop.client.get(path, headers=shop.partner),
        await shop.client.delete(f"{path}/lines/{line_id}", headers=other.headers),
        await shop.client.put(
            f"{path}/lines/{line_id}", json={"quantity": 9}, headers=other.headers
        ),
        await shop.client.put(f"{path}/address", json=ADDRESS, headers=other.headers),
        await shop.client.put(
            f"{path}/delivery", json={"delivery_method": "standard"}, headers=other.headers
        ),
        await shop.client.post(
            f"{path}/lines",
            json={"lines": [{"sku": "71053", "quantity": 1}]},
            headers=other.headers,
        ),
        await shop.client.post(
            f"{path}/place",
            json={
                "agreed_total": {"amount": "3.39", "currency": "GBP"},
                "payment": {"method": "test", "token": "tok_ok"},
            },
            headers={**other.headers, "Idempotency-Key": "k"},
        ),
    ]
    told = {(one.status_code, one.json()["code"], one.json()["detail"]) for one in tries}
    assert told == {(404, "cart-not-found", unknown.json()["detail"])}
    assert lines_of(await mine.get()) == [("71053", 1)]


async def test_somebody_elses_line_is_not_in_my_cart(shop):
    await shop.sell("71053")
    mine, other = await shop.open(("71053", 1)), await shop.open(("71053", 1))
    line_id = other.cart["lines"][0]["id"]
    for answer in (
        await mine.put(f"lines/{line_id}", {"quantity": 9}),
        await mine.delete(line_id),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "cart-line-not-found")
    assert lines_of(await other.get()) == [("71053", 1)]


async def test_the_secret_is_kept_only_as_its_hash(shop):
    guest = await shop.open()
    row = await shop.scalar("SELECT carts::text FROM carts")
    assert guest.secret not in row
    assert await shop.scalar("SELECT length(secret_hash) FROM carts") == 32
    another = await shop.client.post(
        "/v1/carts", json={"store": "d2c-uk"}, headers={"Idempotency-Key": "k"}
    )
    again = await shop.client.post(
        "/v1/carts", json={"store": "d2c-uk"}, headers={"Idempotency-Key": "k"}
    )
    assert another.json()["secret"] != again.json()["secret"]
    assert await shop.scalar("SELECT count(*) FROM idempotency_keys") == 0


@pytest.mark.parametrize("quantity", [0, -1, 10**9, 1.5, "6", None, True, 10**25])
async def test_a_quantity_is_a_whole_number_of_pieces(shop, quantity):
    await shop.sell("71053")
    guest = await shop.open(("71053", 1))
    added = await guest.add(("71053", quantity))
    assert added.status_code == 422
    assert added.json()["errors"][0]["pointer"] == "/lines/0/quantity"
    line_id = guest.cart["lines"][0]["id"]
    changed = await guest.put(f"lines/{line_id}", {"quantity": quantity})
    assert changed.status_code == 422
    assert changed.json()["errors"][0]["pointer"] == "/quantity"
    assert lines_of(await guest.get()) == [("71053", 1)]


async def test_lines_that_cannot_be_bought_are_all_told_at_once(shop):
    await shop.sell("71053")
    guest = await shop.open()
    answer = await guest.add(("nope", 1), ("71053", 1), ("nil", 2))
    assert (answer.status_code, answer.json()["code"]) == (422, "sku-not-orderable")
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/lines/0/sku", "sku-not-orderable"),
        ("/lines/2/sku", "sku-not-orderable"),
    ]
    opened = await shop.client.post(
        "/v1/carts", json={"store": "d2c-uk", "lines": [{"sku": "nope", "quantity": 1}]}
    )
    assert opened.json()["errors"][0]["pointer"] == "/lines/0/sku"
    assert lines_of(await guest.get()) == []
    assert await shop.scalar("SELECT count(*) FROM carts") == 1


async def test_a_line_whose_product_went_away_is_a_problem_of_the_cart(shop, runtime):
    await shop.sell("71053")
    guest = await shop.ready(("71053", 1))
    await shop.withdraw("71053")
    assert codes_of(await guest.get()) == ["sku-not-orderable"]
    assert (await guest.add(("71053", 1))).status_code == 422


async def test_what_is_short_or_has_no_price_is_a_problem_of_the_cart(shop):
    await shop.sell("71053", on_hand=4)
    await shop.sell("85123A")
    del shop.neighbours.prices["85123A"]
    guest = await shop.open(("71053", 5), ("85123A", 1))
    problems = {problem["code"]: problem for problem in guest.cart["problems"]}
    assert problems["not-enough-stock"]["message"] == "Only 4 of 71053 are left."
    assert problems["not-enough-stock"]["line_id"] == guest.cart["lines"][0]["id"]
    assert problems["no-price"]["line_id"] == guest.cart["lines"][1]["id"]
    assert guest.cart["lines"][1]["total"] is None
    assert guest.cart["totals"]["total"]["gross"]["amount"] == "16.95"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"store": "nowhere"}, "store-unknown", "/store"),
        ({"store": "a/b"}, "invalid-input", "/store"),
        ({"store": "d2c-uk", "currency": "USD"}, "currency-not-sold", "/currency"),
        ({"store": "d2c-uk", "currency": "ZZZ"}, "invalid-input", "/currency"),
        ({"store": "d2c-uk", "locale": "de"}, "locale-not-spoken", "/locale"),
        ({"store": "d2c-uk", "extra": 1}, "invalid-input", "/extra"),
        ({}, "invalid-input", "/store"),
    ],
)
async def test_a_cart_is_opened_only_as_the_store_sells(shop, body, code, pointer):
    answer = await shop.client.post("/v1/carts", json=body)
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


async def test_a_cart_speaks_its_locale_and_currency(shop):
    await shop.sell("71053")
    guest = await shop.open(("71053", 1), locale="fr", currency="EUR")
    assert guest.cart["lines"][0]["name"] == "Lanterne 71053"
    assert guest.cart["totals"]["total"]["gross"]["currency"] == "EUR"


async def test_a_country_that_is_not_served_is_refused(shop):
    guest = await shop.open()
    address = {**ADDRESS["delivery_address"], "country": "FR"}
    answer = await guest.put("address", {**ADDRESS, "delivery_address": address})
    assert (answer.status_code, answer.json()["code"]) == (422, "country-not-served")
    assert answer.json()["errors"][0]["pointer"] == "/delivery_address/country"


async def test_delivery_must_be_offered_where_the_cart_goes(shop):
    guest = await shop.open()
    await guest.put("delivery", {"delivery_method": "standard"})
    unknown = await guest.put("delivery", {"delivery_method": "drone"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "delivery-not-offered")
    address = {**ADDRESS["delivery_address"], "country": "IE"}
    moved = await guest.put("address", {**ADDRESS, "delivery_address": address})
    assert "delivery-not-offered" in codes_of(moved)
    assert moved.json()["delivery"] is None
    assert moved.json()["country"] == "IE"
    again = await guest.put("delivery", {"delivery_method": "standard"})
    assert again.json()["errors"][0]["pointer"] == "/delivery_method"
    euros = await shop.open(currency="EUR")
    assert (await euros.put("delivery", {"delivery_method": "standard"})).status_code == 422


async def test_adding_twice_under_one_key_adds_once(shop):
    await shop.sell("71053")
    guest = await shop.open()
    first = await guest.add(("71053", 2), key="k1")
    second = await guest.add(("71053", 2), key="k1")
    other = await guest.add(("71053", 3), key="k1")
    assert second.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert lines_of(await guest.get()) == [("71053", 2)]


async def test_twins_at_the_same_moment_add_once(shop):
    await shop.sell("71053")
    guest = await shop.open()
    answers = await asyncio.gather(*(guest.add(("71053", 2), key="k1") for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert lines_of(await guest.get()) == [("71053", 2)]


async def test_changes_at_the_same_moment_are_all_kept(shop):
    await shop.sell("71053")
    guest = await shop.open()
    answers = await asyncio.gather(*(guest.add(("71053", 1)) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert lines_of(await guest.get()) == [("71053", 4)]


async def test_many_changes_at_once_are_kept_or_refused_but_never_lost(shop):
    await shop.sell("71053", on_hand=1000)
    guest = await shop.open()
    answers = await asyncio.gather(*(guest.add(("71053", 1)) for _ in range(20)))
    done = sum(answer.status_code == 200 for answer in answers)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert lines_of(await guest.get()) == [("71053", done)]
    assert (await guest.get()).json()["version"] == 1 + done


async def test_a_change_on_an_older_version_is_refused_when_asked_to(shop):
    await shop.sell("71053")
    guest = await shop.open(("71053", 1))
    line_id = guest.cart["lines"][0]["id"]
    first = await guest.put(f"lines/{line_id}", {"quantity": 2}, **{"If-Match": '"1"'})
    assert first.headers["etag"] == '"2"'
    late = await guest.put(f"lines/{line_id}", {"quantity": 3}, **{"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "version-not-current")


async def test_the_same_again_makes_no_new_version(shop):
    guest = await shop.open()
    first = await guest.put("address", ADDRESS)
    again = await guest.put("address", ADDRESS)
    assert first.json()["version"] == again.json()["version"] == 2


async def test_pricing_away_leaves_the_cart_as_it_was(shop, neighbour_fake):
    await shop.publish("71053", "85123A")
    guest = await shop.open(("71053", 1), ("85123A", 1))
    neighbour_fake.down.add("pricing")
    for answer in (
        await guest.add(("71053", 1)),
        await guest.get(),
        await guest.put("address", ADDRESS),
        await guest.delete(guest.cart["lines"][0]["id"]),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "pricing-unavailable")
    neighbour_fake.down.clear()
    cart = (await guest.get()).json()
    assert (cart["version"], cart["email"], len(cart["lines"])) == (1, None, 2)


async def test_no_transaction_is_open_while_pricing_is_asked(shop, neighbour_fake):
    await shop.sell("71053")
    guest = await shop.open()
    seen = []

    async def resolve(call):
        seen.append(
            await shop.scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%'"
            )
        )
        return shop.neighbours.resolve(call)

    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", resolve)
    assert (await guest.add(("71053", 1), key="k")).status_code == 200
    assert seen == [0]


@pytest.mark.parametrize(
    "answer",
    [
        b"rubbish",
        b"{}",
        (200, b'{"lines": []}'),
        (500, b"no"),
        (404, b"<html>"),
        (200, b""),
    ],
)
async def test_rubbish_from_pricing_is_as_if_it_were_away(shop, neighbour_fake, answer):
    await shop.sell("71053")
    guest = await shop.open()
    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", answer)
    told = await guest.add(("71053", 1))
    assert (told.status_code, told.json()["code"]) == (503, "pricing-unavailable")


def without_a_line(told):
    return told.model_copy(update={"lines": told.lines[:-1]})


def with_another_total(told):
    return told.model_copy(update={"total": told.lines[0].total})


def in_another_currency(told):
    return told.model_copy(update={"currency": "EUR"})


def of_another_quantity(told):
    line = told.lines[0].model_copy(update={"quantity": 7})
    return told.model_copy(update={"lines": [line, *told.lines[1:]]})


@pytest.mark.parametrize(
    "spoil", [without_a_line, with_another_total, in_another_currency, of_another_quantity]
)
async def test_prices_that_do_not_add_up_are_not_believed(shop, neighbour_fake, spoil):
    await shop.sell("71053")
    await shop.sell("85123A")
    guest = await shop.open(("71053", 1))
    neighbour_fake.on(
        "pricing", "POST", "/v1/prices/resolve", lambda call: spoil(shop.neighbours.resolve(call))
    )
    told = await guest.add(("85123A", 2))
    assert (told.status_code, told.json()["code"]) == (503, "pricing-unavailable")


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("line-too-large", 422, "cart-too-expensive"),
        ("store-unknown", 503, "pricing-unavailable"),
        ("country-without-tax", 409, "cart-not-priceable"),
    ],
)
async def test_what_pricing_refuses_is_told_in_the_carts_own_words(
    shop, neighbour_fake, code, status, told
):
    def refuse(call):
        raise Invalid("There is no tax rate for GB.", code=code, field="/country")

    await shop.sell("71053")
    guest = await shop.open()
    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", refuse)
    answer = await guest.add(("71053", 1))
    assert (answer.status_code, answer.json()["code"]) == (status, told)


async def test_five_hundred_lines_go_into_a_cart_at_once(shop, runtime, neighbour_fake):
    skus = [f"sku-{number:03}" for number in range(500)]
    await shop.publish(*skus)
    guest = await shop.open()
    before = len(neighbour_fake.calls)
    answer = await guest.add(*((sku, 2) for sku in skus))
    assert answer.status_code == 200, answer.text
    assert [line["sku"] for line in answer.json()["lines"]] == skus
    assert len(neighbour_fake.calls) - before == 1
    assert lines_of(await guest.get()) == [(sku, 2) for sku in skus]
