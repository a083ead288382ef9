"""Carts, placing and orders: what goes to orders, and how its answers are told."""

import pytest

from contracts.problems import Conflict, FieldError, Forbidden, Invalid, NotFound

LINES = """mutation ($input: AddCartLinesInput!) { addCartLines(input: $input) {
  cart {
    id version
    lines { id sku quantity unitPrice { amount } total { gross { amount } } }
    totals { total { gross { amount currency } } taxes { rate name } }
    problems { code lineId }
  }
  errors { code message field }
} }"""
PLACE = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
  placement {
    id status
    order { number placedAt payment { status } lines { name } }
    problem { code message }
  }
  errors { code message field }
} }"""


def lines_input(shop, **changes):
    return {
        "cartId": shop.cart_id,
        "secret": shop.secret,
        "lines": [{"sku": "P00001-A", "quantity": 6}],
    } | changes


def place_input(shop, **changes):
    return {
        "cartId": shop.cart_id,
        "secret": shop.secret,
        "agreedTotal": {"amount": "20.34", "currency": "GBP"},
        "payment": {"method": "test", "token": "tok_ok"},
        "idempotencyKey": "my-key-1",
    } | changes


async def test_open_cart_tells_the_secret(gateway, shop):
    query = """mutation { openCart(input: {lines: [{sku: "P00001-A", quantity: 6}]}) {
      secret cart { id locale status } errors { code } } }"""
    answer = await gateway.ask(query, Accept_Language="fr")
    assert answer["data"]["openCart"] == {
        "secret": shop.secret,
        "cart": {"id": shop.cart_id, "locale": "fr", "status": "OPEN"},
        "errors": [],
    }
    assert shop.called("orders")[0].body == {
        "store": "d2c-uk",
        "locale": "fr",
        "currency": None,
        "lines": [{"sku": "P00001-A", "quantity": 6}],
    }


async def test_cart_changes_go_to_orders_with_the_secret_as_a_header(gateway, shop):
    line = {"cartId": shop.cart_id, "secret": shop.secret, "lineId": shop.line_id}
    cart = {"cartId": shop.cart_id, "secret": shop.secret}
    home = {"name": "Ada", "line1": "12 St James's Square", "city": "London", "country": "GB"}
    for name, given in (
        ("addCartLines", lines_input(shop, idempotencyKey="k-1")),
        ("changeCartLine", line | {"quantity": 2}),
        ("removeCartLine", line),
        (
            "setCartAddress",
            cart
            | {"email": "ada@example.com", "deliveryAddress": home | {"postalCode": "SW1Y 4JH"}},
        ),
        ("setCartDelivery", cart | {"deliveryMethod": "standard"}),
    ):
        kind = name[0].upper() + name[1:] + "Input"
        query = (
            f"mutation ($input: {kind}!) {{ {name}(input: $input) "
            "{ cart { id } errors { code } } }"
        )
        answer = await gateway.ask(query, {"input": given})
        assert answer == {"data": {name: {"cart": {"id": shop.cart_id}, "errors": []}}}
    calls = shop.called("orders")
    path = "/v1/carts/01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
    assert [(call.method, call.path.removeprefix(path)) for call in calls] == [
        ("POST", "/lines"),
        ("PUT", "/lines/01932c07-2a3c-7d5e-8f00-3b6a4f1d2e11"),
        ("DELETE", "/lines/01932c07-2a3c-7d5e-8f00-3b6a4f1d2e11"),
        ("PUT", "/address"),
        ("PUT", "/delivery"),
    ]
    assert {call.headers["tandem-cart-secret"] for call in calls} == {shop.secret}
    assert calls[0].headers["idempotency-key"] == "k-1"
    assert calls[1].body == {"quantity": 2}
    assert calls[3].body["delivery_address"]["postal_code"] == "SW1Y 4JH"
    assert calls[3].body["billing_address"] is None
    assert calls[4].body == {"delivery_method": "standard"}
    assert all("secret" not in call.path and "secret" not in call.query for call in calls)


async def test_cart_is_told_whole(gateway, shop):
    answer = await gateway.ask(LINES, {"input": lines_input(shop)})
    cart = answer["data"]["addCartLines"]["cart"]
    assert cart["lines"][0] == {
        "id": shop.line_id,
        "sku": "P00001-A",
        "quantity": 6,
        "unitPrice": {"amount": "3.39"},
        "total": {"gross": {"amount": "20.34"}},
    }
    assert cart["totals"]["taxes"] == [{"rate": "0.2", "name": "VAT 20 %"}]
    assert cart["problems"] == [{"code": "address-missing", "lineId": None}]


@pytest.mark.parametrize(
    ("problem", "errors"),
    [
        (
            Invalid("85123X is not sold.", code="sku-not-orderable", field="/lines/0/sku"),
            [
                {
                    "code": "sku-not-orderable",
                    "message": "85123X is not sold.",
                    "field": "lines.0.sku",
                }
            ],
        ),
        (
            Invalid(
                "Two things.",
                code="invalid-input",
                errors=[
                    FieldError(pointer="/lines/0/quantity", code="too-small", message="min 1"),
                    FieldError(pointer="/delivery_address/postal_code", code="p", message="odd"),
                ],
            ),
            [
                {"code": "too-small", "message": "min 1", "field": "lines.0.quantity"},
                {"code": "p", "message": "odd", "field": "deliveryAddress.postalCode"},
            ],
        ),
        (
            Conflict("The price has changed.", code="total-changed"),
            [{"code": "total-changed", "message": "The price has changed.", "field": None}],
        ),
    ],
)
async def test_what_a_person_can_mend_is_in_the_payload(gateway, shop, problem, errors):
    shop.carts_refuse = problem
    answer = await gateway.ask(LINES, {"input": lines_input(shop)})
    assert answer == {"data": {"addCartLines": {"cart": None, "errors": errors}}}


async def test_other_problems_are_errors_of_the_request(gateway, shop):
    shop.carts_refuse = Forbidden("Not you.", code="missing-scope")
    answer = await gateway.ask(LINES, {"input": lines_input(shop)})
    assert answer["data"] == {"addCartLines": None}
    assert answer["errors"][0]["extensions"]["code"] == "missing-scope"


@pytest.mark.parametrize("secret", ["wrong", "the-right-secret-the-right-secreT"])
async def test_another_s_secret_opens_nothing(gateway, shop, secret):
    answer = await gateway.ask(LINES, {"input": lines_input(shop, secret=secret)})
    told = answer["data"]["addCartLines"]
    assert (told["cart"], told["errors"][0]["code"]) == (None, "cart-not-found")
    query = (
        "query ($id: ID!, $pid: ID!, $secret: String!) { cart(id: $id, secret: $secret) { id } "
        "placement(id: $pid, secret: $secret) { id } "
        'order(number: "T-1000042", secret: $secret) { id } }'
    )
    variables = {"id": shop.cart_id, "pid": shop.placement_id, "secret": secret}
    answer = await gateway.ask(query, variables)
    assert answer == {"data": {"cart": None, "placement": None, "order": None}}


@pytest.mark.parametrize("secret", ["", "é", "a\r\nX-Evil: 1", "a b", "x" * 300])
async def test_secrets_that_no_header_can_carry_are_told(gateway, shop, secret):
    answer = await gateway.ask(LINES, {"input": lines_input(shop, secret=secret)})
    assert answer["data"]["addCartLines"]["errors"][0]["field"] == "secret"
    assert shop.called("orders") == []


@pytest.mark.parametrize("key", ["", "é", "a\nb", "x" * 256])
async def test_idempotency_keys_that_no_header_can_carry_are_told(gateway, shop, key):
    for query, given, name in (
        (LINES, lines_input(shop, idempotencyKey=key), "addCartLines"),
        (PLACE, place_input(shop, idempotencyKey=key), "placeOrder"),
    ):
        answer = await gateway.ask(query, {"input": given})
        assert answer["data"][name]["errors"][0]["field"] == "idempotencyKey"
    assert shop.called("orders") == []


@pytest.mark.parametrize("given", ["x", "", "Q2FydDp4", "../../etc"])
async def test_ids_that_are_none_are_told(gateway, shop, given):
    answer = await gateway.ask(LINES, {"input": lines_input(shop, cartId=given)})
    error = answer["data"]["addCartLines"]["errors"][0]
    assert (error["code"], error["field"]) == ("id-malformed", "cartId")
    answer = await gateway.ask(LINES, {"input": lines_input(shop, cartId=shop.line_id)})
    assert answer["data"]["addCartLines"]["errors"][0]["code"] == "id-malformed"
    assert shop.called("orders") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [{"sku": "A", "quantity": "6"}]},
        {"lines": [{"sku": "A", "quantity": 1.5}]},
        {"lines": [{"sku": "A", "quantity": 2**31}]},
        {"lines": [{"sku": 5, "quantity": 1}]},
        {"lines": [{"sku": "A", "quantity": 1, "price": "0.01"}]},
        {"lines": None},
        {"secret": None},
        {"unknown": 1},
    ],
)
async def test_wrongly_typed_input_never_leaves_the_gateway(gateway, shop, changes):
    response = await gateway.send(LINES, {"input": lines_input(shop, **changes)})
    assert response.status_code == 422
    assert response.json()["errors"][0]["extensions"]["code"] == "graphql-invalid"
    assert shop.called("orders") == []


@pytest.mark.parametrize("amount", [20.34, 20, "20,34", "abc", "1e5", "", None, "NaN", "9" * 40])
async def test_amounts_are_decimal_strings(gateway, shop, amount):
    given = place_input(shop, agreedTotal={"amount": amount, "currency": "GBP"})
    answer = await gateway.ask(PLACE, {"input": given})
    assert answer["errors"][0]["extensions"]["code"] == "graphql-invalid"
    assert shop.called("orders") == []


async def test_placing_needs_an_idempotency_key(gateway, shop):
    given = place_input(shop)
    del given["idempotencyKey"]
    response = await gateway.send(PLACE, {"input": given})
    assert response.status_code == 422
    assert "idempotencyKey" in response.json()["errors"][0]["message"]


async def test_placing_an_order(gateway, shop):
    answer = await gateway.ask(PLACE, {"input": place_input(shop)})
    placement = answer["data"]["placeOrder"]["placement"]
    assert placement["id"] == shop.placement_id
    assert placement["status"] == "PLACED"
    assert placement["order"]["number"] == "T-1000042"
    assert placement["order"]["payment"] == {"status": "AUTHORISED"}
    call = shop.called("orders")[0]
    assert call.path.endswith("/place")
    assert call.headers["idempotency-key"] == "my-key-1"
    assert call.body == {
        "agreed_total": {"amount": "20.34", "currency": "GBP"},
        "payment": {"method": "test", "token": "tok_ok"},
    }


async def test_placing_that_goes_on_can_be_asked_for(gateway, shop):
    shop.placement_status = "pending"
    answer = await gateway.ask(PLACE, {"input": place_input(shop)})
    told = answer["data"]["placeOrder"]
    assert told["placement"]["status"] == "PENDING"
    assert told["placement"]["order"] is None
    shop.placement_status = "refused"
    query = """query ($id: ID!, $secret: String!) { placement(id: $id, secret: $secret) { status
      problem { code message } } }"""
    variables = {"id": told["placement"]["id"], "secret": shop.secret}
    assert (await gateway.ask(query, variables))["data"]["placement"] == {
        "status": "REFUSED",
        "problem": {"code": "payment-declined", "message": "The card was declined."},
    }


async def test_refused_placing_says_why(gateway, shop):
    shop.carts_refuse = Conflict("Only 4 of 71053 are left.", code="not-enough-stock")
    answer = await gateway.ask(PLACE, {"input": place_input(shop)})
    assert answer["data"]["placeOrder"] == {
        "placement": None,
        "errors": [
            {"code": "not-enough-stock", "message": "Only 4 of 71053 are left.", "field": None}
        ],
    }


async def test_order_is_found_by_number_and_secret(gateway, shop):
    query = """query ($n: String!, $s: String!) { order(number: $n, secret: $s) { number status
      deliveryAddress { city } totals { total { gross { amount } } } } }"""
    answer = await gateway.ask(query, {"n": "T-1000042", "s": shop.secret})
    assert answer["data"]["order"]["deliveryAddress"] == {"city": "London"}
    for number in ("T-9", "../carts", "", "a/b"):
        assert (await gateway.ask(query, {"n": number, "s": shop.secret})) == {
            "data": {"order": None}
        }


async def test_mutations_of_one_request_run_in_their_order(gateway, shop):
    query = """mutation ($a: AddCartLinesInput!, $b: ChangeCartLineInput!) { one:
      addCartLines(input: $a) { errors { code } } two: changeCartLine(input: $b) {
      errors { code } } }"""
    b = {"cartId": shop.cart_id, "secret": shop.secret, "lineId": shop.line_id, "quantity": 1}
    answer = await gateway.ask(query, {"a": lines_input(shop), "b": b})
    assert "errors" not in answer
    assert [call.method for call in shop.called("orders")] == ["POST", "PUT"]


async def test_unknown_cart_is_not_found(gateway, shop):
    shop.carts_refuse = NotFound("There is no such cart.", code="cart-not-found")
    answer = await gateway.ask(LINES, {"input": lines_input(shop)})
    assert answer["data"]["addCartLines"]["errors"][0]["code"] == "cart-not-found"
