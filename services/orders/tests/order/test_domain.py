"""Rules of placing."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from contracts.approvals import ApprovalRequest
from contracts.buyers import BuyerProfile
from contracts.catalog import SkuEntitlement
from contracts.companies import Hold
from contracts.money import Money
from contracts.orders import Address, CartStatus
from contracts.pricing import PriceResolution
from orders.cart.domain import DELIVERY, CartState, Line
from orders.delivery.domain import Method
from orders.errors import BuyersOnly, CartNotOrderable, PriceChanged
from orders.order.domain import (
    agree,
    may_cancel,
    order_number,
    refusal_of_hold,
    refusal_of_request,
    serial_of,
    sold_skus,
    submit_as,
)

LINE_ID = UUID("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e11")
METHOD = Method(
    key="standard",
    name={"en": "Standard delivery"},
    stores=(),
    countries=("GB",),
    price=Decimal("3.95"),
    currency="GBP",
    is_tax_included=True,
    tax_class="standard",
)
CART = CartState(
    id=UUID("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"),
    version=4,
    status=CartStatus.PLACING,
    store="d2c-uk",
    currency="GBP",
    country="GB",
    locale="fr",
    updated_at=datetime(2026, 11, 22, 10, tzinfo=UTC),
    lines=(Line(LINE_ID, "71053", 6),),
    email="ada@example.com",
    delivery_address=Address(name="Ada", line1="12", city="London", country="GB"),
    delivery_method="standard",
)
SOLD = sold_skus(
    {
        "71053": SkuEntitlement(
            sku="71053", is_orderable=True, product_key="lantern", name={"en": "Lantern"}
        ),
        "gone": SkuEntitlement(sku="gone", is_orderable=False, product_key="x", name={"en": "x"}),
    }
)


def wire(net: str, tax: str, gross: str) -> dict[str, dict[str, str]]:
    return {
        name: {"amount": amount, "currency": "GBP"}
        for name, amount in (("net", net), ("tax", tax), ("gross", gross))
    }


def make_resolution(*, item_outcome: str = "priced") -> PriceResolution:
    is_priced = item_outcome == "priced"
    item = {
        "ref": str(LINE_ID),
        "kind": "item",
        "sku": "71053",
        "quantity": 6,
        "outcome": item_outcome,
        "unit_price": {"amount": "3.39", "currency": "GBP"} if is_priced else None,
        "total": wire("16.95", "3.39", "20.34") if is_priced else None,
    }
    delivery = {
        "ref": DELIVERY,
        "kind": "delivery",
        "quantity": 1,
        "outcome": "priced",
        "unit_price": {"amount": "3.95", "currency": "GBP"},
        "total": wire("3.29", "0.66", "3.95"),
    }
    return PriceResolution.model_validate(
        {
            "store": "d2c-uk",
            "currency": "GBP",
            "country": "GB",
            "tax_display": "gross",
            "at": "2026-11-22T10:00:00Z",
            "lines": [item, delivery],
            "taxes": [],
            "total": wire("20.24", "4.05", "24.29"),
        }
    )


def test_what_was_shown_is_what_is_agreed():
    agreed = agree(
        CART,
        METHOD,
        skus=SOLD,
        resolution=make_resolution(),
        agreed_total=Money.parse("24.29", "GBP"),
    )
    assert agreed.totals.total.gross == Money(2429, "GBP")
    assert (agreed.lines[0].name, agreed.lines[0].product_key) == ("Lantern", "lantern")
    assert agreed.delivery.name == "Standard delivery"
    assert type(agreed).model_validate(agreed.model_dump(mode="json")) == agreed


@pytest.mark.parametrize(("amount", "currency"), [("24.28", "GBP"), ("24.29", "EUR")])
def test_another_total_is_refused_with_the_new_one(amount, currency):
    with pytest.raises(PriceChanged) as refusal:
        agree(
            CART,
            METHOD,
            skus=SOLD,
            resolution=make_resolution(),
            agreed_total=Money.parse(amount, currency),
        )
    assert refusal.value.extra["total"] == {"amount": "24.29", "currency": "GBP"}


@pytest.mark.parametrize(
    ("cart", "method", "outcome", "code"),
    [
        (replace(CART, delivery_address=None), METHOD, "priced", "address-missing"),
        (replace(CART, delivery_method=None), None, "priced", "delivery-missing"),
        (CART, None, "priced", "delivery-not-offered"),
        (replace(CART, country="IE"), METHOD, "priced", "delivery-not-offered"),
        (replace(CART, lines=(Line(LINE_ID, "gone", 6),)), METHOD, "priced", "sku-not-orderable"),
        (CART, METHOD, "no_price", "no-price"),
    ],
)
def test_what_cannot_be_ordered_is_refused_by_its_first_problem(cart, method, outcome, code):
    with pytest.raises(CartNotOrderable) as refusal:
        agree(
            cart,
            method,
            skus=SOLD,
            resolution=make_resolution(item_outcome=outcome),
            agreed_total=Money.parse("24.29", "GBP"),
        )
    assert refusal.value.code == code
    assert refusal.value.extra["problems"][0]["code"] == code


@pytest.mark.parametrize(
    ("number", "serial"),
    [
        ("T-1000001", 1_000_001),
        ("T-", None),
        ("1000001", None),
        ("T-01", None),
        ("T--1", None),
        ("T-1e5", None),
        ("t-1000001", None),
        ("T-" + "9" * 19, None),
        ("T-\u0661", None),
    ],
)
def test_an_order_number_is_read_only_as_it_was_written(number, serial):
    assert serial_of(number) == serial
    if serial is not None:
        assert order_number(serial) == number


def make_profile(*roles: str) -> BuyerProfile:
    return BuyerProfile.model_validate(
        {
            "member_id": LINE_ID,
            "sequence": 1,
            "is_active": True,
            "company": "acme",
            "units": ["shop", "root"],
            "roles": roles,
            "groups": [],
            "agreements": [],
            "order_limit": {"amount": "250.00", "currency": "EUR"},
            "country": "GB",
            "currency": "EUR",
        }
    )


def test_who_submits_is_kept_as_they_were():
    submitter = submit_as(make_profile("approver", "buyer"))
    assert (submitter.company, submitter.units) == ("acme", ["shop", "root"])
    assert submitter.order_limit == Money(25_000, "EUR")
    assert submitter.as_buyer.unit == "shop"
    with pytest.raises(BuyersOnly):
        submit_as(make_profile("approver", "admin"))


@pytest.mark.parametrize(
    ("roles", "is_own", "may"),
    [
        (("buyer",), True, True),
        (("approver",), True, True),
        (("approver", "buyer"), False, False),
        (("admin",), False, True),
    ],
)
def test_who_ordered_or_an_admin_cancels(roles, is_own, may):
    member_id = LINE_ID if is_own else CART.id
    assert may_cancel(make_profile(*roles), member_id=member_id) is may


@pytest.mark.parametrize(
    ("outcome", "problem", "status", "code", "pointers"),
    [
        ("granted", None, None, None, []),
        ("needs_approval", None, None, None, []),
        ("released", None, 409, "hold-released", []),
        ("refused", None, 409, "order-not-held", []),
        ("refused", ("budget-exceeded", ["/amount"]), 409, "budget-exceeded", ["/agreed_total"]),
        ("refused", ("no-agreement", ["/takes_credit"]), 409, "no-agreement", ["/payment/method"]),
        (
            "refused",
            ("purchase-order-number-required", []),
            422,
            "purchase-order-number-required",
            ["/purchase_order_number"],
        ),
    ],
)
def test_why_nothing_is_held(outcome, problem, status, code, pointers):
    told = problem and {
        "code": problem[0],
        "detail": "No.",
        "errors": [{"pointer": one, "code": "c", "message": "m"} for one in problem[1]],
    }
    hold = Hold.model_validate({"id": "h", "outcome": outcome, "problem": told})
    refusal = refusal_of_hold(hold)
    assert (refusal and refusal.status, refusal and refusal.code) == (status, code)
    assert [error.pointer for error in (refusal.errors if refusal else ())] == pointers


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("not_needed", None),
        ("pending", None),
        ("approved", None),
        ("rejected", "order-rejected"),
        ("timed_out", "approval-timed-out"),
        ("withdrawn", "placement-cancelled"),
    ],
)
def test_what_a_request_comes_to(status, code):
    request = ApprovalRequest.model_validate(
        {
            "id": "r",
            "version": 1,
            "subject_type": "order",
            "subject_id": LINE_ID,
            "company": "acme",
            "unit": "shop",
            "member_id": LINE_ID,
            "amount": {"amount": "1.00", "currency": "EUR"},
            "reasons": [],
            "status": status,
            "is_escalated": False,
            "created_at": CART.updated_at,
            "expires_at": CART.updated_at,
        }
    )
    refusal = refusal_of_request(request)
    assert (refusal and refusal.code) == code
