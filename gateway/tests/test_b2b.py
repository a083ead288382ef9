"""`b2b`: what a member asks and does, with whose token, in how many calls."""

import pytest

from contracts.problems import Conflict, Forbidden, Invalid, NotFound, Unavailable

CART = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
CART_LINE = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e11"
ME = """{ me { memberId roles company { key name } unit { name }
  credit { balance { held { amount } } } } }"""
HOME = {"name": "Ada", "line1": "12 St James's Square", "city": "London", "country": "GB"}
APPROVE = 'mutation { approveRequest(input: {id: "%s"}) { errors { code } } }'
PLACE = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
  placement { id status approvalRequest { id status reasons placement { id } } order { number } }
  errors { code message field } } }"""


def place_input(shop, **changes):
    return {
        "cartId": shop.cart_id,
        "agreedTotal": {"amount": "20.34", "currency": "EUR"},
        "payment": {"terms": True},
        "purchaseOrderNumber": "PO-4711",
        "idempotencyKey": "my-key-1",
    } | changes


async def test_signing_in_gives_a_session(open_gateway, shop):
    gateway = await open_gateway(schema="b2b")
    query = """mutation ($p: String!) { signIn(input: {email: "ada@brighton.example", password: $p})
      { accessToken expiresIn name buyer { memberId company unit roles } errors { code } } }"""
    answer = await gateway.ask(query, {"p": "the-right-password"})
    assert answer["data"]["signIn"] == {
        "accessToken": "t",
        "expiresIn": 600,
        "name": "Ada",
        "buyer": {
            "memberId": shop.member_id,
            "company": "brighton-gifts",
            "unit": "shop-one",
            "roles": ["BUYER", "APPROVER"],
        },
        "errors": [],
    }
    assert "authorization" not in shop.called("accounts")[0].headers
    answer = await gateway.ask(query, {"p": "another"})
    told = answer["data"]["signIn"]
    assert (told["accessToken"], told["errors"]) == (None, [{"code": "sign-in-refused"}])


async def test_me_tells_company_unit_and_credit(portal, shop):
    assert (await portal.ask(ME))["data"]["me"] == {
        "memberId": shop.member_id,
        "roles": ["BUYER"],
        "company": {"key": "brighton-gifts", "name": "Brighton Gifts Ltd"},
        "unit": {"name": "Shop one"},
        "credit": {"balance": {"held": {"amount": "480.00"}}},
    }


async def test_products_are_shown_at_the_buyers_tiers(portal, shop):
    query = """{ products(first: 2, search: "lantern") { edges { cursor node { key
      price { unitPrice { amount } }
      variants { sku quantityRule { minimum maximum multiple } availability { available }
                 price { isTaxIncluded tiers { minQuantity unitPrice { amount currency } } } } } }
      pageInfo { hasNextPage endCursor } } }"""
    answer = await portal.ask(query)
    edges = answer["data"]["products"]["edges"]
    variants = [edge["node"]["variants"][0] for edge in edges]
    assert variants[0]["price"]["tiers"] == [
        {"minQuantity": 1, "unitPrice": {"amount": "3.39", "currency": "GBP"}},
        {"minQuantity": 12, "unitPrice": {"amount": "2.95", "currency": "GBP"}},
    ]
    assert [one["quantityRule"] for one in variants] == [
        {"minimum": 6, "maximum": None, "multiple": 6},
        None,
    ]
    (priced,) = shop.called("pricing")
    assert (priced.body["store"], priced.body["include_tiers"]) == ("b2b-eu", True)
    listed = next(call for call in shop.calls if call.path == "/v1/products")
    assert listed.query["store"] == "b2b-eu"
    token = portal.client.headers["authorization"]
    assert {call.headers["authorization"] for call in (priced, listed)} == {token}
    after = answer["data"]["products"]["pageInfo"]["endCursor"]
    more = "query ($after: String) { products(first: 1, after: $after) { nodes { key } } }"
    answer = await portal.ask(more, {"after": after})
    assert answer["data"]["products"]["nodes"] == [{"key": "P00003"}]


async def test_names_are_told_in_the_readers_language(portal):
    query = '{ store { key locale name } product(by: {key: "P00001"}) { name } }'
    answer = await portal.ask(query, Accept_Language="fr-CA, en;q=0.5")
    assert answer["data"]["store"] == {"key": "b2b-eu", "locale": "fr", "name": "Cadeaux Tandem"}
    assert answer["data"]["product"]["name"] == "Lanterne 1"


async def test_categories_are_each_viewers_own(portal, shop):
    for _ in range(2):
        await portal.ask(
            "{ categories { key } products(first: 1) { nodes { categories { key } } } }"
        )
    calls = [call for call in shop.calls if call.path == "/v1/categories"]
    assert len(calls) == 2  # one a request, and nothing kept from one to the next
    assert {call.query["store"] for call in calls} == {"b2b-eu"}
    assert all(call.headers["authorization"] for call in calls)
    assert len([call for call in shop.calls if call.path == "/v1/stores/b2b-eu"]) == 1


COSTS = [
    ("{ me { memberId } }", ["accounts"]),
    (ME, ["accounts"] * 3),
    ("{ products { nodes { variants { price { tiers { minQuantity } } } } } }",
     ["catalog", "pricing"]),
    ("{ products { nodes { variants { quantityRule { minimum } } } } }", ["catalog", "pricing"]),
    ("{ products { nodes { key } } }", ["catalog"]),
    ("{ categories { name } }", ["catalog"]),
    ("{ carts { nodes { id } } }", ["orders"]),
    ("{ orders { nodes { number } } order(number: \"T-1000042\") { number } }", ["orders"] * 2),
    ("{ placements { nodes { status approvalRequestId } } }", ["orders"]),
    ("{ placements { nodes { approvalRequest { status placement { id } } } } }",
     ["approvals", "orders"]),
    ("{ approvalRequests { nodes { status placementId } } }", ["approvals"]),
    ("{ approvalRequests { edges { node { placement { status approvalRequest { id } } } } } }",
     ["approvals", "orders"]),
    ("{ members { nodes { name } } }", ["accounts"]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "called"), COSTS)
async def test_query_calls_only_whom_it_needs(portal, shop, query, called):
    await portal.ask("{ store { key } }")
    shop.calls.clear()
    answer = await portal.ask(query)
    assert "errors" not in answer, answer
    assert shop.names() == called
    token = portal.client.headers["authorization"]
    assert {call.headers.get("authorization") for call in shop.calls} == {token}


async def test_carts_orders_and_placements_are_found(portal, shop):
    query = """query ($cart: ID!, $placement: ID!, $request: ID!) {
      cart(id: $cart) { id buyer { memberId company unit } }
      order(number: "T-1000042") { status purchaseOrderNumber payment { method }
        terms { agreement paymentDays } lines { quantity shipped }
        shipments { carrier trackingNumber shippedAt lines { sku quantity } } }
      placement(id: $placement) { id status cartId total { gross { amount } } problem { code }
        approvalRequestId approvalRequest { status placement { id } } }
      approvalRequest(id: $request) { id status requester { memberId unit } amount { amount }
        orderLimit { amount } reasons comment isEscalated placementId placement { status } } }"""
    ids = {"cart": shop.cart_id, "placement": shop.placement_id, "request": shop.request_id}
    answer = await portal.ask(query, ids)
    assert "errors" not in answer, answer
    data = answer["data"]
    assert data["cart"]["buyer"]["memberId"] == shop.member_id
    assert data["order"]["lines"] == [{"quantity": 6, "shipped": 4}]
    assert data["order"]["payment"] is None
    assert data["order"]["terms"] == {"agreement": "brighton-2026", "paymentDays": 30}
    assert data["order"]["shipments"][0]["lines"] == [{"sku": "P00001-A", "quantity": 4}]
    assert data["placement"]["status"] == "AWAITING_APPROVAL"
    assert data["placement"]["approvalRequestId"] == shop.request_id
    assert data["placement"]["approvalRequest"] == {
        "status": "PENDING",
        "placement": {"id": shop.placement_id},
    }
    request = data["approvalRequest"]
    assert (request["placementId"], request["placement"]) == (
        shop.placement_id,
        {"status": "AWAITING_APPROVAL"},
    )
    assert request["requester"] == {"memberId": shop.member_id, "unit": "shop-one"}
    assert shop.called("approvals")[0].path.startswith("/v1/approval-requests/")


async def test_what_is_not_the_callers_is_as_if_there_were_none(portal, shop, make_wire):
    query = """query ($cart: ID!, $placement: ID!, $request: ID!) { cart(id: $cart) { id }
      order(number: "T-9") { id } placement(id: $placement) { id }
      approvalRequest(id: $request) { id } }"""
    ids = {"cart": "Cart", "placement": "Placement", "request": "ApprovalRequest"}
    other = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e99"
    variables = {name: make_wire.id(kind, other) for name, kind in ids.items()}
    answer = await portal.ask(query, variables)
    assert answer == {
        "data": {"cart": None, "order": None, "placement": None, "approvalRequest": None}
    }


async def test_status_goes_to_the_owner(portal, shop):
    await portal.ask("{ placements(status: AWAITING_APPROVAL) { nodes { id } } }")
    await portal.ask("{ orders(status: PARTIALLY_SHIPPED) { nodes { id } } }")
    answer = await portal.ask(
        "{ approvalRequests(status: PENDING, first: 1) { pageInfo { hasNextPage endCursor } } }"
    )
    info = answer["data"]["approvalRequests"]["pageInfo"]
    assert info["hasNextPage"]
    asked = [call.query["status"] for call in shop.called("orders")]
    assert asked == ["awaiting_approval", "partially_shipped"]
    assert shop.called("approvals")[0].query == {"status": "pending", "limit": "1"}
    query = "query ($after: String) { approvalRequests(after: $after) { nodes { id } } }"
    await portal.ask(query, {"after": info["endCursor"]})
    assert shop.called("approvals")[1].query["after"] == "there"


async def test_lists_whose_items_cost_a_call_each_are_short(portal):
    for query in (
        "{ placements(first: 21) { nodes { approvalRequest { id } } } }",
        "{ approvalRequests(first: 21) { nodes { placement { id } } } }",
    ):
        answer = await portal.ask(query)
        assert answer["errors"][0]["extensions"]["code"] == "page-size-out-of-range"
    answer = await portal.ask("{ placements(first: 100) { nodes { approvalRequestId } } }")
    assert "errors" not in answer


async def test_cart_mutations_go_to_orders_with_the_token(portal, shop):
    lines = [{"sku": "P00001-A", "quantity": 6}]
    cart = {"cartId": shop.cart_id}
    line = cart | {"lineId": shop.line_id}
    address = {"email": "ada@example.com", "deliveryAddress": HOME}
    for name, given in (
        ("openCart", {"lines": lines}),
        ("addCartLines", cart | {"lines": lines, "idempotencyKey": "k-1"}),
        ("changeCartLine", line | {"quantity": 2}),
        ("removeCartLine", line),
        ("setCartAddress", cart | address),
        ("setCartDelivery", cart | {"deliveryMethod": "standard"}),
    ):
        kind = name[0].upper() + name[1:] + "Input"
        query = (
            f"mutation ($input: {kind}!) {{ {name}(input: $input) "
            "{ cart { id } errors { code } } }"
        )
        answer = await portal.ask(query, {"input": given}, Accept_Language="fr")
        assert answer == {"data": {name: {"cart": {"id": shop.cart_id}, "errors": []}}}
    calls = shop.called("orders")
    assert [(call.method, call.path.removeprefix("/v1/carts")) for call in calls] == [
        ("POST", ""),
        ("POST", f"/{CART}/lines"),
        ("PUT", f"/{CART}/lines/{CART_LINE}"),
        ("DELETE", f"/{CART}/lines/{CART_LINE}"),
        ("PUT", f"/{CART}/address"),
        ("PUT", f"/{CART}/delivery"),
    ]
    assert calls[0].body == {"store": "b2b-eu", "locale": "fr", "currency": None, "lines": lines}
    assert calls[1].headers["idempotency-key"] == "k-1"
    token = portal.client.headers["authorization"]
    assert {call.headers["authorization"] for call in calls} == {token}
    assert all("tandem-cart-secret" not in call.headers for call in calls)


async def test_quick_order_tells_each_refused_line(portal, shop):
    query = """mutation ($input: QuickOrderInput!) { quickOrder(input: $input) {
      cart { id } taken refused { line text code message } errors { code } } }"""
    given = {"cartId": shop.cart_id, "text": "P00001-A\t6\nNOSUCH 2", "idempotencyKey": "k"}
    assert (await portal.ask(query, {"input": given}))["data"]["quickOrder"] == {
        "cart": {"id": shop.cart_id},
        "taken": 1,
        "refused": [
            {
                "line": 2,
                "text": "NOSUCH 2",
                "code": "sku-not-orderable",
                "message": "NOSUCH is not sold in this store.",
            }
        ],
        "errors": [],
    }
    call = shop.called("orders")[0]
    assert (call.body, call.headers["idempotency-key"]) == ({"text": given["text"]}, "k")
    shop.carts_refuse = Invalid("Too many lines.", code="invalid-input", field="/text")
    answer = await portal.ask(query, {"input": given})
    assert answer["data"]["quickOrder"]["errors"] == [{"code": "invalid-input"}]


async def test_placing_on_terms_may_wait_for_approval(portal, shop):
    answer = await portal.ask(PLACE, {"input": place_input(shop)})
    assert answer["data"]["placeOrder"]["placement"] == {
        "id": shop.placement_id,
        "status": "AWAITING_APPROVAL",
        "approvalRequest": {
            "id": shop.request_id,
            "status": "PENDING",
            "reasons": ["OVER_ORDER_LIMIT"],
            "placement": {"id": shop.placement_id},
        },
        "order": None,
    }
    call = shop.called("orders")[0]
    assert call.headers["idempotency-key"] == "my-key-1"
    assert call.body == {
        "agreed_total": {"amount": "20.34", "currency": "EUR"},
        "payment": {"method": "terms"},
        "purchase_order_number": "PO-4711",
    }
    await portal.ask(PLACE, {"input": place_input(shop, payment={"test": {"token": "tok_ok"}})})
    assert shop.called("orders")[1].body["payment"] == {"method": "test", "token": "tok_ok"}


@pytest.mark.parametrize(
    "payment", [{}, {"terms": None}, {"terms": True, "test": {"token": "t"}}, {"cash": True}]
)
async def test_payment_is_one_of(portal, shop, payment):
    answer = await portal.ask(PLACE, {"input": place_input(shop, payment=payment)})
    assert answer["errors"][0]["extensions"]["code"] == "graphql-invalid"
    assert shop.called("orders") == []


async def test_what_a_person_can_mend_is_in_the_payload(portal, shop):
    answer = await portal.ask(PLACE, {"input": place_input(shop, payment={"terms": False})})
    assert answer["data"]["placeOrder"]["errors"][0]["field"] == "payment.terms"
    shop.carts_refuse = Conflict("480.00 EUR are needed.", code="credit-exceeded")
    answer = await portal.ask(PLACE, {"input": place_input(shop)})
    assert answer["data"]["placeOrder"]["errors"][0]["code"] == "credit-exceeded"
    shop.carts_refuse = Forbidden("You only read.", code="buyer-only")
    answer = await portal.ask(PLACE, {"input": place_input(shop)})
    assert answer["errors"][0]["extensions"]["code"] == "buyer-only"


async def test_placement_stands_without_approvals(portal, shop):
    shop.moods["approvals"] = "down"
    answer = await portal.ask(PLACE, {"input": place_input(shop)})
    placement = answer["data"]["placeOrder"]["placement"]
    assert (placement["status"], placement["approvalRequest"]) == ("AWAITING_APPROVAL", None)
    assert answer["errors"][0]["extensions"]["code"] == "approvals-unavailable"


async def test_cancelling_a_placement(portal, shop):
    query = """mutation ($id: ID!) { cancelPlacement(input: {id: $id}) {
      placement { id status } errors { code } } }"""
    answer = await portal.ask(query, {"id": shop.placement_id})
    assert answer["data"]["cancelPlacement"]["placement"]["id"] == shop.placement_id
    assert shop.called("orders")[0].path == f"/v1/placements/{CART}/cancel"
    shop.carts_refuse = Conflict("It is placed.", code="placement-ended")
    answer = await portal.ask(query, {"id": shop.placement_id})
    assert answer["data"]["cancelPlacement"] == {
        "placement": None,
        "errors": [{"code": "placement-ended"}],
    }


@pytest.mark.parametrize(("name", "status"), [("approve", "APPROVED"), ("reject", "REJECTED")])
async def test_deciding(portal, shop, name, status):
    query = f"""mutation ($id: ID!) {{ {name}Request(input: {{id: $id, comment: "Why not."}}) {{
      approvalRequest {{ status comment placement {{ status }} }} errors {{ code }} }} }}"""
    told = (await portal.ask(query, {"id": shop.request_id}))["data"][f"{name}Request"]
    assert told["approvalRequest"] == {
        "status": status,
        "comment": "Why not.",
        "placement": {"status": "AWAITING_APPROVAL"},
    }
    assert shop.called("approvals")[0].path.endswith(f"/{name}")
    for problem in (
        Conflict("It was decided.", code="request-ended"),
        NotFound("No such request.", code="approval-request-not-found"),
    ):
        shop.refuses = problem
        told = (await portal.ask(query, {"id": shop.request_id}))["data"][f"{name}Request"]
        assert told == {"approvalRequest": None, "errors": [{"code": problem.code}]}
    shop.refuses = Forbidden("Nobody approves their own.", code="own-request")
    answer = await portal.ask(query, {"id": shop.request_id})
    assert answer["errors"][0]["extensions"]["code"] == "own-request"


async def test_access_of_a_member_is_taken_and_given(portal, shop):
    for name, is_active in (("deactivateMember", False), ("reactivateMember", True)):
        query = f"""mutation {{ {name}(input: {{member: "ada"}}) {{
          member {{ id key isActive orderLimit {{ amount }} }} errors {{ code }} }} }}"""
        told = (await portal.ask(query))["data"][name]
        assert told["member"] == {
            "id": shop.member_id,
            "key": "ada",
            "isActive": is_active,
            "orderLimit": {"amount": "250.00"},
        }
    put = next(call for call in shop.called("accounts") if call.method == "PUT")
    assert put.headers["if-match"] == '"3"'
    assert "password" not in put.body
    shop.refuses = Forbidden("Admins only.", code="admin-only")
    query = 'mutation { deactivateMember(input: {member: "ada"}) { errors { code } } }'
    assert (await portal.ask(query))["errors"][0]["extensions"]["code"] == "admin-only"


async def test_a_guest_is_told_to_sign_in(open_gateway, shop):
    gateway = await open_gateway(schema="b2b")
    for query in (
        "{ me { memberId } }",
        "{ members { nodes { id } } }",
        "{ approvalRequests { nodes { id } } }",
        'mutation { deactivateMember(input: {member: "ada"}) { errors { code } } }',
        APPROVE % shop.request_id,
    ):
        answer = await gateway.ask(query)
        assert answer["errors"][0]["extensions"]["code"] == "token-missing", query
    response = await gateway.send("{ me { memberId } }", Authorization="Bearer nonsense")
    assert (response.status_code, response.json()["code"]) == (401, "token-invalid")


async def test_who_is_no_member_has_no_company(open_gateway, shop):
    gateway = await open_gateway(schema="b2b")
    token = shop.signer.sign(subject="erp", audience="tandem", kind="partner", scopes=())
    answer = await gateway.ask("{ me { memberId } }", Authorization=f"Bearer {token}")
    assert answer["errors"][0]["extensions"]["code"] == "member-only"


async def test_me_stands_without_its_parts(portal, shop):
    shop.moods["accounts"] = "down"
    answer = await portal.ask(ME)
    assert (answer["data"]["me"], answer["errors"][0]["extensions"]["code"]) == (
        None,
        "accounts-unavailable",
    )


async def test_a_subscription_needs_a_stream(portal):
    response = await portal.send("subscription { orderChanged { number } }")
    assert response.status_code == 422
    assert response.json()["errors"][0]["extensions"]["code"] == "subscription-by-request"


async def test_d2c_hands_no_token_on(open_gateway, shop):
    gateway = await open_gateway()
    token = f"Bearer {shop.token()}"
    query = "{ store { key } products { nodes { price { taxRate } } } }"
    await gateway.ask(query, Authorization=token)
    assert all("authorization" not in call.headers for call in shop.calls)


async def test_unavailable_is_told_as_such(portal, shop):
    shop.refuses = Unavailable("away", code="approvals-away")
    answer = await portal.ask(APPROVE % shop.request_id)
    assert answer["errors"][0]["extensions"]["code"] == "approvals-unavailable"
