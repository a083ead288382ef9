"""The matrix of all services: who is answered what, by operation."""

from typing import Any

from tests.security import world as w
from tests.security.matrix import Row
from tests.security.world import B2B, D2C, SKU, World, letter

# The columns:
#   guest secret consumer | buyer approver admin | the same of another company |
#   partner bare staff | right wrong (services)
ALL = "ok ok ok | ok ok ok | ok ok ok | ok ok ok | ok ok"
SCOPED = "401 401 403 | 403 403 403 | 403 403 403 | ok 403 ok | 403 403"
FEED = "401 401 403 | 403 403 403 | 403 403 403 | ok 403 ok | ok ok"
SERVICE = "401 401 403 | 403 403 403 | 403 403 403 | 403 403 403 | ok 403"
OURS = "401 401 403 | ok ok ok | 404 404 404 | ok 403 ok | 403 403"
"""Of a company: its members, and who may read companies; to another's it is not there."""
LISTED = "401 401 403 | ok ok ok | ok ok ok | ok 403 ok | 403 403"
"""A list of what is a company's: to every member their own."""
BUYERS = "404 404 404 | ok 404 404 | 404 404 404 | 404 404 404 | 404 404"
"""A member's cart: theirs alone."""
GUESTS = "404 ok 404 | 404 404 404 | 404 404 404 | 404 404 404 | 404 404"
"""A guest's cart: who has its secret."""
PLACING = "404 404 404 | ok ok ok | 404 404 404 | ok 404 ok | 404 404"
"""A member's placing: theirs, their approver's and admin's, and who may read orders."""
SIGHT = "404 404 403 | ok ok ok | 404 404 404 | ok 403 ok | 403 403"
"""An order of a member: the same; without the scope it makes no difference whether there is one."""
IN_B2B = "401 401 403 | ok ok ok | ok ok ok | ok 403 ok | 403 403"
"""What all companies see in their store, and who may read the catalog."""
OUR_CUP = "401 401 403 | ok ok ok | 404 404 404 | 404 403 404 | 403 403"
NOBODYS_CUP = ALL.replace("ok", "404")
MERCHANT = "401 401 401 | 401 401 401 | 401 401 401 | 401 401 401 | ok 401"
"""Of the test provider, which knows only its merchant."""

KEY = {"Idempotency-Key": "$new"}


def common(service: str, *snapshots: str, has_letters: bool = True) -> list[Row]:
    """What every service has."""
    of = letter(service) if has_letters else None
    rows = [
        Row("get_keys", ALL),
        Row("list_changes", FEED),
        *(Row("read_snapshot", FEED, given={"type": name}, what=name) for name in snapshots),
        Row("list_dead_letters", SCOPED),
    ]
    if has_letters:
        mended = {"event": "$event"}
        return [
            *rows,
            Row("get_dead_letter", SCOPED, of),
            Row("mend_dead_letter", SCOPED, of, mended),
            Row("replay_dead_letter", SCOPED, of),
        ]
    none = SCOPED.replace("ok", "404")
    given = {"queue": "none", "event_id": "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"}
    sample = {"event": w.sample(w.PROFILES)}
    return [
        *rows,
        Row("get_dead_letter", none, given=given, has_control=False),
        Row("mend_dead_letter", none, body=sample, given=given, has_control=False),
        Row("replay_dead_letter", none, given=given, has_control=False),
    ]


ACCOUNTS = [
    *common("accounts", "companies", "buyer_profiles"),
    Row(
        "request_token",  # a token is a second way to say who asks
        "ok ok 400 | 400 400 400 | 400 400 400 | 400 400 400 | 400 400",
        body={
            "grant_type": "client_credentials",
            "client_id": "$client_id",
            "client_secret": "$client_secret",
        },
        is_form=True,
    ),
    Row("sign_in", ALL, body={"email": "$staff_email", "password": "$staff_password"}),
    # companies
    Row("put_company", SCOPED, body=w.company("aurora")),
    Row("get_company", OURS),
    Row("list_companies", LISTED),
    Row("put_unit", SCOPED, body={"name": "aurora shop", "parent": "aurora-head"}),
    Row("get_unit", OURS),
    Row("list_units", OURS),
    Row(
        "put_member",
        "401 401 403 | 403 403 ok | 404 404 404 | ok 403 ok | 403 403",
        body=w.member("aurora", "buyer", email="spare@aurora.example"),
    ),
    Row("get_member", OURS),
    Row("list_members", OURS),
    # what is agreed with them
    Row("put_agreement", SCOPED, body=w.agreement("aurora")),
    Row("get_agreement", OURS),
    Row("list_agreements", LISTED),
    Row("list_agreements", LISTED, query={"company": "$company"}, what="of a company"),
    Row("put_budget", SCOPED, body=w.budget("aurora")),
    Row("get_budget", OURS),
    Row("list_budgets", LISTED),
    Row("list_budgets", LISTED, query={"company": "$company"}, what="of a company"),
    Row("list_budget_entries", OURS),
    Row("get_credit", OURS),
    Row("list_credit_entries", OURS),
    # groups
    Row("put_customer_group", SCOPED, body=w.GROUP),
    Row("get_customer_group", SCOPED),
    Row("list_customer_groups", SCOPED),
    Row("preview_customer_group", SCOPED, body=w.GROUP),
    # for services
    Row(
        "put_hold",
        SERVICE,
        given={"hold_id": "$new"},
        body={"member_id": "$member_id", "amount": {"amount": "1.00", "currency": "EUR"}},
    ),
    Row("get_hold", SERVICE, World.hold),
    Row("release_hold", SERVICE, World.hold),
    Row("settle_hold", SERVICE, World.hold, {"order_number": "T-1"}),
    Row("get_buyer_profile", SERVICE.replace("ok 403", "ok 401"), wrong="testpay"),
    Row("list_revocations", SERVICE.replace("ok 403", "ok 401"), wrong="testpay"),
]

APPROVALS = [
    *common("approvals"),
    Row(
        "put_approval_request",
        SERVICE,
        given={"request_id": "$new"},
        body={
            "subject_type": "order",
            "subject_id": "$placement_id",
            "member_id": "$member_id",
            "amount": {"amount": "900.00", "currency": "EUR"},
            "order_limit": {"amount": "250.00", "currency": "EUR"},
        },
    ),
    Row("withdraw_request", SERVICE, given={"request_id": "$new"}),
    Row(
        "get_approval_request",
        "401 401 403 | ok ok ok | 404 404 404 | ok 403 ok | ok 403",
    ),
    Row("list_approval_requests", "401 401 403 | ok ok ok | ok ok ok | ok 403 ok | ok 403"),
    *(
        Row(
            name,
            "401 401 403 | 403 ok ok | 404 404 404 | 403 403 403 | 403 403",
            World.awaiting,
            {},
        )
        for name in ("approve_request", "reject_request")
    ),
]

PRODUCT = w.product("TEAPOT-1")
CATALOG = [
    *common("catalog", "stores", "categories", "products", "assortments"),
    Row("put_store", SCOPED, given={"key": B2B}, body=w.COMPANY_STORE),
    Row("get_store", ALL, given={"key": B2B}),
    Row("list_stores", ALL),
    Row("put_category", SCOPED, given={"key": "home"}, body=w.CATEGORY),
    Row("put_categories", SCOPED, body={"key": "home"} | w.CATEGORY, is_lines=True),
    Row("get_category", ALL, given={"key": "home"}),
    Row("list_categories", ALL),
    Row("list_categories", ALL, query={"store": D2C}, what="of people"),
    Row("put_product", SCOPED, given={"key": "teapot"}, body=PRODUCT),
    Row("put_products", SCOPED, body={"key": "teapot"} | PRODUCT, is_lines=True),
    Row("get_product", ALL, given={"key": "lantern"}, query={"store": D2C}),
    Row("get_product_by_slug", ALL, query={"store": D2C, "locale": "en", "slug": SKU.lower()}),
    Row("list_products", ALL, query={"store": D2C}),
    Row("check_entitlement", ALL, body={"store": D2C, "skus": [SKU]}),
    # in a store for companies
    Row("list_categories", IN_B2B, query={"store": B2B}, what="of companies"),
    Row("list_products", IN_B2B, query={"store": B2B}, what="of companies"),
    Row("get_product", IN_B2B, given={"key": "lantern"}, query={"store": B2B}, what="of all"),
    Row("get_product", OUR_CUP, given={"key": "aurora-cup"}, query={"store": B2B}, what="of ours"),
    Row(
        "get_product",
        NOBODYS_CUP,
        given={"key": "aurora-cup"},
        query={"store": D2C},
        what="of ours, among people",
    ),
    Row(
        "get_product",
        "404 404 404 | 404 404 404 | 404 404 404 | ok 404 ok | 404 404",
        given={"key": "aurora-cup"},
        what="in no store",
    ),
    Row(
        "get_product_by_slug",
        OUR_CUP,
        query={"store": B2B, "locale": "en", "slug": "aurora-cup"},
        what="of ours",
    ),
    Row("check_entitlement", IN_B2B, body={"store": B2B, "skus": [SKU]}, what="of companies"),
    Row(
        "check_entitlement",
        IN_B2B.replace("403 403", "ok 403"),
        body={"store": B2B, "skus": ["AURORA-CUP"]},
        acts_for_buyer=True,
        what="for our buyer",
    ),
    Row("put_assortment", SCOPED, given={"key": "aurora-own"}, body=w.assortment("aurora")),
    Row("get_assortment", SCOPED, given={"key": "aurora-own"}),
    Row("list_assortments", SCOPED),
    Row("explain_entitlement", SCOPED, query={"store": B2B, "sku": SKU}),
]

PRICING = [
    *common("pricing", "price_lists", "prices", "tax_rates", "quantity_rules"),
    Row("put_price_list", SCOPED, given={"key": B2B}, body=w.price_list(B2B, "EUR")),
    Row("get_price_list", SCOPED, given={"key": B2B}),
    Row("list_price_lists", SCOPED),
    Row("put_price", SCOPED, given={"key": B2B, "sku": SKU}, body=w.PRICE),
    Row("put_prices", SCOPED, given={"key": B2B}, body={"sku": SKU} | w.PRICE, is_lines=True),
    Row("get_price", SCOPED, given={"key": B2B, "sku": SKU}),
    Row("list_prices", SCOPED, given={"key": B2B}),
    Row("put_tax_rate", SCOPED, given={"key": "gb"}, body=w.RATE),
    Row("get_tax_rate", SCOPED, given={"key": "gb"}),
    Row("list_tax_rates", SCOPED),
    Row("put_quantity_rule", SCOPED, given={"key": "lantern"}, body=w.RULE),
    Row("put_quantity_rules", SCOPED, body={"key": "lantern"} | w.RULE, is_lines=True),
    Row("get_quantity_rule", SCOPED, given={"key": "lantern"}),
    Row("list_quantity_rules", SCOPED),
    Row("resolve_prices", ALL, body={"store": D2C, "lines": w.LINES}, what="of people"),
    Row("resolve_prices", IN_B2B, body={"store": B2B, "lines": w.LINES}, what="of companies"),
    Row(
        "resolve_prices",
        IN_B2B.replace("403 403", "ok 403"),
        body={"store": B2B, "lines": w.LINES},
        acts_for_buyer=True,
        what="for our buyer",
    ),
    Row(
        "resolve_prices",
        "401 401 403 | 422 422 422 | 422 422 422 | ok 403 ok | 403 403",  # members are themselves
        body={"store": B2B, "lines": w.LINES, "buyer": "$member_id"},
        what="of a buyer who is named",
    ),
]

LINES = {"lines": [{"sku": SKU, "quantity": 1}]}
ADDRESSED = {"email": "ada@reader.example", "delivery_address": w.ADDRESS}


def carts(expected: str, cart: w.Maker, ready: w.Maker, store: str, payment: object) -> list[Row]:
    """What can be done with a cart, of a member or a guest."""
    what, of_guest = ("of a guest", True) if store == D2C else ("of a member", False)
    brought = {"delivery_method": f"{store}-cart"}
    currency = "GBP" if of_guest else "EUR"
    agreed = {"agreed_total": {"amount": "$total", "currency": currency}, "payment": payment}
    common: dict[str, Any] = {"what": what, "is_of_guest": of_guest}
    return [
        Row("get_cart", expected, cart, **common),
        Row("add_cart_lines", expected, cart, LINES, **common),
        Row("quick_order", expected, cart, {"text": f"{SKU} 1"}, **common),
        Row("change_cart_line", expected, cart, {"quantity": 2}, **common),
        Row("remove_cart_line", expected, cart, **common),
        Row("set_cart_address", expected, cart, ADDRESSED, **common),
        Row("set_cart_delivery", expected, cart, brought, **common),
        Row("place_order", expected, ready, agreed, headers=KEY, **common),
    ]


ORDERS = [
    *common("orders", "stock"),
    Row(
        "open_cart",
        "ok ok ok | 403 403 403 | 403 403 403 | ok ok ok | ok ok",
        body={"store": D2C} | LINES,
        what="of a guest",
    ),
    Row(
        "open_cart",
        "401 401 401 | ok ok ok | ok ok ok | 401 401 401 | 401 401",
        body={"store": B2B} | LINES,
        what="of a member",
    ),
    *carts(GUESTS, World.guest_cart, World.guest_ready, D2C, w.CARD),
    *carts(BUYERS, World.cart, World.ready, B2B, w.TERMS),
    Row("list_open_carts", "401 401 403 | ok ok ok | ok ok ok | 403 403 403 | 403 403"),
    Row("get_placement", GUESTS, World.guest_placed, what="of a guest", is_of_guest=True),
    Row("get_placement", PLACING, what="of a member"),
    Row("list_placements", LISTED),
    Row("list_placements", LISTED, query={"company": "$company"}, what="of a company"),
    Row(
        "cancel_placement",
        "401 401 404 | ok 403 ok | 404 404 404 | 404 404 404 | 404 404",
        World.awaiting,
    ),
    Row(
        "get_order",
        "404 ok 403 | 404 404 404 | 404 404 404 | ok 403 ok | 403 403",
        World.guest_placed,
        what="of a guest",
        is_of_guest=True,
    ),
    Row("get_order", SIGHT, what="of a member"),
    Row("list_orders", LISTED),
    Row("list_orders", LISTED, query={"company": "$company"}, what="of a company"),
    Row("ship_order", SCOPED, World.placed, {}, headers=KEY),
    Row("capture_payment", SCOPED, World.guest_placed, {}, headers=KEY),
    Row("refund_payment", SCOPED, World.guest_captured, {}, headers=KEY),
    Row("put_warehouse", SCOPED, given={"key": "main"}, body=w.WAREHOUSE),
    Row("get_warehouse", SCOPED, given={"key": "main"}),
    Row("list_warehouses", SCOPED),
    Row("put_stock", SCOPED, given={"key": "main", "sku": "TEAPOT-1"}, body={"on_hand": 9}),
    Row("get_stock", SCOPED, given={"key": "main", "sku": SKU}),
    Row("list_stock", SCOPED, given={"key": "main"}),
    Row(
        "put_stock_lines",
        SCOPED,
        given={"key": "main"},
        body={"sku": "TEAPOT-1", "on_hand": 9},
        is_lines=True,
    ),
    Row(
        "put_delivery_method",
        SCOPED,
        given={"key": f"{B2B}-cart"},
        body=w.delivery_method(B2B, "EUR"),
    ),
    Row("get_delivery_method", ALL, given={"key": f"{B2B}-cart"}),
    Row("list_delivery_methods", ALL),
    Row("take_notice", MERCHANT.replace("ok", "401"), body=w.NOTICE, what="unsigned"),
    Row(
        "take_notice",
        ALL,
        World.notice,
        w.NOTICE,
        headers={
            "webhook-id": "notice",
            "webhook-timestamp": "$timestamp",
            "webhook-signature": "$signature",
        },
        what="signed",
    ),
]

POUND = {"amount": {"amount": "1.00", "currency": "GBP"}}
TESTPAY = [
    *common("testpay", has_letters=False),
    Row(
        "authorise_payment",
        MERCHANT,
        body={"reference": "$new", "token": "tok_ok"} | POUND,
        headers=KEY,
        token="$merchant",
    ),
    Row("get_payment", MERCHANT, World.payment, token="$merchant"),
    Row("capture_payment", MERCHANT, World.payment, POUND, headers=KEY, token="$merchant"),
    Row("refund_payment", MERCHANT, World.captured, POUND, headers=KEY, token="$merchant"),
    Row("void_payment", MERCHANT, World.payment, headers=KEY, token="$merchant"),
]

REST = {
    "accounts": ACCOUNTS,
    "approvals": APPROVALS,
    "catalog": CATALOG,
    "orders": ORDERS,
    "pricing": PRICING,
    "testpay": TESTPAY,
}
