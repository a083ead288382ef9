"""Bad input over REST, to the whole shop: told by status, code and place, and nothing changes.

`check_answer` of the stall's client holds for every answer of every call here: never a 5xx, and
every refusal is a problem document.
"""

import base64
import hashlib
import hmac
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import OKPKey

from chassis.auth import Signer, load_key
from chassis.clock import Clock
from tests.journeys.stall import ADDRESS

SERVICES = ["catalog", "pricing", "orders", "accounts", "approvals"]
UNKNOWN = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
NAME = {"en": "Bad"}
BUYER = {"email": "ada@example.com", "delivery_address": ADDRESS}
PRODUCT = {"name": NAME, "variants": [{"sku": "bad-refused"}], "is_published": False}
# Every PUT that a partner has: service, path of the noun, a good body, scope.
PUTS: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "catalog",
        "/v1/stores",
        {
            "name": NAME,
            "audience": "d2c",
            "currencies": ["GBP"],
            "locales": ["en"],
            "countries": ["GB"],
            "tax_display": "gross",
        },
        "catalog:write",
    ),
    ("catalog", "/v1/categories", {"name": NAME}, "catalog:write"),
    ("catalog", "/v1/products", PRODUCT, "catalog:write"),
    (
        "pricing",
        "/v1/price-lists",
        {"name": "Bad", "currency": "GBP", "stores": ["bad-none"], "is_tax_included": True},
        "pricing:write",
    ),
    (
        "pricing",
        "/v1/price-lists/bad-stall/prices",
        {"tiers": [{"amount": "1.00"}]},
        "pricing:write",
    ),
    (
        "pricing",
        "/v1/tax-rates",
        {"country": "ZW", "tax_class": "bad", "rate": "0.1", "name": "Bad"},
        "pricing:write",
    ),
    ("orders", "/v1/warehouses", {"name": "Bad", "country": "GB"}, "stock:write"),
    ("orders", "/v1/warehouses/bad-stall/stock", {"on_hand": 1}, "stock:write"),
    (
        "orders",
        "/v1/delivery-methods",
        {
            "name": NAME,
            "stores": ["bad-none"],
            "countries": ["GB"],
            "price": {"amount": "1.00", "currency": "GBP"},
        },
        "stock:write",
    ),
]
PUT_IDS = [path.rpartition("/")[2] for _, path, _, _ in PUTS]
BULKS = [
    ("catalog", "/v1/products/bulk"),
    ("catalog", "/v1/categories/bulk"),
    ("pricing", "/v1/price-lists/bad-stall/prices/bulk"),
    ("orders", "/v1/warehouses/bad-stall/stock/bulk"),
]


def refusal(answer: httpx.Response) -> tuple[int, str, set[str]]:
    """Status, code, and where."""
    told = answer.json()
    return answer.status_code, told["code"], {error["pointer"] for error in told["errors"]}


def same_but_for(answer: httpx.Response, *names: str) -> bytes:
    """An answer with these names and the request's id taken out, as bytes."""
    text = answer.text.replace(answer.headers["x-request-id"], "REQUEST")
    for name in names:
        text = text.replace(name, "NAME")
    told = sorted(set(answer.headers) - {"date"})
    return f"{answer.status_code} {told} {text}".encode()


# What goes into a cart ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "code", "pointers"),
    [
        ([{"sku": "bad-unknown", "quantity": 1}], "sku-not-orderable", {"/lines/0/sku"}),
        (
            [{"sku": "SKU", "quantity": 1}, {"sku": "bad-unknown", "quantity": 1}],
            "sku-not-orderable",
            {"/lines/1/sku"},
        ),
        (
            [{"sku": "bad-a", "quantity": 1}, {"sku": "bad-b", "quantity": 1}],
            "sku-not-orderable",
            {"/lines/0/sku", "/lines/1/sku"},
        ),
        ([{"sku": "a/b", "quantity": 1}], "invalid-input", {"/lines/0/sku"}),
        ([{"sku": "", "quantity": 1}], "invalid-input", {"/lines/0/sku"}),
        ([{"sku": "x" * 65, "quantity": 1}], "invalid-input", {"/lines/0/sku"}),
        ([{"sku": "a\x00", "quantity": 1}], "value-not-allowed", {"/lines/0/sku"}),
        ([{"sku": 71053, "quantity": 1}], "invalid-input", {"/lines/0/sku"}),
        ([{"sku": None, "quantity": 1}], "invalid-input", {"/lines/0/sku"}),
        ([{"sku": ["SKU"], "quantity": 1}], "invalid-input", {"/lines/0/sku"}),
        ([{"quantity": 1}], "invalid-input", {"/lines/0/sku"}),
        ([{"sku": "SKU"}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": 0}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": -1}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": 10**7}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": 10**19}], "value-not-allowed", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": -(10**19)}], "value-not-allowed", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": 1.5}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": 1e30}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": "2"}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": None}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": True}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": []}], "invalid-input", {"/lines/0/quantity"}),
        ([{"sku": "SKU", "quantity": 1, "price": "0"}], "invalid-input", {"/lines/0/price"}),
        (
            [{"sku": "SKU", "quantity": 1}, {"sku": "SKU", "quantity": 10**6}],
            "quantity-too-large",
            {"/lines/1/quantity"},
        ),
        (["SKU"], "invalid-input", {"/lines/0"}),
        ({"sku": "SKU", "quantity": 1}, "invalid-input", {"/lines"}),
        ([{"sku": "SKU", "quantity": 1}] * 1001, "invalid-input", {"/lines"}),
    ],
)
def test_lines_that_cannot_be(stall, sku, lines, code, pointers):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    lines = json.loads(json.dumps(lines).replace('"SKU"', f'"{sku}"'))
    added = stall.call(
        "orders", "POST", f"{cart.path}/lines", secret=cart.secret, json={"lines": lines}
    )
    assert refusal(added) == (422, code, pointers), added.text
    opened = stall.call("orders", "POST", "/v1/carts", json={"store": "bad-stall", "lines": lines})
    assert refusal(opened) == (422, code, pointers), opened.text
    assert stall.cart(cart) == before


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (0, "invalid-input"),
        (-5, "invalid-input"),
        (10**7, "invalid-input"),
        (10**19, "value-not-allowed"),
        (0.5, "invalid-input"),
        ("1", "invalid-input"),
        (None, "invalid-input"),
    ],
)
def test_a_quantity_that_cannot_be(stall, sku, quantity, code):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    answer = stall.call(
        "orders",
        "PUT",
        f"{cart.path}/lines/{before['lines'][0]['id']}",
        secret=cart.secret,
        json={"quantity": quantity},
    )
    assert refusal(answer) == (422, code, {"/quantity"})
    assert stall.cart(cart) == before


def test_a_line_does_not_grow_beyond_what_a_line_may_have(stall, sku):
    cart = stall.fill(sku, quantity=10**6)
    before = stall.cart(cart)
    answer = stall.call(
        "orders",
        "POST",
        f"{cart.path}/lines",
        secret=cart.secret,
        json={"lines": [{"sku": sku, "quantity": 1}]},
    )
    assert refusal(answer) == (422, "quantity-too-large", {"/lines/0/quantity"})
    assert "not-enough-stock" in {problem["code"] for problem in before["problems"]}
    assert stall.cart(cart) == before


@pytest.mark.parametrize(
    ("body", "code", "pointers"),
    [
        ({"store": "bad-no-store"}, "store-unknown", {"/store"}),
        ({"store": "a/b"}, "invalid-input", {"/store"}),
        ({"store": "bad-stall", "currency": "XYZ"}, "invalid-input", {"/currency"}),
        ({"store": "bad-stall", "currency": "gbp"}, "invalid-input", {"/currency"}),
        ({"store": "bad-stall", "currency": "EUR"}, "currency-not-sold", {"/currency"}),
        ({"store": "bad-stall", "locale": "fr"}, "locale-not-spoken", {"/locale"}),
        ({"store": "bad-stall", "locale": "English"}, "invalid-input", {"/locale"}),
        ({"store": "bad-stall", "country": "GB"}, "invalid-input", {"/country"}),
        ({}, "invalid-input", {"/store"}),
        (None, "invalid-input", {""}),
        ([], "invalid-input", {""}),
        ("bad-stall", "invalid-input", {""}),
    ],
)
def test_carts_that_cannot_be_opened(stall, body, code, pointers):
    answer = stall.call("orders", "POST", "/v1/carts", content=json.dumps(body), headers=JSON)
    assert refusal(answer) == (422, code, pointers), answer.text


@pytest.mark.parametrize(
    ("change", "code", "pointers"),
    [
        ({"country": "FR"}, "country-not-served", {"/delivery_address/country"}),
        ({"country": "gb"}, "invalid-input", {"/delivery_address/country"}),
        ({"country": "GBR"}, "invalid-input", {"/delivery_address/country"}),
        ({"country": None}, "invalid-input", {"/delivery_address/country"}),
        ({"postcode": "SW1Y"}, "invalid-input", {"/delivery_address/postcode"}),
        ({"city": "x" * 201}, "invalid-input", {"/delivery_address/city"}),
        ({"city": "  "}, "invalid-input", {"/delivery_address/city"}),
        ({"city": 7}, "invalid-input", {"/delivery_address/city"}),
        ({"city": "a\x00b"}, "value-not-allowed", {"/delivery_address/city"}),
        ({"city": "\ud83d"}, "value-not-allowed", {"/delivery_address/city"}),
        ({"phone": "call me"}, "invalid-input", {"/delivery_address/phone"}),
    ],
)
def test_addresses_that_cannot_be(stall, sku, change, code, pointers):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    body = {"email": "ada@example.com", "delivery_address": ADDRESS | change}
    answer = stall.call(
        "orders",
        "PUT",
        f"{cart.path}/address",
        secret=cart.secret,
        content=json.dumps(body),
        headers=JSON,
    )
    assert refusal(answer) == (422, code, pointers), answer.text
    assert stall.cart(cart) == before


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@b.c", "a b@c.d", "a@b", 7, None])
def test_mail_addresses_that_cannot_be(stall, sku, email):
    cart = stall.fill(sku)
    answer = stall.call(
        "orders",
        "PUT",
        f"{cart.path}/address",
        secret=cart.secret,
        json={"email": email, "delivery_address": ADDRESS},
    )
    assert refusal(answer) == (422, "invalid-input", {"/email"})
    assert stall.cart(cart)["email"] is None


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("bad-none", "delivery-not-offered"),
        ("standard", "delivery-not-offered"),  # of another store
        ("a/b", "invalid-input"),
        ("", "invalid-input"),
        (1, "invalid-input"),
    ],
)
def test_delivery_that_is_not_offered(stall, sku, method, code):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    answer = stall.call(
        "orders",
        "PUT",
        f"{cart.path}/delivery",
        secret=cart.secret,
        json={"delivery_method": method},
    )
    assert refusal(answer) == (422, code, {"/delivery_method"})
    assert stall.cart(cart) == before


@pytest.mark.parametrize(
    ("change", "code", "pointers"),
    [
        ({"store": "bad-no-store"}, "store-unknown", {"/store"}),
        ({"country": "FR"}, "country-not-served", {"/country"}),
        ({"currency": "EUR"}, "currency-not-of-store", {"/currency"}),
        ({"currency": "XYZ"}, "invalid-input", {"/currency"}),
        ({"lines": []}, "invalid-input", {"/lines"}),
        ({"lines": [{"ref": "1", "sku": "a", "quantity": 0}]}, "invalid-input", None),
        ({"lines": [{"ref": "1", "sku": "a"}, {"ref": "1", "sku": "a"}]}, "invalid-input", {""}),
        ({"at": "yesterday"}, "invalid-input", {"/at"}),
        ({"at": "2026-01-01T00:00:00"}, "invalid-input", {"/at"}),
        ({"at": "9999-12-31T23:59:59-14:00"}, "moment-out-of-range", {"/at"}),
    ],
)
def test_prices_that_cannot_be_resolved(stall, sku, change, code, pointers):
    asked = {"store": "bad-stall", "lines": [{"ref": "1", "sku": sku}]} | change
    answer = stall.call("pricing", "POST", "/v1/prices/resolve", json=asked)
    expected = {"/lines/0/quantity"} if pointers is None else pointers
    assert refusal(answer) == (422, code, expected), answer.text


# Between cart and order -----------------------------------------------------------------------


def place(stall, cart, total: str, *, key: str | None, token="tok_ok", **change) -> httpx.Response:
    body: dict[str, Any] = {
        "agreed_total": {"amount": total, "currency": "GBP"},
        "payment": {"method": "test", "token": token},
    } | change
    answer: httpx.Response = stall.call(
        "orders", "POST", f"{cart.path}/place", secret=cart.secret, key=key, json=body
    )
    return answer


def gross(cart: dict[str, Any]) -> str:
    return str(cart["totals"]["total"]["gross"]["amount"])


def test_a_price_that_changed_is_told_and_not_charged(stall):
    sku = stall.sell(price="10.00", stock=5)
    cart = stall.fill(sku, quantity=2, is_ready=True)
    assert gross(stall.cart(cart)) == "25.00"
    stall.price(sku, "11.50")
    first = str(uuid4())
    refused = place(stall, cart, "25.00", key=first)
    assert refusal(refused) == (409, "price-changed", set())
    assert refused.json()["total"] == {"amount": "28.00", "currency": "GBP"}
    assert refused.json()["agreed_total"] == {"amount": "25.00", "currency": "GBP"}
    assert "28.00 GBP" in refused.json()["detail"]
    assert "nothing was charged" in refused.json()["detail"]
    assert stall.stock(sku)["reserved"] == 0
    after = stall.cart(cart)
    assert (after["status"], gross(after), after["problems"]) == ("open", "28.00", [])

    assert same_but_for(place(stall, cart, "25.00", key=first)) == same_but_for(refused)
    other_body = place(stall, cart, "28.00", key=first)
    assert refusal(other_body) == (422, "idempotency-key-reused", set())

    placed = place(stall, cart, "28.00", key=str(uuid4()))
    assert placed.status_code == 201, placed.text
    assert placed.json()["order"]["payment"]["amount"]["amount"] == "28.00"
    assert stall.stock(sku)["reserved"] == 2


def test_a_price_that_fell_is_told_too(stall):
    sku = stall.sell(price="10.00", stock=5)
    cart = stall.fill(sku, is_ready=True)
    stall.price(sku, "9.00")
    refused = place(stall, cart, "15.00", key=str(uuid4()))
    assert refusal(refused) == (409, "price-changed", set())
    assert refused.json()["total"]["amount"] == "14.00"
    assert stall.stock(sku)["reserved"] == 0


def test_stock_that_is_gone_is_told_and_nothing_is_reserved(stall):
    scarce, plenty = stall.sell(stock=5), stall.sell(stock=5)
    cart = stall.fill(plenty, scarce, quantity=3, is_ready=True)
    stall.count(scarce, 2)
    refused = place(stall, cart, "65.00", key=str(uuid4()))
    assert refusal(refused) == (409, "not-enough-stock", set())
    assert refused.json()["detail"] == f"Only 2 of {scarce} are left."
    assert refused.json()["shortages"] == [{"sku": scarce, "requested": 3, "available": 2}]
    assert [stall.stock(sku)["reserved"] for sku in (scarce, plenty)] == [0, 0]
    after = stall.cart(cart)
    assert after["status"] == "open"
    assert [problem["code"] for problem in after["problems"]] == ["not-enough-stock"]

    stall.count(scarce, 0)
    gone = place(stall, cart, "65.00", key=str(uuid4()))
    assert gone.json()["detail"] == f"{scarce} is out of stock."

    stall.count(scarce, 3)
    placed = place(stall, cart, "65.00", key=str(uuid4()))
    assert placed.status_code == 201, placed.text
    below = stall.call(
        "orders",
        "PUT",
        f"/v1/warehouses/bad-stall/stock/{scarce}",
        token=stall.token,
        json={"on_hand": 2},
    )
    assert refusal(below) == (409, "count-below-reserved", {"/on_hand"})
    assert stall.stock(scarce)["on_hand"] == 3


def test_goods_that_were_taken_off_sale(stall):
    sku = stall.sell()
    cart = stall.fill(sku, is_ready=True)
    stall.publish(sku, is_published=False)
    refused = place(stall, cart, "15.00", key=str(uuid4()))
    assert refusal(refused)[:2] == (409, "sku-not-orderable")
    assert sku in refused.json()["detail"]
    assert stall.stock(sku)["reserved"] == 0


def test_a_declined_payment_leaves_nothing_behind(stall):
    sku = stall.sell()
    cart = stall.fill(sku, is_ready=True)
    refused = place(stall, cart, "15.00", key=str(uuid4()), token="tok_declined")
    assert refusal(refused) == (422, "payment-declined", {"/payment/token"})
    assert stall.stock(sku)["reserved"] == 0
    assert stall.cart(cart)["status"] == "open"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"agreed_total": "15.00"}, "/agreed_total"),
        ({"agreed_total": {"amount": "15.001", "currency": "GBP"}}, "/agreed_total"),
        ({"agreed_total": {"amount": 15.0, "currency": "GBP"}}, "/agreed_total/amount"),
        ({"agreed_total": {"amount": "1e3", "currency": "GBP"}}, "/agreed_total/amount"),
        ({"agreed_total": {"amount": "NaN", "currency": "GBP"}}, "/agreed_total/amount"),
        ({"agreed_total": {"amount": "9" * 17, "currency": "GBP"}}, "/agreed_total/amount"),
        ({"agreed_total": {"amount": "15.00", "currency": "ZZZ"}}, "/agreed_total/currency"),
        ({"payment": {"method": "card", "token": "tok_ok"}}, "/payment/method"),
        ({"payment": {"method": "test", "token": "'; --"}}, "/payment/token"),
        ({"payment": None}, "/payment"),
        ({"coupon": "FREE"}, "/coupon"),
    ],
)
def test_placings_that_cannot_be_read(stall, sku, change, pointer):
    cart = stall.fill(sku, is_ready=True)
    before = stall.cart(cart)
    answer = place(stall, cart, "15.00", key=str(uuid4()), **change)
    assert refusal(answer) == (422, "invalid-input", {pointer}), answer.text
    assert stall.cart(cart) == before
    assert stall.stock(sku)["reserved"] == 0


def test_an_agreed_total_in_another_currency_is_another_total(stall, sku):
    cart = stall.fill(sku, is_ready=True)
    agreed = {"amount": "15.00", "currency": "EUR"}
    refused = place(stall, cart, "", key=str(uuid4()), agreed_total=agreed)
    assert refusal(refused) == (409, "price-changed", set())
    assert stall.stock(sku)["reserved"] == 0


def test_a_cart_that_is_not_ready_says_what_is_missing_and_keeps_the_key_free(stall):
    sku = stall.sell()
    cart = stall.fill(sku)
    key = str(uuid4())
    refused = place(stall, cart, "15.00", key=key)
    assert refusal(refused) == (409, "address-missing", set())
    told = [problem["code"] for problem in refused.json()["problems"]]
    assert told == ["address-missing", "delivery-missing"]
    for what, body in (("address", BUYER), ("delivery", {"delivery_method": "bad-stall"})):
        path = f"{cart.path}/{what}"
        answer = stall.call("orders", "PUT", path, secret=cart.secret, json=body)
        assert answer.status_code == 200, answer.text
    placed = place(stall, cart, "15.00", key=key)
    assert placed.status_code == 201, placed.text


def test_what_was_ordered_stays_as_it_is(stall):
    sku = stall.sell()
    cart = stall.fill(sku, is_ready=True)
    number = place(stall, cart, "15.00", key=str(uuid4())).json()["order"]["number"]
    before = stall.cart(cart)
    line = before["lines"][0]["id"]
    answers = [
        place(stall, cart, "15.00", key=str(uuid4())),
        *(
            stall.call("orders", method, cart.path + path, secret=cart.secret, json=body)
            for method, path, body in WRITES
            for path in [path.replace(UNKNOWN, line)]
        ),
    ]
    for answer in answers:
        assert refusal(answer) == (409, "cart-already-ordered", set()), answer.text
        assert answer.json()["order_number"] == number
    assert stall.cart(cart) == before
    assert stall.stock(sku)["reserved"] == 1


# Somebody else's things -----------------------------------------------------------------------


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/lines", {"lines": [{"sku": "22423", "quantity": 1}]}),
    ("PUT", f"/lines/{UNKNOWN}", {"quantity": 2}),
    ("DELETE", f"/lines/{UNKNOWN}", None),
    ("PUT", "/address", BUYER),
    ("PUT", "/delivery", {"delivery_method": "bad-stall"}),
]
PLACING = {
    "agreed_total": {"amount": "15.00", "currency": "GBP"},
    "payment": {"method": "test", "token": "tok_ok"},
}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "", None), *WRITES, ("POST", "/place", PLACING)],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_the_cart_of_somebody_else_is_as_one_that_never_was(stall, sku, method, path, body):
    theirs, mine = stall.fill(sku, is_ready=True), stall.fill(sku)
    before = stall.cart(theirs)
    own_path = path.replace(UNKNOWN, before["lines"][0]["id"])

    def told(cart_id: str, path: str, secret: str | None) -> bytes:
        answer = stall.call(
            "orders",
            method,
            f"/v1/carts/{cart_id}{path}",
            secret=secret,
            key="k" if method == "POST" else None,
            **({} if body is None else {"json": body}),
        )
        assert refusal(answer) == (404, "cart-not-found", set())
        return same_but_for(answer, cart_id, UNKNOWN, before["lines"][0]["id"])

    never = told(str(uuid4()), path, mine.secret)
    assert told(theirs.id, own_path, mine.secret) == never
    for secret in (None, "", "x", theirs.secret[:-1], theirs.secret + "x", "é" * 40):
        assert told(theirs.id, own_path, secret) == never
    assert stall.cart(theirs) == before
    assert stall.stock(sku)["reserved"] == 0


@pytest.mark.parametrize(("method", "body"), [("PUT", {"quantity": 2}), ("DELETE", None)])
def test_the_line_of_somebody_else_is_as_one_that_never_was(stall, sku, method, body):
    theirs, mine = stall.fill(sku), stall.fill(sku)
    before = stall.cart(theirs)
    line = before["lines"][0]["id"]

    def told(line_id: str) -> bytes:
        path = f"{mine.path}/lines/{line_id}"
        content = {} if body is None else {"json": body}
        answer = stall.call("orders", method, path, secret=mine.secret, **content)
        assert refusal(answer) == (404, "cart-line-not-found", set())
        return same_but_for(answer, line_id)

    assert told(line) == told(str(uuid4()))
    assert stall.cart(theirs) == before


def test_the_order_and_placement_of_somebody_else_are_as_if_they_never_were(stall):
    sku = stall.sell()
    theirs, mine = stall.fill(sku, is_ready=True), stall.fill(sku)
    placed = place(stall, theirs, "15.00", key=str(uuid4())).json()
    number = placed["order"]["number"]
    for path, theirs_name, never_name in (
        ("/v1/orders/", number, "T-999999999"),
        ("/v1/placements/", placed["id"], UNKNOWN),
    ):
        found = stall.call("orders", "GET", path + theirs_name, secret=theirs.secret)
        assert found.status_code == 200
        told = set()
        for secret in (mine.secret, None, ""):
            for name in (theirs_name, never_name):
                answer = stall.call("orders", "GET", path + name, secret=secret)
                assert answer.status_code == 404
                told.add(same_but_for(answer, name))
        assert len(told) == 1


@pytest.mark.parametrize(
    "path", ["/v1/carts/1", "/v1/carts/%00", "/v1/carts/x%2Fy", "/v1/placements/null"]
)
def test_ids_that_are_none(stall, path):
    answer = stall.call("orders", "GET", path, secret="x")
    assert answer.status_code in (404, 422)


@pytest.mark.parametrize("number", ["T-0", "T-1%2F2", "%00", "0", "x" * 65, "%F0%9F%98%80"])
def test_order_numbers_that_are_none(stall, number):
    answer = stall.call("orders", "GET", f"/v1/orders/{number}", secret="x")
    assert answer.status_code in (404, 422)


# What a partner writes ------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "path", "body", "scope"), PUTS, ids=PUT_IDS)
@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("a%2Fb", 404, "route-not-found"),
        ("a/b", 404, "route-not-found"),
        ("a%00b", 422, "value-not-allowed"),
        ("%00", 422, "value-not-allowed"),
        (".hidden", 422, "invalid-input"),
        ("%2e%2e", 422, "invalid-input"),
        ("-a", 422, "invalid-input"),
        ("a%5Cb", 422, "invalid-input"),
        ("a%0Ab", 422, "invalid-input"),
        ("a%0A", 422, "invalid-input"),
        ("%20", 422, "invalid-input"),
        ("a%3Fb", 422, "invalid-input"),
        ("%C3%BC", 422, "invalid-input"),
        ("%FF", 422, "invalid-input"),
        ("x" * 200, 422, "invalid-input"),
    ],
)
def test_keys_that_cannot_be(stall, service, path, body, scope, key, status, code):
    name = f"{path}/{key}"
    answer = stall.call(service, "PUT", name, token=stall.token, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code
    if code == "invalid-input":
        assert [error["pointer"] for error in answer.json()["errors"]] == [
            "sku" if path.endswith(("/prices", "/stock")) else "key"
        ]
    assert stall.call(service, "GET", name, token=stall.token).status_code == status


@pytest.mark.parametrize("key", ["bad-a.b~c_d-e", "bad..", "bad-" + "x" * 124])
def test_keys_that_can_be(stall, key):
    stall.put("orders", f"/v1/warehouses/{key}", {"name": "Bad", "country": "GB"})
    assert stall.read("orders", f"/v1/warehouses/{key}")["key"] == key


@pytest.mark.parametrize(("service", "path", "body", "scope"), PUTS, ids=PUT_IDS)
def test_bodies_that_cannot_be(stall, service, path, body, scope):
    name = f"{path}/bad-refused"
    field = next(iter(body))
    for sent, status, code, pointer in [
        (body | {"colour": "red"}, 422, "invalid-input", "/colour"),
        (body | {"a/b~c": 1}, 422, "invalid-input", "/a~1b~0c"),
        (body | {field: None}, 422, "invalid-input", f"/{field}"),
        (body | {field: 10**19}, 422, "value-not-allowed", f"/{field}"),
        (body | {field: True}, 422, "invalid-input", f"/{field}"),
        ({k: v for k, v in body.items() if k != field}, 422, "invalid-input", f"/{field}"),
        ([body], 422, "invalid-input", ""),
        (None, 422, "invalid-input", ""),
        (7, 422, "invalid-input", ""),
        ("x", 422, "invalid-input", ""),
    ]:
        content = json.dumps(sent)
        answer = stall.call(service, "PUT", name, token=stall.token, content=content, headers=JSON)
        assert refusal(answer) == (status, code, {pointer}), answer.text
    absent = stall.call(service, "GET", name, token=stall.token)
    assert absent.status_code == 404


@pytest.mark.parametrize(
    ("service", "path", "body", "pointers"),
    [
        ("catalog", "/v1/stores/bad-x", PUTS[0][2] | {"currencies": ["XYZ"]}, {"/currencies/0"}),
        ("catalog", "/v1/stores/bad-x", PUTS[0][2] | {"currencies": []}, {"/currencies"}),
        ("catalog", "/v1/stores/bad-x", PUTS[0][2] | {"audience": "all"}, {"/audience"}),
        ("catalog", "/v1/products/bad-x", PRODUCT | {"variants": []}, {"/variants"}),
        (
            "catalog",
            "/v1/products/bad-x",
            PRODUCT | {"variants": [{"sku": "a/b"}]},
            {"/variants/0/sku"},
        ),
        ("catalog", "/v1/products/bad-x", PRODUCT | {"name": {"English": "x"}}, None),
        ("pricing", "/v1/price-lists/bad-x", PUTS[3][2] | {"currency": "ABC"}, {"/currency"}),
        ("pricing", "/v1/tax-rates/bad-x", PUTS[5][2] | {"rate": "20"}, {"/rate"}),
        ("pricing", "/v1/tax-rates/bad-x", PUTS[5][2] | {"rate": 0.2}, {"/rate"}),
        (
            "orders",
            "/v1/delivery-methods/bad-x",
            PUTS[8][2] | {"price": {"amount": "-1", "currency": "GBP"}},
            {"/price/amount"},
        ),
        (
            "orders",
            "/v1/delivery-methods/bad-x",
            PUTS[8][2] | {"price": {"amount": "1", "currency": "AAA"}},
            {"/price/currency"},
        ),
        ("orders", "/v1/warehouses/bad-stall/stock/bad-x", {"on_hand": -1}, {"/on_hand"}),
        ("orders", "/v1/warehouses/bad-stall/stock/bad-x", {"on_hand": 10**10}, {"/on_hand"}),
        ("orders", "/v1/warehouses/bad-stall/stock/bad-x", {"on_hand": "5"}, {"/on_hand"}),
    ],
)
def test_values_that_cannot_be(stall, service, path, body, pointers):
    answer = stall.call(service, "PUT", path, token=stall.token, json=body)
    status, code, told = refusal(answer)
    assert (status, code) == (422, "invalid-input"), answer.text
    assert told == pointers if pointers is not None else told
    assert stall.call(service, "GET", path, token=stall.token).status_code == 404


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [{"amount": "-1"}],
        [{"amount": "1.1234567"}],
        [{"amount": 1.5}],
        [{"amount": "1e5"}],
        [{"amount": "1", "min_quantity": 2}],
        [{"amount": "1"}, {"amount": "2"}],
        [{"amount": "1", "min_quantity": 0}],
        [{"amount": "1"}] * 51,
        {"amount": "1"},
    ],
)
def test_prices_that_cannot_be(stall, sku, tiers):
    path = f"/v1/price-lists/bad-stall/prices/{sku}"
    before = stall.read("pricing", path)
    answer = stall.call("pricing", "PUT", path, token=stall.token, json={"tiers": tiers})
    assert refusal(answer)[:2] == (422, "invalid-input")
    assert stall.read("pricing", path) == before


def test_things_within_unknown_things(stall):
    for service, path, body, code in [
        ("pricing", "/v1/price-lists/bad-none/prices/a", PUTS[4][2], "price-list-unknown"),
        ("orders", "/v1/warehouses/bad-none/stock/a", {"on_hand": 1}, "warehouse-not-found"),
    ]:
        for method in ("PUT", "GET"):
            content = {"json": body} if method == "PUT" else {}
            answer = stall.call(service, method, path, token=stall.token, **content)
            assert answer.status_code == 404
        assert stall.call(service, "PUT", path, token=stall.token, json=body).json()["code"] == code
    product = PRODUCT | {"categories": ["bad-none"]}
    answer = stall.call("catalog", "PUT", "/v1/products/bad-x", token=stall.token, json=product)
    assert refusal(answer) == (422, "category-unknown", {"/categories/0"})
    child = {"name": NAME, "parent": "bad-none"}
    answer = stall.call("catalog", "PUT", "/v1/categories/bad-x", token=stall.token, json=child)
    assert refusal(answer) == (422, "category-unknown", {"/parent"})


def test_a_sku_belongs_to_one_product(stall, sku):
    body = PRODUCT | {"variants": [{"sku": sku}]}
    answer = stall.call("catalog", "PUT", "/v1/products/bad-x", token=stall.token, json=body)
    assert refusal(answer) == (409, "sku-taken", {"/variants/0/sku"})
    assert stall.call("catalog", "GET", "/v1/products/bad-x").status_code == 404


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("catalog", "/v1/products?store=bad-stall&"),
        ("catalog", "/v1/categories?"),
        ("catalog", "/v1/stores?"),
        ("pricing", "/v1/price-lists?"),
        ("pricing", "/v1/price-lists/bad-stall/prices?"),
        ("pricing", "/v1/tax-rates?"),
        ("orders", "/v1/orders?"),
        ("orders", "/v1/warehouses?"),
        ("orders", "/v1/warehouses/bad-stall/stock?"),
        ("orders", "/v1/delivery-methods?"),
        ("catalog", "/v1/changes?"),
        ("pricing", "/v1/changes?"),
        ("orders", "/v1/changes?"),
    ],
)
@pytest.mark.parametrize(
    ("query", "code", "pointers"),
    [
        ("limit=0", "invalid-input", {"limit"}),
        ("limit=-1", "invalid-input", {"limit"}),
        ("limit=100000", "invalid-input", {"limit"}),
        ("limit=99999999999999999999", "invalid-input", {"limit"}),
        ("limit=many", "invalid-input", {"limit"}),
        ("limit=1.5", "invalid-input", {"limit"}),
        ("after=rubbish", None, {"after"}),
        ("after=W10", None, {"after"}),
        ("after=WzEsMiwzLDRd", None, {"after"}),
        ("after=%F0%9F%98%80", None, {"after"}),
        ("after=", None, {"after"}),
        ("after=" + "x" * 2000, None, {"after"}),
        ("after=%00", "value-not-allowed", set()),
    ],
)
def test_pages_that_cannot_be(stall, service, path, query, code, pointers):
    answer = stall.call(service, "GET", path + query, token=stall.token)
    status, told, where = refusal(answer)
    assert (status, where) == (422, pointers), answer.text
    assert code is None or told == code


# Bodies and paths that no service reads -------------------------------------------------------


DOORS = [
    ("catalog", "PUT", "/v1/products/bad-door"),
    ("pricing", "PUT", "/v1/price-lists/bad-door"),
    ("pricing", "POST", "/v1/prices/resolve"),
    ("orders", "PUT", "/v1/warehouses/bad-door"),
    ("orders", "POST", "/v1/carts"),
]


@pytest.mark.parametrize(("service", "method", "path"), DOORS)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"name": }',
        b"{'name': 'x'}",
        b'{"name": NaN}',
        b'{"name": "x"} trailing',
        b'{"name": "\xff"}',
        b'{"name": "\xc3"}',
        b'\xed\xa0\x80{"name": "x"}',
        '{"name": "x"}'.encode("utf-16"),
        b'{"name": ' + b"9" * 5000 + b"}",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"name": ' * 10_000 + b"1" + b"}" * 10_000,
        b'{"name": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
    ids=range(13),
)
def test_what_is_no_json(stall, service, method, path, body):
    answer = stall.call(service, method, path, token=stall.token, content=body, headers=JSON)
    assert refusal(answer) == (400, "body-not-json", set()), answer.text
    assert "connection" not in answer.headers
    if method == "PUT":
        assert stall.call(service, "GET", path, token=stall.token).status_code == 404


@pytest.mark.parametrize(("service", "method", "path"), DOORS)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_of_10_mb(stall, service, method, path, is_chunked):
    body = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    content = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    answer = stall.call(
        service,
        method,
        path,
        token=stall.token,
        content=content if is_chunked else body,
        headers=JSON,
    )
    assert refusal(answer) == (413, "body-too-large", set())
    assert "connection" not in answer.headers, "the connection goes on"
    assert stall.call(service, "GET", "/livez").status_code == 200


@pytest.mark.parametrize("service", [*SERVICES, "gateway"])
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "route-not-found"),
        ("GET", "/v1/nothing", 404, "route-not-found"),
        ("GET", "//livez", 404, "route-not-found"),
        ("GET", "/livez/", 404, "route-not-found"),
        ("GET", "/v1/%2e%2e/livez", 404, "route-not-found"),
        ("GET", "/%00", 422, "value-not-allowed"),
        ("GET", "/livez?x=%00", 422, "value-not-allowed"),
        ("POST", "/livez", 405, "method-not-allowed"),
        ("PATCH", "/livez", 405, "method-not-allowed"),
        ("DELETE", "/.well-known/jwks.json", 405, "method-not-allowed"),
    ],
)
def test_paths_that_lead_nowhere(stall, service, method, path, status, code):
    answer = stall.call(service, method, path)
    assert refusal(answer) == (status, code, set()), answer.text
    if status == 405:
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("catalog", "DELETE", "/v1/products/bad-x"),
        ("catalog", "POST", "/v1/products"),
        ("pricing", "PATCH", "/v1/price-lists/bad-stall"),
        ("orders", "PUT", "/v1/carts"),
        ("orders", "DELETE", f"/v1/carts/{UNKNOWN}"),
        ("orders", "POST", "/v1/orders"),
        ("accounts", "GET", "/v1/tokens"),
        ("gateway", "PUT", "/d2c/graphql"),
    ],
)
def test_methods_that_a_path_does_not_know(stall, service, method, path):
    answer = stall.call(service, method, path, token=stall.token)
    assert refusal(answer) == (405, "method-not-allowed", set())
    assert answer.headers["allow"]


@pytest.mark.parametrize(("service", "method", "path"), DOORS)
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/x-ndjson",
        "rubbish",
        None,
    ],
)
def test_content_types_that_are_not_read(stall, service, method, path, content_type):
    answer = stall.call(
        service,
        method,
        path,
        token=stall.token,
        content=b'{"name": "x"}',
        headers={"Content-Type": content_type} if content_type else {},
    )
    assert refusal(answer) == (415, "media-type-not-supported", set())
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize(("service", "path"), BULKS)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/csv"])
def test_lines_are_read_from_ndjson_only(stall, service, path, content_type):
    answer = stall.call(
        service,
        "POST",
        path,
        token=stall.token,
        content=b"{}\n",
        headers={"Content-Type": content_type},
    )
    assert refusal(answer) == (415, "media-type-not-supported", set())
    assert answer.headers["accept"] == "application/x-ndjson"


# Tokens ---------------------------------------------------------------------------------------


class Earlier(Clock):
    """An hour ago."""

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)


def signed(
    key: OKPKey,
    *,
    issuer: str = "tandem:accounts",
    audience: str = "tandem",
    kind: Any = "partner",
    clock: Clock | None = None,
    scopes: tuple[str, ...] = ("catalog:write", "pricing:write", "stock:write"),
) -> str:
    signer = Signer(issuer=issuer, key=key, clock=clock or Clock(), own_scopes=())
    return signer.sign(subject="forger", audience=audience, kind=kind, scopes=scopes)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def rewritten(token: str, header: dict[str, Any], *, secret: bytes | None = None) -> str:
    """A token with members of its header changed, unsigned or signed by HMAC with a secret."""
    old_header, claims, signature = token.split(".")
    padded = old_header + "=" * (-len(old_header) % 4)
    new_header = json.loads(base64.urlsafe_b64decode(padded)) | header
    content = f"{encoded(json.dumps(new_header).encode())}.{claims}"
    if secret is None:
        return f"{content}.{signature if new_header.get('alg') == 'Ed25519' else ''}"
    return f"{content}.{encoded(hmac.digest(secret, content.encode(), hashlib.sha256))}"


def bad_tokens(folder: Path) -> dict[str, tuple[str, str]]:
    """By what is wrong with it: a token, and the code it is refused with."""
    true_key, own_key = load_key(folder / "accounts.pem"), OKPKey.generate_key("Ed25519")
    orders_key = load_key(folder / "orders.pem")
    good = signed(true_key)
    header, claims, signature = good.split(".")
    public = true_key.as_dict(private=False)
    raw = base64.urlsafe_b64decode(str(public["x"]) + "=")
    forged = signed(own_key)
    is_last_a = signature.endswith("A")
    invalid = {
        "other key": forged,
        "other key, the true one's id": rewritten(forged, {"kid": true_key.thumbprint()}),
        "alg none": rewritten(good, {"alg": "none"}),
        "alg None": rewritten(good, {"alg": "None"}),
        "no alg": rewritten(good, {"alg": None}),
        "HS256 with the public key": rewritten(
            good, {"alg": "HS256"}, secret=true_key.as_pem(private=False)
        ),
        "HS256 with the raw public key": rewritten(good, {"alg": "HS256"}, secret=raw),
        "its own key in the header": rewritten(forged, {"jwk": own_key.as_dict(private=False)}),
        "wrong type": rewritten(good, {"typ": "JWT"}),
        "kid that is a path": rewritten(good, {"kid": "../../dev/null"}),
        "critical header": rewritten(good, {"crit": ["b64"], "b64": False}),
        "wrong audience": signed(true_key, audience="tandem:gateway"),
        "no issuer of ours": signed(true_key, issuer="tandem:stranger"),
        "another service's issuer": signed(true_key, issuer="tandem:orders"),
        "a service that speaks for a partner": signed(orders_key, issuer="tandem:orders"),
        "a guest": signed(true_key, kind="guest"),
        "changed claims": f"{header}.{encoded(b'{}')}.{signature}",
        "changed signature": f"{header}.{claims}.{'B' if is_last_a else 'A'}{signature[1:]}",
        "no signature": f"{header}.{claims}.",
        "two parts": f"{header}.{claims}",
        "four parts": f"{good}.x",
        "rubbish": "rubbish",
        "dots": "..",
        "claims that are no object": f"{header}.{encoded(b'[]')}.{signature}",
        "claims nested deep": f"{header}.{encoded(b'[' * 2000)}.{signature}",
        "too long": good + "A" * 10_000,
    }
    told = {what: (token, "token-invalid") for what, token in invalid.items()}
    told["expired"] = (signed(true_key, clock=Earlier()), "token-expired")
    return told


WHAT_IS_WRONG = [
    "other key",
    "other key, the true one's id",
    "alg none",
    "alg None",
    "no alg",
    "HS256 with the public key",
    "HS256 with the raw public key",
    "its own key in the header",
    "wrong type",
    "kid that is a path",
    "critical header",
    "wrong audience",
    "no issuer of ours",
    "another service's issuer",
    "a service that speaks for a partner",
    "a guest",
    "changed claims",
    "changed signature",
    "no signature",
    "two parts",
    "four parts",
    "rubbish",
    "dots",
    "claims that are no object",
    "claims nested deep",
    "too long",
    "expired",
]


@pytest.mark.parametrize("what", WHAT_IS_WRONG)
def test_tokens_that_do_not_hold(stall, shop, what):
    token, code = bad_tokens(shop.folder)[what]
    for service, path, body, _ in PUTS:
        name = f"{path}/bad-refused"
        answer = stall.call(service, "PUT", name, token=token, json=body)
        assert refusal(answer) == (401, code, set()), answer.text
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert stall.call(service, "GET", name, token=stall.token).status_code == 404
    for service in SERVICES:
        assert stall.call(service, "GET", "/v1/changes", token=token).status_code == 401
    # Also where no token is needed, and where a cart's secret would do.
    assert (
        stall.call("catalog", "GET", "/v1/products?store=bad-stall", token=token).status_code == 401
    )


def test_the_gateway_takes_no_bad_token_for_a_guest(shop):
    tokens = bad_tokens(shop.folder)
    del tokens["wrong audience"]  # it is that of the gateway
    for what, (token, code) in tokens.items():
        answer = shop.query("{ store { key } }", Authorization=f"Bearer {token}")
        assert answer.get("code") == code, what


def test_every_bad_token_is_tried(shop, stall):
    assert set(WHAT_IS_WRONG) == set(bad_tokens(shop.folder))
    good = signed(load_key(shop.folder / "accounts.pem"), scopes=("changes:read",))
    for service in SERVICES:
        answer = stall.call(service, "GET", "/v1/changes", token=good)
        assert answer.status_code == 200, "the tokens are bad for another reason than told"


@pytest.mark.parametrize(
    "header", ["Basic dTpw", "Bearer", "bearer: x", "token", "", "Bearer a b", "\xff"]
)
def test_authorization_that_is_no_bearer_token(stall, header):
    answer = stall.call(
        "catalog",
        "PUT",
        "/v1/products/bad-refused",
        json=PRODUCT,
        headers={"Authorization": header},
    )
    assert refusal(answer) == (401, "token-invalid", set())


@pytest.mark.parametrize(("service", "path", "body", "scope"), PUTS, ids=PUT_IDS)
def test_rights_that_are_missing(stall, service, path, body, scope):
    name = f"{path}/bad-refused"
    nobody = stall.call(service, "PUT", name, json=body)
    assert refusal(nobody) == (401, "token-missing", set())
    assert nobody.headers["www-authenticate"] == "Bearer"
    reader = stall.get_token(scope="catalog:read pricing:read orders:read stock:read changes:read")
    refused = stall.call(service, "PUT", name, token=reader, json=body)
    assert refusal(refused) == (403, "missing-scope", set())
    assert refused.json()["scope"] == scope
    assert scope in refused.json()["detail"]
    assert stall.call(service, "GET", name, token=stall.token).status_code == 404


@pytest.mark.parametrize(
    ("service", "path", "scope"),
    [
        ("catalog", "/v1/products?store=bad-stall&include_unpublished=true", "catalog:read"),
        ("pricing", "/v1/price-lists", "pricing:read"),
        ("pricing", "/v1/price-lists/bad-stall/prices", "pricing:read"),
        ("orders", "/v1/orders", "orders:read"),
        ("orders", "/v1/orders/T-1", "orders:read"),
        ("orders", "/v1/warehouses/bad-stall/stock", "stock:read"),
        *((service, "/v1/changes", "changes:read") for service in SERVICES),
        ("catalog", "/v1/snapshots/stores", "changes:read"),
        ("orders", "/v1/snapshots/stock", "changes:read"),
    ],
)
def test_rights_to_read_that_are_missing(stall, service, path, scope):
    writer = stall.get_token(scope="catalog:write pricing:write stock:write")
    refused = stall.call(service, "GET", path, token=writer)
    assert refusal(refused) == (403, "missing-scope", set())
    assert refused.json()["scope"] == scope
    if path != "/v1/orders/T-1":  # which a guest may read, with the cart's secret
        assert stall.call(service, "GET", path).status_code == 401


@pytest.mark.parametrize(("service", "path"), BULKS)
def test_lines_need_a_right_too(stall, service, path):
    reader = stall.get_token(scope="catalog:read")
    for token, status in ((None, 401), (reader, 403)):
        answer = stall.call(
            service, "POST", path, token=token, content=b"{}\n" * 3000, headers=NDJSON
        )
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("data", "auth", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, ("journey", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, ("nobody", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, ("a\x00b", "c"), 401, "invalid_client"),
        ({"grant_type": "password"}, ("journey", "wrong"), 400, "unsupported_grant_type"),
        ({"grant": "x"}, ("journey", "wrong"), 400, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": "all"}, "good", 400, "invalid_scope"),
        ({"grant_type": ["client_credentials"] * 2}, "good", 400, "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": "x"}, "good", 400, "invalid_request"),
    ],
)
def test_tokens_that_are_not_given(stall, shop, data, auth, status, error):
    if auth == "good":
        auth = (shop.credentials.client_id, shop.credentials.client_secret)
    answer = stall.call(
        "accounts", "POST", "/v1/tokens", data=data, **({"auth": auth} if auth else {})
    )
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"


# Many lines at once ---------------------------------------------------------------------------


def bulk(stall, service: str, path: str, lines: list[bytes], **params: str) -> list[Any]:
    answer = stall.call(
        service,
        "POST",
        path,
        token=stall.token,
        content=b"\n".join(lines),
        headers=NDJSON,
        params=params,
    )
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def product_line(sku: str) -> dict[str, Any]:
    return {"key": sku} | PRODUCT | {"variants": [{"sku": sku}]}


def price_line(sku: str) -> dict[str, Any]:
    return {"sku": sku, "tiers": [{"amount": "1.00"}]}


def stock_line(sku: str) -> dict[str, Any]:
    return {"sku": sku, "on_hand": 3}


@pytest.mark.parametrize(
    ("service", "noun", "make_line", "wrong", "pointer"),
    [
        ("catalog", "/v1/products", product_line, {"colour": "red"}, "/colour"),
        ("pricing", "/v1/price-lists/bad-stall/prices", price_line, {"tiers": []}, "/tiers"),
        ("orders", "/v1/warehouses/bad-stall/stock", stock_line, {"on_hand": -1}, "/on_hand"),
    ],
    ids=["products", "prices", "stock"],
)
def test_one_bad_line_among_3000_costs_no_other(stall, service, noun, make_line, wrong, pointer):
    """Line 1,700 says what cannot be, and line 2,900 is no UTF-8."""
    prefix = f"bad-{uuid4().hex[:8]}"
    names = [f"{prefix}-{number}" for number in range(1, 3001)]
    lines = [json.dumps(make_line(name)).encode() for name in names]
    lines[1699] = json.dumps(make_line(names[1699]) | wrong).encode()
    lines[2899] = lines[2899].replace(prefix.encode(), b"\xff\xfe")
    refused = {1700: pointer, 2900: ""}
    read = "?include_unpublished=true" if service == "catalog" else ""

    def is_there(number: int) -> bool:
        path = f"{noun}/{names[number - 1]}{read}"
        answer = stall.call(service, "GET", path, token=stall.token)
        assert answer.status_code in (200, 404), answer.text
        return bool(answer.status_code == 200)

    def check(results: list[Any], outcome: str) -> None:
        assert [result["line"] for result in results] == list(range(1, 3001))
        bad = {result["line"]: result for result in results if result["outcome"] == "refused"}
        assert {line: bad[line]["errors"][0]["pointer"] for line in bad} == refused
        assert bad[1700]["key"] == names[1699]
        assert bad[2900]["errors"][0]["code"] == "line-not-json"
        others = {result["outcome"] for result in results if result["line"] not in refused}
        assert others == {outcome}

    check(bulk(stall, service, f"{noun}/bulk", lines, dry_run="true"), "created")
    assert not any(is_there(number) for number in (1, 1699, 1700, 2900, 3000))

    check(bulk(stall, service, f"{noun}/bulk", lines), "created")
    present = {number: is_there(number) for number in (1, 1699, 1700, 1701, 2899, 2900, 2901, 3000)}
    assert {number for number, there in present.items() if not there} == set(refused)

    check(bulk(stall, service, f"{noun}/bulk", lines), "unchanged")


@pytest.mark.parametrize(
    ("line", "code", "pointer"),
    [
        (b"{", "line-not-json", ""),
        (b"null", None, ""),
        (b"[]", None, ""),
        (b'"x"', None, ""),
        (b"\xff", "line-not-json", ""),
        (b"[" * 10_000 + b"]" * 10_000, "line-not-json", ""),
        (b'{"sku": "a/b", "on_hand": 1}', None, "/sku"),
        (b'{"sku": "bad-l", "on_hand": 10000000000000000000}', None, "/on_hand"),
        (b'{"sku": "bad-\\u0000", "on_hand": 1}', None, "/sku"),
        (b'{"sku": "bad-\\ud800", "on_hand": 1}', None, "/sku"),
        (b'{"sku": "bad-l", "on_hand": 1.5}', None, "/on_hand"),
        (b'{"sku": "bad-l"}', None, "/on_hand"),
        (b'{"sku": "bad-l", "on_hand": 1}{"sku": "bad-l", "on_hand": 1}', "line-not-json", ""),
        (b'{"sku": "' + b"x" * 300_000 + b'"}', "line-too-long", ""),
    ],
    ids=range(14),
)
def test_lines_of_ndjson_that_cannot_be(stall, line, code, pointer):
    path = "/v1/warehouses/bad-stall/stock/bulk"
    good = b'{"sku": "bad-neighbour", "on_hand": 1}'
    results = bulk(stall, "orders", path, [b"", good, line, b"", good])
    assert [result["line"] for result in results] == [2, 3, 5]
    assert [result["outcome"] == "refused" for result in results] == [False, True, False]
    (error, *_) = results[1]["errors"]
    assert error["pointer"] == pointer, results[1]
    assert code is None or error["code"] == code
    assert (
        stall.call(
            "orders", "GET", "/v1/warehouses/bad-stall/stock/bad-l", token=stall.token
        ).status_code
        == 404
    )


def test_no_lines_at_all(stall):
    for service, path in BULKS:
        for lines in ([], [b"", b"  ", b""]):
            assert bulk(stall, service, path, lines) == []
    missing = stall.call(
        "orders",
        "POST",
        "/v1/warehouses/bad-none/stock/bulk",
        token=stall.token,
        content=b"{}",
        headers=NDJSON,
    )
    assert refusal(missing) == (404, "warehouse-not-found", set())


def test_dry_run_is_yes_or_no(stall):
    answer = stall.call(
        "orders",
        "POST",
        "/v1/warehouses/bad-stall/stock/bulk?dry_run=perhaps",
        token=stall.token,
        content=b"{}",
        headers=NDJSON,
    )
    assert refusal(answer) == (422, "invalid-input", {"dry_run"})


# Twice, and at the same moment ----------------------------------------------------------------


def test_placing_needs_a_key(stall, sku):
    cart = stall.fill(sku, is_ready=True)
    before = stall.cart(cart)
    missing = place(stall, cart, "15.00", key=None)
    assert refusal(missing) == (400, "idempotency-key-missing", set())
    for key in ("", '""', "a b", "x" * 256, "\xe9", "a\tb"):
        malformed = place(stall, cart, "15.00", key=key)
        assert refusal(malformed) == (400, "idempotency-key-malformed", set()), key
    assert stall.cart(cart) == before
    assert stall.stock(sku)["reserved"] == 0


def test_the_same_key_and_body_get_the_same_answer(stall):
    sku = stall.sell()
    cart = stall.fill(sku)
    add = {"lines": [{"sku": sku, "quantity": 2}]}
    path, key = f"{cart.path}/lines", str(uuid4())

    def send(body: Any, **headers: str) -> httpx.Response:
        answer: httpx.Response = stall.call(
            "orders", "POST", path, secret=cart.secret, key=key, json=body, headers=headers
        )
        return answer

    first = send(add)
    assert first.status_code == 200
    assert send(add).content == first.content
    assert send({"lines": [{"quantity": 2, "sku": sku}]}).content == first.content
    other = send({"lines": [{"sku": sku, "quantity": 3}]})
    assert refusal(other) == (422, "idempotency-key-reused", set())
    assert [line["quantity"] for line in stall.cart(cart)["lines"]] == [3]


def test_a_key_is_nobody_elses(stall, sku):
    """Another cart's owner may use the same word."""
    key = str(uuid4())
    for cart in (stall.fill(sku), stall.fill(sku)):
        add = {"lines": [{"sku": sku, "quantity": 1}]}
        answer = stall.call(
            "orders", "POST", f"{cart.path}/lines", secret=cart.secret, key=key, json=add
        )
        assert answer.json()["id"] == cart.id


def test_a_refused_line_leaves_its_key_free(stall, sku):
    cart, key = stall.fill(sku), str(uuid4())
    for quantity, status in ((0, 422), (1, 200)):
        body = {"lines": [{"sku": sku, "quantity": quantity}]}
        answer = stall.call(
            "orders", "POST", f"{cart.path}/lines", secret=cart.secret, key=key, json=body
        )
        assert answer.status_code == status


def test_the_same_order_twice_at_the_same_moment_is_one(stall):
    sku = stall.sell(stock=50)
    cart, key = stall.fill(sku, is_ready=True), str(uuid4())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: place(stall, cart, "15.00", key=key), range(8)))
    assert {answer.status_code for answer in answers} <= {201, 202, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency-key-in-use"
    final = place(stall, cart, "15.00", key=key)
    assert final.status_code == 201
    numbers = {answer.json()["order"]["number"] for answer in answers if answer.status_code == 201}
    assert numbers <= {final.json()["order"]["number"]}
    assert stall.stock(sku)["reserved"] == 1


def test_two_orders_of_one_cart_at_the_same_moment_are_one(stall):
    sku = stall.sell(stock=50)
    cart = stall.fill(sku, is_ready=True)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: place(stall, cart, "15.00", key=str(uuid4())), range(8)))
    done = [answer for answer in answers if answer.status_code in (201, 202)]
    assert len(done) == 1
    codes = {answer.json()["code"] for answer in answers if answer not in done}
    assert codes <= {"cart-being-placed", "cart-already-ordered"}
    assert stall.stock(sku)["reserved"] == 1


def test_the_same_lines_twice_at_the_same_moment_are_added_once(stall, sku):
    cart, key = stall.fill(sku), str(uuid4())
    body = {"lines": [{"sku": sku, "quantity": 5}]}

    def add(_: int) -> httpx.Response:
        answer: httpx.Response = stall.call(
            "orders", "POST", f"{cart.path}/lines", secret=cart.secret, key=key, json=body
        )
        return answer

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(add, range(8)))
    done = {answer.content for answer in answers if answer.status_code == 200}
    assert len(done) == 1
    for answer in answers:
        if answer.status_code != 200:
            assert refusal(answer) == (409, "idempotency-key-in-use", set())
    assert [line["quantity"] for line in stall.cart(cart)["lines"]] == [6]


@pytest.mark.parametrize(
    ("service", "path", "first", "second"),
    [
        (service, path, body, body | {"name": {"en": "B"} if service != "pricing" else "B"})
        for service, path, body, _ in (PUTS[0], PUTS[2], PUTS[3])
    ]
    + [("orders", "/v1/warehouses", PUTS[6][2], PUTS[6][2] | {"name": "B"})],
)
def test_a_version_that_somebody_changed_meanwhile(stall, service, path, first, second):
    key = f"bad-{uuid4().hex}"
    name = f"{path}/{key}"
    if path == "/v1/products":
        first = first | {"variants": [{"sku": key}]}
        second = second | {"variants": [{"sku": key}]}

    def put(body: Any, if_match: str | None) -> httpx.Response:
        headers = {"If-Match": if_match} if if_match is not None else {}
        answer: httpx.Response = stall.call(
            service, "PUT", name, token=stall.token, json=body, headers=headers
        )
        return answer

    for if_match in ("*", '"1"'):
        never = put(first, if_match)
        assert refusal(never) == (412, "version-not-current", set())
        assert stall.call(service, "GET", name, token=stall.token).status_code == 404
    made = put(first, None)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert put(second, '"1"').headers["etag"] == '"2"'
    for if_match in ('"1"', '"3"', 'W/"2"', '"x"'):
        lost = put(first, if_match)
        assert refusal(lost) == (412, "version-not-current", set())
        assert lost.json()["current_version"] == 2
    for if_match in ("2", '"2', "", "\xff", '"1" "2"', "x" * 600):
        unreadable = put(first, if_match)
        assert unreadable.status_code == 422
        assert {error["pointer"].lower() for error in unreadable.json()["errors"]} == {"if-match"}
    assert put(second, '"9", "2"').headers["etag"] == '"2"'
    assert put(second, "*").headers["etag"] == '"2"'


def test_a_cart_that_was_changed_meanwhile(stall, sku):
    cart = stall.fill(sku)
    line = stall.cart(cart)["lines"][0]["id"]
    before = stall.cart(cart)
    for method, path, body in WRITES:
        answer = stall.call(
            "orders",
            method,
            cart.path + path.replace(UNKNOWN, line),
            secret=cart.secret,
            headers={"If-Match": '"77"'},
            **({} if body is None else {"json": body}),
        )
        assert refusal(answer) == (412, "version-not-current", set())
        assert answer.json()["current_version"] == before["version"]
    assert stall.cart(cart) == before


# Headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Request-Id": "x" * 5000},
        {"X-Request-Id": "<script>"},
        {"X-Request-Id": "\xff\xfe"},
        {"traceparent": "rubbish"},
        {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-00"},
        {"Tandem-Deadline": "soon"},
        {"Tandem-Deadline": "-1"},
        {"Tandem-Deadline": "9" * 400},
        {"Tandem-Deadline": "nan"},
        {"Accept": "text/html;q=x, ;"},
        {"Accept-Language": "x" * 5000},
    ],
)
def test_headers_that_say_nothing_useful(stall, sku, headers):
    answer = stall.call(
        "catalog",
        "GET",
        f"/v1/products/{sku}?store=bad-stall",
        headers=headers,
    )
    assert answer.status_code in (200, 422), answer.text
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["x-request-id"])


def test_no_log_tells_of_a_mistake_of_ours_or_of_a_secret(stall, shop):
    secrets = (
        shop.credentials.client_secret,
        stall.token,
        stall.fill().secret,
        "ada@example.com",
        "tok_ok",
        ADDRESS["line1"],
    )
    for log in shop.folder.glob("*.log"):
        text = log.read_text(errors="replace")
        for mistake in ('"event":"request failed"', '"event":"resolver failed"', "Traceback"):
            assert mistake not in text, log.name
        assert not [secret for secret in secrets if secret in text], log.name
