"""Bad input over GraphQL, to the whole shop: told by code and field, and nothing changes.

What a person can mend is in a payload's `errors`, with 200; what fits no schema is refused before
anything runs. `check_answer` of the stall's client holds for every answer of every call here.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gateway.ids import encode_cursor, encode_id

UNKNOWN = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
JSON = {"Content-Type": "application/json"}
TOLD = "errors { code message field }"
ADD = f"""mutation ($input: AddCartLinesInput!) {{
  addCartLines(input: $input) {{ cart {{ id }} {TOLD} }} }}"""
OPEN = f"""mutation ($input: OpenCartInput!) {{
  openCart(input: $input) {{ secret cart {{ id }} {TOLD} }} }}"""
CHANGE = f"""mutation ($input: ChangeCartLineInput!) {{
  changeCartLine(input: $input) {{ cart {{ id }} {TOLD} }} }}"""
REMOVE = f"""mutation ($input: RemoveCartLineInput!) {{
  removeCartLine(input: $input) {{ cart {{ id }} {TOLD} }} }}"""
ADDRESS = f"""mutation ($input: SetCartAddressInput!) {{
  setCartAddress(input: $input) {{ cart {{ id }} {TOLD} }} }}"""
DELIVERY = f"""mutation ($input: SetCartDeliveryInput!) {{
  setCartDelivery(input: $input) {{ cart {{ id }} {TOLD} }} }}"""
PLACE = f"""mutation ($input: PlaceOrderInput!) {{
  placeOrder(input: $input) {{ placement {{ id status order {{ number }} }} {TOLD} }} }}"""
HOME = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
}
BUYER = {"email": "ada@example.com", "deliveryAddress": HOME}


def opening(cart) -> dict[str, str]:
    """The part of an input that names a cart and opens it."""
    return {"cartId": encode_id("Cart", cart.id), "secret": cart.secret}


def placing(cart, total: str, key: str | None = None, **change: Any) -> dict[str, Any]:
    return {
        **opening(cart),
        "agreedTotal": {"amount": total, "currency": "GBP"},
        "payment": {"method": "test", "token": "tok_ok"},
        "idempotencyKey": key or str(uuid4()),
    } | change


def mended(answer: httpx.Response) -> list[tuple[str, str | None]]:
    """Code and field of a mutation's errors, which came instead of a result."""
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json(), answer.text
    (payload,) = answer.json()["data"].values()
    errors = payload.pop("errors")
    assert set(payload.values()) == {None}
    assert all(error["message"] for error in errors)
    return [(error["code"], error["field"]) for error in errors]


def done(answer: httpx.Response) -> Any:
    """A mutation's payload, which has no errors."""
    assert answer.status_code == 200, answer.text
    (payload,) = answer.json()["data"].values()
    assert payload["errors"] == [], payload
    return payload


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a request that was not run at all."""
    told = answer.json()
    if answer.headers["content-type"] == "application/problem+json":
        return answer.status_code, told["code"]
    assert "data" not in told, told
    error = told["errors"][0]
    assert error["message"]
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    return answer.status_code, error["extensions"]["code"]


def failed(answer: httpx.Response) -> str:
    """The code of the one field that failed and is null."""
    assert answer.status_code == 200, answer.text
    told = answer.json()
    (error,) = told["errors"]
    assert told["data"] == {error["path"][0]: None}
    assert error["message"]
    return str(error["extensions"]["code"])


def same_but_for(answer: httpx.Response, *names: str) -> bytes:
    """An answer with these names and the request's id taken out, as bytes."""
    text = answer.text.replace(answer.headers["x-request-id"], "REQUEST")
    for name in names:
        text = text.replace(name, "NAME")
    return f"{answer.status_code} {text}".encode()


# What goes into a cart ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "errors"),
    [
        ([{"sku": "bad-unknown", "quantity": 1}], [("sku-not-orderable", "lines.0.sku")]),
        (
            [{"sku": "SKU", "quantity": 1}, {"sku": "bad-unknown", "quantity": 1}],
            [("sku-not-orderable", "lines.1.sku")],
        ),
        ([{"sku": "a/b", "quantity": 1}], [("string-pattern-mismatch", "lines.0.sku")]),
        ([{"sku": "", "quantity": 1}], [("string-pattern-mismatch", "lines.0.sku")]),
        ([{"sku": "SKU", "quantity": 0}], [("greater-than-equal", "lines.0.quantity")]),
        ([{"sku": "SKU", "quantity": -3}], [("greater-than-equal", "lines.0.quantity")]),
        ([{"sku": "SKU", "quantity": 10**7}], [("less-than-equal", "lines.0.quantity")]),
        (
            [{"sku": "SKU", "quantity": 1}, {"sku": "SKU", "quantity": 10**6}],
            [("quantity-too-large", "lines.1.quantity")],
        ),
    ],
)
def test_lines_that_cannot_be(stall, sku, lines, errors):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    lines = json.loads(json.dumps(lines).replace('"SKU"', f'"{sku}"'))
    added = stall.ask(ADD, {"input": opening(cart) | {"lines": lines}})
    assert mended(added) == errors
    assert mended(stall.ask(OPEN, {"input": {"lines": lines}})) == errors
    assert stall.cart(cart) == before


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"quantity": 10**10}, "graphql-invalid"),
        ({"quantity": 10**19}, "value-not-allowed"),
        ({"quantity": 1.5}, "graphql-invalid"),
        ({"quantity": "2"}, "graphql-invalid"),
        ({"quantity": None}, "graphql-invalid"),
        ({"quantity": True}, "graphql-invalid"),
        ({"quantity": [1, 2]}, "graphql-invalid"),
        ({"quantity": {}}, "graphql-invalid"),
        ({"sku": 71053}, "graphql-invalid"),
        ({"sku": None}, "graphql-invalid"),
        ({"sku": "a\x00"}, "value-not-allowed"),
        ({"sku": "\ud83d"}, "value-not-allowed"),
        ({"price": "0.01"}, "graphql-invalid"),
    ],
)
def test_lines_that_fit_no_schema(stall, sku, line, code):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    lines = [{"sku": sku, "quantity": 1} | line]
    body = {"query": ADD, "variables": {"input": opening(cart) | {"lines": lines}}}
    answer = stall.call("gateway", "POST", "/d2c/graphql", content=json.dumps(body), headers=JSON)
    assert refused(answer) == (422, code)
    (field,) = line
    assert field in answer.text
    assert stall.cart(cart) == before


@pytest.mark.parametrize("quantity", ["1.5", '"2"', "null", "1e3", "9" * 19, "true", "$n", "[1]"])
def test_quantities_in_the_query_that_fit_no_schema(stall, sku, quantity):
    line = f'{{ sku: "{sku}", quantity: {quantity} }}'
    query = f"mutation {{ openCart(input: {{ lines: [{line}] }}) {{ secret }} }}"
    assert refused(stall.ask(query)) == (422, "graphql-invalid")


@pytest.mark.parametrize(
    ("quantity", "code"),
    [(0, "greater-than-equal"), (-1, "greater-than-equal"), (10**7, "less-than-equal")],
)
def test_a_quantity_that_cannot_be(stall, sku, quantity, code):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    line = encode_id("CartLine", before["lines"][0]["id"])
    answer = stall.ask(CHANGE, {"input": opening(cart) | {"lineId": line, "quantity": quantity}})
    assert mended(answer) == [(code, "quantity")]
    assert stall.cart(cart) == before


@pytest.mark.parametrize(
    ("currency", "code"),
    [("EUR", "currency-not-sold"), ("XYZ", "value-error"), ("gbp", "string-pattern-mismatch")],
)
def test_currencies_that_cannot_be(stall, currency, code):
    assert mended(stall.ask(OPEN, {"input": {"currency": currency}})) == [(code, "currency")]


@pytest.mark.parametrize("store", ["bad-none", "a/b", "..", "", "x" * 3000, "\xfc", "BAD-STALL"])
def test_stores_that_are_none(stall, store):
    headers = {"Tandem-Store": store}
    for query in ("{ store { key } }", "mutation { openCart(input: {}) { secret } }"):
        answer = stall.ask(query, **headers)
        if store:
            assert failed(answer) == "store-unknown"
    products = stall.ask("{ products { nodes { key } } }", **headers)
    assert products.status_code == 200


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"country": "FR"}, "country-not-served", "deliveryAddress.country"),
        ({"country": "gb"}, "string-pattern-mismatch", "deliveryAddress.country"),
        ({"country": "England"}, "string-pattern-mismatch", "deliveryAddress.country"),
        ({"city": ""}, "string-too-short", "deliveryAddress.city"),
        ({"city": "x" * 201}, "string-too-long", "deliveryAddress.city"),
        ({"postalCode": "☃"}, "string-pattern-mismatch", "deliveryAddress.postalCode"),
        ({"phone": "call me"}, "string-pattern-mismatch", "deliveryAddress.phone"),
    ],
)
def test_addresses_that_cannot_be(stall, sku, change, code, field):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    body = opening(cart) | BUYER | {"deliveryAddress": HOME | change}
    assert mended(stall.ask(ADDRESS, {"input": body})) == [(code, field)]
    assert stall.cart(cart) == before


@pytest.mark.parametrize(
    "change",
    [
        {"email": None},
        {"email": 7},
        {"deliveryAddress": None},
        {"deliveryAddress": HOME | {"postcode": "x"}},
        {"deliveryAddress": HOME | {"city": 7}},
        {"deliveryAddress": HOME | {"country": None}},
        {"deliveryAddress": [HOME, HOME]},
        {"birthday": "1815-12-10"},
    ],
)
def test_addresses_that_fit_no_schema(stall, sku, change):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    answer = stall.ask(ADDRESS, {"input": opening(cart) | BUYER | change})
    assert refused(answer) == (422, "graphql-invalid")
    assert stall.cart(cart) == before


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a b@c.d"])
def test_mail_addresses_that_cannot_be(stall, sku, email):
    cart = stall.fill(sku)
    answer = stall.ask(ADDRESS, {"input": opening(cart) | BUYER | {"email": email}})
    assert mended(answer) == [("string-pattern-mismatch", "email")]
    assert stall.cart(cart)["email"] is None


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("bad-none", "delivery-not-offered"),
        ("standard", "delivery-not-offered"),
        ("a/b", "string-pattern-mismatch"),
    ],
)
def test_delivery_that_is_not_offered(stall, sku, method, code):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    answer = stall.ask(DELIVERY, {"input": opening(cart) | {"deliveryMethod": method}})
    assert mended(answer) == [(code, "deliveryMethod")]
    assert stall.cart(cart) == before


# Between cart and order -----------------------------------------------------------------------


def test_a_price_that_changed_is_told_and_not_charged(stall):
    sku = stall.sell(price="10.00", stock=5)
    cart = stall.fill(sku, quantity=2, is_ready=True)
    stall.price(sku, "11.50")
    first = placing(cart, "25.00")
    answer = stall.ask(PLACE, {"input": first})
    assert mended(answer) == [("price-changed", None)]
    assert "28.00 GBP" in answer.json()["data"]["placeOrder"]["errors"][0]["message"]
    assert stall.ask(PLACE, {"input": first}).content == answer.content
    changed = first | {"agreedTotal": {"amount": "28.00", "currency": "GBP"}}
    assert mended(stall.ask(PLACE, {"input": changed})) == [("idempotency-key-reused", None)]
    assert stall.stock(sku)["reserved"] == 0
    assert stall.cart(cart)["status"] == "open"

    placed = done(stall.ask(PLACE, {"input": placing(cart, "28.00")}))
    assert placed["placement"]["status"] == "PLACED"
    assert stall.stock(sku)["reserved"] == 2


def test_stock_that_is_gone_is_told_and_nothing_is_reserved(stall):
    scarce, plenty = stall.sell(stock=5), stall.sell(stock=5)
    cart = stall.fill(plenty, scarce, quantity=3, is_ready=True)
    stall.count(scarce, 2)
    answer = stall.ask(PLACE, {"input": placing(cart, "65.00")})
    assert mended(answer) == [("not-enough-stock", None)]
    assert scarce in answer.json()["data"]["placeOrder"]["errors"][0]["message"]
    assert [stall.stock(sku)["reserved"] for sku in (scarce, plenty)] == [0, 0]
    query = """query ($id: ID!, $secret: String!) {
      cart(id: $id, secret: $secret) { status problems { code lineId } } }"""
    told = stall.ask(query, {"id": encode_id("Cart", cart.id), "secret": cart.secret}).json()
    line = encode_id("CartLine", stall.cart(cart)["lines"][1]["id"])
    assert told["data"]["cart"] == {
        "status": "OPEN",
        "problems": [{"code": "not-enough-stock", "lineId": line}],
    }


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        (
            {"payment": {"method": "test", "token": "tok_declined"}},
            [("payment-declined", "payment.token")],
        ),
        (
            {"payment": {"method": "card", "token": "tok_ok"}},
            [("union-tag-invalid", "payment.method")],
        ),
        (
            {"payment": {"method": "test", "token": ""}},
            [("string-pattern-mismatch", "payment.token")],
        ),
        ({"agreedTotal": {"amount": "15.00", "currency": "EUR"}}, [("price-changed", None)]),
        (
            {"agreedTotal": {"amount": "15.00", "currency": "ZZZ"}},
            [("value-error", "agreedTotal.currency")],
        ),
        (
            {"agreedTotal": {"amount": "15.001", "currency": "GBP"}},
            [("value-error", "agreedTotal")],
        ),
        ({"idempotencyKey": ""}, [("idempotency-key-malformed", "idempotencyKey")]),
        ({"idempotencyKey": "a b"}, [("idempotency-key-malformed", "idempotencyKey")]),
        ({"idempotencyKey": "x" * 256}, [("idempotency-key-malformed", "idempotencyKey")]),
        ({"idempotencyKey": "☃\r\nX: y"}, [("idempotency-key-malformed", "idempotencyKey")]),
    ],
)
def test_placings_that_are_refused(stall, sku, change, errors):
    cart = stall.fill(sku, is_ready=True)
    before = stall.cart(cart)
    assert mended(stall.ask(PLACE, {"input": placing(cart, "15.00", **change)})) == errors
    assert stall.stock(sku)["reserved"] == 0
    after = stall.cart(cart)
    assert (after["status"], after["lines"]) == (before["status"], before["lines"])


@pytest.mark.parametrize(
    "change",
    [
        {"agreedTotal": "15.00"},
        {"agreedTotal": {"amount": 15.0, "currency": "GBP"}},
        {"agreedTotal": {"amount": "1e3", "currency": "GBP"}},
        {"agreedTotal": {"amount": "NaN", "currency": "GBP"}},
        {"agreedTotal": {"amount": "9" * 17, "currency": "GBP"}},
        {"agreedTotal": {"amount": "15.00"}},
        {"payment": None},
        {"idempotencyKey": None},
        {"coupon": "FREE"},
    ],
)
def test_placings_that_fit_no_schema(stall, sku, change):
    cart = stall.fill(sku, is_ready=True)
    answer = stall.ask(PLACE, {"input": placing(cart, "15.00", **change)})
    assert refused(answer) == (422, "graphql-invalid")
    assert stall.cart(cart)["status"] == "open"


def test_the_same_order_twice_at_the_same_moment_is_one(stall):
    sku = stall.sell(stock=50)
    cart = stall.fill(sku, is_ready=True)
    body = {"input": placing(cart, "15.00")}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: stall.ask(PLACE, body), range(6)))
    final = done(stall.ask(PLACE, body))["placement"]
    assert final["status"] == "PLACED"
    for answer in answers:
        payload = answer.json()["data"]["placeOrder"]
        placement = payload["placement"] or {"id": final["id"], "order": None}
        assert placement["id"] == final["id"]
        assert placement["order"] in (None, final["order"])
        assert {error["code"] for error in payload["errors"]} <= {"idempotency-key-in-use"}
    assert stall.stock(sku)["reserved"] == 1


def test_lines_added_twice_by_the_same_key_are_added_once(stall, sku):
    cart = stall.fill(sku)
    body = opening(cart) | {"lines": [{"sku": sku, "quantity": 2}], "idempotencyKey": "again"}
    assert done(stall.ask(ADD, {"input": body})) == done(stall.ask(ADD, {"input": body}))
    other = body | {"lines": [{"sku": sku, "quantity": 3}]}
    assert mended(stall.ask(ADD, {"input": other})) == [("idempotency-key-reused", None)]
    assert [line["quantity"] for line in stall.cart(cart)["lines"]] == [3]


# Somebody else's things -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mutation", "rest"),
    [
        (ADD, {"lines": [{"sku": "22423", "quantity": 1}]}),
        (CHANGE, {"lineId": "LINE", "quantity": 2}),
        (REMOVE, {"lineId": "LINE"}),
        (ADDRESS, BUYER),
        (DELIVERY, {"deliveryMethod": "bad-stall"}),
        (
            PLACE,
            {
                "agreedTotal": {"amount": "15.00", "currency": "GBP"},
                "payment": {"method": "test", "token": "tok_ok"},
                "idempotencyKey": "k",
            },
        ),
    ],
    ids=["add", "change", "remove", "address", "delivery", "place"],
)
def test_the_cart_of_somebody_else_is_as_one_that_never_was(stall, sku, mutation, rest):
    theirs, mine = stall.fill(sku, is_ready=True), stall.fill(sku)
    before = stall.cart(theirs)
    line = encode_id("CartLine", before["lines"][0]["id"])
    if "lineId" in rest:
        rest = rest | {"lineId": line}

    def told(cart_id: str, secret: str) -> bytes:
        body = {"cartId": encode_id("Cart", cart_id), "secret": secret} | rest
        answer = stall.ask(mutation, {"input": body})
        assert mended(answer) == [("cart-not-found", None)]
        return same_but_for(answer)

    never = told(UNKNOWN, mine.secret)
    for secret in (mine.secret, "x", theirs.secret[:-1], theirs.secret + "x"):
        assert told(theirs.id, secret) == never
    for secret in ("", "é", "a b", "x" * 5000, "a\r\nb"):
        body = {"cartId": encode_id("Cart", theirs.id), "secret": secret} | rest
        assert mended(stall.ask(mutation, {"input": body})) == [("secret-malformed", "secret")]
    assert stall.cart(theirs) == before
    assert stall.stock(sku)["reserved"] == 0


@pytest.mark.parametrize(("mutation", "rest"), [(CHANGE, {"quantity": 2}), (REMOVE, {})])
def test_the_line_of_somebody_else_is_as_one_that_never_was(stall, sku, mutation, rest):
    theirs, mine = stall.fill(sku), stall.fill(sku)
    before = stall.cart(theirs)

    def told(line: str) -> bytes:
        body = opening(mine) | {"lineId": encode_id("CartLine", line)} | rest
        answer = stall.ask(mutation, {"input": body})
        assert mended(answer) == [("cart-line-not-found", None)]
        return same_but_for(answer, line)

    assert told(before["lines"][0]["id"]) == told(UNKNOWN)
    assert stall.cart(theirs) == before


def test_what_somebody_else_has_is_as_if_it_never_was(stall):
    sku = stall.sell()
    theirs, mine = stall.fill(sku, is_ready=True), stall.fill(sku)
    placement = done(stall.ask(PLACE, {"input": placing(theirs, "15.00")}))["placement"]
    for query, name, never in (
        (
            "query ($n: ID!, $s: String!) { cart(id: $n, secret: $s) { id } }",
            encode_id("Cart", theirs.id),
            encode_id("Cart", UNKNOWN),
        ),
        (
            "query ($n: String!, $s: String!) { order(number: $n, secret: $s) { number } }",
            placement["order"]["number"],
            "T-999999999",
        ),
        (
            "query ($n: ID!, $s: String!) { placement(id: $n, secret: $s) { id } }",
            placement["id"],
            encode_id("Placement", UNKNOWN),
        ),
    ):
        assert name in stall.ask(query, {"n": name, "s": theirs.secret}).text
        told = {
            stall.ask(query, {"n": one, "s": secret}).content
            for one in (name, never)
            for secret in (mine.secret, "x", theirs.secret[:-1])
        }
        (answer,) = told
        assert set(json.loads(answer)["data"].values()) == {None}
        assert "errors" not in json.loads(answer)


# Ids, cursors and other arguments -------------------------------------------------------------


BAD_IDS = [
    "",
    "x",
    "1",
    "Cart:1",
    UNKNOWN,
    encode_id("Product", "22423"),
    encode_id("Cart", "22423"),
    encode_id("Cart", "../orders"),
    encode_id("Cart", ""),
    "QQ\n",
    "é" * 40,
    "/w==",
    "x" * 5000,
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=range(len(BAD_IDS)))
def test_ids_that_are_none(stall, sku, bad):
    cart = stall.fill(sku)
    before = stall.cart(cart)
    query = 'query ($id: ID!) { cart(id: $id, secret: "x") { id } }'
    assert failed(stall.ask(query, {"id": bad})) == "id-malformed"
    query = 'query ($id: ID!) { placement(id: $id, secret: "x") { id } }'
    assert failed(stall.ask(query, {"id": bad})) == "id-malformed"
    for mutation, rest in ((ADD, {"lines": []}), (DELIVERY, {"deliveryMethod": "x"})):
        answer = stall.ask(mutation, {"input": {"cartId": bad, "secret": "x"} | rest})
        assert mended(answer) == [("id-malformed", "cartId")]
    answer = stall.ask(REMOVE, {"input": opening(cart) | {"lineId": bad}})
    assert mended(answer) == [("id-malformed", "lineId")]
    node = stall.ask("query ($id: ID!) { node(id: $id) { id } }", {"id": bad}).json()
    assert node["data"]["node"] is None or bad == encode_id("Product", "22423")
    assert stall.cart(cart) == before


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "é",
        "\n",
        "x" * 5000,
        encode_id("Cart", UNKNOWN),
        encode_cursor(None, 101),
        encode_cursor("rubbish", 0),
        encode_cursor("W10", 1),
        encode_cursor("x" * 1500, 1),
    ],
)
def test_cursors_that_are_none(stall, after):
    query = "query ($after: String) { products(first: 1, after: $after) { nodes { key } } }"
    assert failed(stall.ask(query, {"after": after})) in {
        "cursor-malformed",
        "cursor-not-readable",
        "invalid-input",
    }


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
def test_pages_of_no_size(stall, first):
    query = "query ($n: Int!) { products(first: $n) { nodes { key } } }"
    answer = stall.ask(query, {"n": first})
    assert failed(answer) == "page-size-out-of-range"
    assert answer.json()["errors"][0]["extensions"]["fields"][0]["field"] == "first"


@pytest.mark.parametrize(
    "text", ["", " ", "x" * 201, "zzzq' OR 1=1 --", "\\", "zzzq & | ! ( ) :*", "☃" * 200, "\u202e"]
)
def test_words_to_look_for_that_find_nothing(stall, text):
    query = "query ($q: String!) { search(query: $q) { nodes { key } } }"
    answer = stall.ask(query, {"q": text})
    assert answer.status_code == 200
    if answer.json()["data"]["search"] is None:
        assert failed(answer) == "invalid-input"
    else:
        assert answer.json()["data"]["search"]["nodes"] == []


@pytest.mark.parametrize("key", ["", "..", "a/b", "x" * 5000, "☃", " "])
def test_names_that_name_nothing(stall, key):
    for query in (
        "query ($k: String!) { product(by: { key: $k }) { key } }",
        "query ($k: String!) { product(by: { slug: $k }) { key } }",
        "query ($k: String!) { category(key: $k) { key } }",
        'query ($k: String!) { order(number: $k, secret: "x") { number } }',
    ):
        answer = stall.ask(query, {"k": key})
        assert answer.status_code == 200
        assert set(answer.json()["data"].values()) == {None}


@pytest.mark.parametrize("country", ["FR", "gb", "", "GBR", "\u212a"])
def test_countries_that_are_not_served(stall, country):
    query = "query ($c: String) { deliveryMethods(country: $c) { key } }"
    answer = stall.ask(query, {"c": country})
    if country == "FR":
        assert answer.json()["data"]["deliveryMethods"] == []
    else:
        assert failed(answer) == "invalid-input"


# Queries that are not run ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "query-not-readable"),
        ("{ store {", 400, "query-not-readable"),
        ("{ store { key } } }", 400, "query-not-readable"),
        ("{ nothing }", 422, "graphql-invalid"),
        ("{ store { key colour } }", 422, "graphql-invalid"),
        ("{ store }", 422, "graphql-invalid"),
        ("{ store(key: 1) { key } }", 422, "graphql-invalid"),
        ("mutation { openCart { secret } }", 422, "graphql-invalid"),
        ("subscription { orders { number } }", 422, "graphql-invalid"),
        ("query A { store { key } } query B { store { key } }", 422, "operation-unknown"),
        ("{ ...F } fragment F on Query { ...F }", 422, "graphql-invalid"),
        ("{ categories " + "{ parent " * 10 + "{ key }" + " }" * 11, 422, "query-too-costly"),
        ("{ a" * 900, 422, "query-too-costly"),
        ("{ a" * 10_000, 422, "query-too-costly"),
        ("{ a(b: " + "[" * 900 + "]" * 900 + ") }", 422, "query-too-costly"),
        (
            "{" + " ".join(f"a{n}: store {{ key }}" for n in range(16)) + "}",
            422,
            "query-too-costly",
        ),
        ("{ store { " + "key " * 2001 + "} }", 422, "query-too-costly"),
        ("{ store { " + "key @skip(if: false) " * 51 + "} }", 422, "query-too-costly"),
    ],
    ids=range(18),
)
def test_queries_that_are_not_run(stall, query, status, code):
    assert refused(stall.ask(query)) == (status, code)


def test_what_is_just_allowed_runs(stall):
    """The limits refuse what is beyond them, and nothing else."""
    deep = "{ categories " + "{ parent " * 8 + "{ key }" + " }" * 9
    wide = "{" + " ".join(f"a{n}: store {{ key }}" for n in range(15)) + "}"
    for query in (deep, wide):
        assert "errors" not in stall.ask(query).json()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "request-not-readable"),
        (b"{", 400, "request-not-readable"),
        (b"null", 400, "request-not-readable"),
        (b'"{ store { key } }"', 400, "request-not-readable"),
        (b"{}", 400, "request-not-readable"),
        (b'[{"query": "{ store { key } }"}]', 400, "request-not-readable"),
        (b'{"query": ["{ store { key } }"]}', 400, "request-not-readable"),
        (b'{"query": "{ store { key } }", "variables": "x"}', 400, "request-not-readable"),
        (b'{"query": "{ store { key } }", "operationName": 7}', 400, "request-not-readable"),
        (b'{"query": "{ store { key } }", "operationName": "B"}', 422, "operation-unknown"),
        (b'{"query": "\xff"}', 400, "body-not-json"),
        (b'{"query": "\xc3\x28"}', 400, "body-not-json"),
        ('{"query": "{ store { key } }"}'.encode("utf-16"), 400, "body-not-json"),
        (b"[" * 10_000 + b"]" * 10_000, 400, "request-not-readable"),
        (
            b'{"query": "{ store { key } }", "variables": {"x": '
            + b"[" * 10_000
            + b"]" * 10_000
            + b"}}",
            400,
            "request-not-readable",
        ),
        (b'{"query": "' + b" " * 100_000 + b'"}', 413, "body-too-large"),
        (b'{"query": "' + b" " * 10_000_000 + b'"}', 413, "body-too-large"),
    ],
    ids=range(17),
)
def test_bodies_that_are_no_request(stall, body, status, code):
    answer = stall.call("gateway", "POST", "/d2c/graphql", content=body, headers=JSON)
    assert refused(answer) == (status, code)
    assert stall.ask("{ store { key } }").json() == {"data": {"store": {"key": "bad-stall"}}}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "rubbish",
        None,
    ],
)
def test_only_json_is_taken_so_that_no_form_can_send_it(stall, content_type):
    answer = stall.call(
        "gateway",
        "POST",
        "/d2c/graphql",
        content=b'{"query": "mutation { openCart(input: {}) { secret } }"}',
        headers={"Content-Type": content_type} if content_type else {},
    )
    assert refused(answer) == (415, "media-type-not-json")
    assert answer.headers["accept"] == "application/json"
    assert "secret" not in answer.text


def test_a_get_changes_nothing(stall):
    query = "mutation { openCart(input: {}) { secret } }"
    answer = stall.call("gateway", "GET", "/d2c/graphql", params={"query": query})
    assert refused(answer) == (405, "mutation-by-get")
    assert answer.headers["allow"] == "POST"
    assert stall.call("gateway", "GET", "/d2c/graphql").status_code == 400
    params = {"query": "{ store { key } }", "variables": "{"}
    answer = stall.call("gateway", "GET", "/d2c/graphql", params=params)
    assert refused(answer) == (400, "request-not-readable")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/d2c/graphql", 405),
        ("DELETE", "/d2c/graphql", 405),
        ("POST", "/d2c/graphql/", 404),
        ("POST", "/b2b-none/graphql", 404),
        ("POST", "/d2c/graphql/page.js", 405),
        ("GET", "/d2c/graphql/..%2f..%2fapp.py", 404),
        ("GET", "/d2c/graphql/%2e%2e", 404),
        ("GET", "/d2c/graphql/LICENSES.txt", 404),
        ("POST", "/d2c/graphql?x=%00", 422),
    ],
)
def test_paths_that_lead_nowhere(stall, method, path, status):
    answer = stall.call("gateway", method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
