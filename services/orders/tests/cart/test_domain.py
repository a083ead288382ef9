"""Rules of a cart."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Money, UnitPrice
from contracts.orders import CartStatus
from contracts.pricing import LineKind, PricedLine, PriceResolution, TaxedAmount, TaxTotal
from orders.cart import domain
from orders.cart.domain import CartState, Line
from orders.delivery.domain import Method
from orders.errors import (
    CartAlreadyOrdered,
    CartBeingPlaced,
    CartLineNotFound,
    CartTooLong,
    QuantityTooLarge,
)
from orders.product.domain import SkuFacts

CART_ID = UUID("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10")
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
METHOD = Method(
    key="standard",
    name={"en": "Standard delivery"},
    stores=("d2c-uk",),
    countries=("GB",),
    price=Decimal("3.95"),
    currency="GBP",
    is_tax_included=True,
    tax_class="standard",
)


def line_id(number: int) -> UUID:
    return UUID(int=number)


def make_cart(*lines: tuple[str, int], **changes) -> CartState:
    return replace(
        CartState(
            id=CART_ID,
            version=1,
            status=CartStatus.OPEN,
            store="d2c-uk",
            currency="GBP",
            country="GB",
            locale="en",
            updated_at=NOW,
            lines=tuple(
                Line(line_id(index), sku, quantity) for index, (sku, quantity) in enumerate(lines)
            ),
        ),
        **changes,
    )


def taxed(net: int, tax: int, currency: str = "GBP") -> TaxedAmount:
    return TaxedAmount(
        net=Money(net, currency), tax=Money(tax, currency), gross=Money(net + tax, currency)
    )


def add(cart, *wanted):
    return domain.add_lines(cart, wanted, line_ids=[line_id(100 + n) for n in range(len(wanted))])


def test_the_same_sku_grows_and_keeps_its_place():
    cart = add(make_cart(("a", 1), ("b", 2)), ("c", 1), ("a", 3), ("c", 1))
    assert [(line.sku, line.quantity) for line in cart.lines] == [("a", 4), ("b", 2), ("c", 2)]
    assert cart.lines[0].id == line_id(0)


def test_skus_that_differ_in_case_are_different():
    assert len(add(make_cart(("85123a", 1)), ("85123A", 1)).lines) == 2


def test_a_line_never_grows_past_the_largest_quantity():
    with pytest.raises(QuantityTooLarge) as refusal:
        add(make_cart(("a", 999_999)), ("b", 1), ("a", 2))
    assert [error.pointer for error in refusal.value.errors] == ["/lines/1/quantity"]


def test_a_cart_has_at_most_a_thousand_lines():
    cart = make_cart(*((f"sku{number}", 1) for number in range(1000)))
    assert add(cart, ("sku5", 1)).lines[5].quantity == 2
    with pytest.raises(CartTooLong):
        add(cart, ("new", 1))


def test_a_line_that_is_not_there_can_be_neither_changed_nor_removed():
    cart = make_cart(("a", 1))
    with pytest.raises(CartLineNotFound):
        domain.change_line(cart, line_id(9), 2)
    with pytest.raises(CartLineNotFound):
        domain.remove_line(cart, line_id(9))
    assert domain.remove_line(cart, line_id(0)).lines == ()


def test_only_an_open_cart_may_change():
    domain.require_open(make_cart())
    with pytest.raises(CartBeingPlaced):
        domain.require_open(make_cart(status=CartStatus.PLACING, placement_id=CART_ID))
    with pytest.raises(CartAlreadyOrdered, match="T-1000001"):
        domain.require_open(make_cart(status=CartStatus.ORDERED, order_number="T-1000001"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "change", "remove"]),
            st.sampled_from("abcd"),
            st.integers(1, 1_000_000),
        ),
        max_size=30,
    )
)
def test_whatever_is_done_a_sku_has_one_line_and_a_quantity_that_is_allowed(steps):
    cart = make_cart()
    for number, (what, sku, quantity) in enumerate(steps):
        ids = {line.sku: line.id for line in cart.lines}
        try:
            if what == "add":
                new = line_id(number)
                cart = domain.add_lines(cart, [(sku, quantity)], line_ids=[new])
            elif what == "change":
                cart = domain.change_line(cart, ids.get(sku, CART_ID), quantity)
            else:
                cart = domain.remove_line(cart, ids.get(sku, CART_ID))
        except (QuantityTooLarge, CartLineNotFound):
            pass
        skus = [line.sku for line in cart.lines]
        assert len(set(skus)) == len(skus) == len({line.id for line in cart.lines})
        assert all(1 <= line.quantity <= 1_000_000 for line in cart.lines)


def resolution_of(lines: list[tuple[str, TaxedAmount | None]], currency="GBP") -> PriceResolution:
    total = domain.sum_amounts([amount for _, amount in lines], currency)
    return PriceResolution.model_validate(
        {
            "store": "d2c-uk",
            "currency": currency,
            "country": "GB",
            "tax_display": "gross",
            "at": NOW,
            "lines": [
                PricedLine.model_validate(
                    {
                        "ref": ref,
                        "kind": LineKind.DELIVERY if ref == domain.DELIVERY else LineKind.ITEM,
                        "quantity": 1,
                        "outcome": "no_price" if amount is None else "priced",
                        "unit_price": None
                        if amount is None
                        else UnitPrice(amount="1.00", currency=currency),
                        "total": amount,
                    }
                )
                for ref, amount in lines
            ],
            "taxes": [TaxTotal(rate="0.2", name="VAT", amount=total)],
            "total": total,
        }
    )


amounts = st.builds(taxed, st.integers(0, 10**9), st.integers(0, 10**9))


@given(st.lists(amounts | st.none(), max_size=20), amounts | st.none())
def test_totals_are_the_sum_of_the_rounded_lines(items, delivery):
    lines = [(str(index), amount) for index, amount in enumerate(items)]
    resolution = resolution_of([*lines, (domain.DELIVERY, delivery)])
    totals = domain.totals_of(resolution, currency="GBP")
    known = [amount for amount in items if amount is not None]
    assert totals.items.gross.minor == sum(amount.gross.minor for amount in known)
    assert totals.total == resolution.total
    for part in (totals.items, totals.delivery, totals.total):
        assert part.net + part.tax == part.gross
    for kind in ("net", "tax", "gross"):
        both = getattr(totals.items, kind) + getattr(totals.delivery, kind)
        assert getattr(totals.total, kind) == both


def test_nothing_in_a_cart_costs_nothing_and_needs_no_call():
    assert domain.to_resolve(make_cart(), None) is None
    assert domain.totals_of(None, currency="EUR").total.gross == Money(0, "EUR")


def test_items_and_delivery_are_asked_for_together():
    asked = domain.to_resolve(make_cart(("a", 2)), METHOD)
    assert asked is not None
    assert [(line.ref, line.kind, line.quantity) for line in asked.lines] == [
        (str(line_id(0)), "item", 2),
        ("delivery", "delivery", 1),
    ]
    elsewhere = domain.to_resolve(make_cart(("a", 2), country="IE"), METHOD)
    assert elsewhere is not None
    assert [line.kind for line in elsewhere.lines] == ["item"]


@pytest.mark.parametrize(
    ("included", "display", "shown"),
    [
        (True, "gross", "1.20"),
        (False, "net", "1.20"),
        (False, "gross", "1.44"),
        (True, "net", "1.00"),
    ],
)
def test_a_price_is_shown_as_the_store_shows_prices(included, display, shown):
    line = PricedLine.model_validate(
        {
            "ref": "1",
            "kind": "item",
            "quantity": 1,
            "outcome": "priced",
            "unit_price": {"amount": "1.20", "currency": "GBP"},
            "is_tax_included": included,
            "tax_rate": "0.2",
        }
    )
    price = domain.shown_price(line, tax_display=display)
    assert price is not None
    assert price.amount == shown


def test_everything_that_is_wrong_is_told_at_once():
    cart = make_cart(("sold", 5), ("gone", 1), ("unpriced", 1))
    skus = {sku: SkuFacts(sku, sku, {"en": sku}) for sku in ("sold", "unpriced")}
    priced = domain.priced_by_ref(
        resolution_of([(str(line_id(0)), taxed(100, 20)), (str(line_id(2)), None)])
    )
    problems = domain.find_problems(cart, skus, None, priced)
    assert [(problem.code, problem.line_id) for problem in problems] == [
        ("address-missing", None),
        ("delivery-missing", None),
        ("sku-not-orderable", line_id(1)),
        ("no-price", line_id(2)),
    ]
    short = domain.find_shortages(cart, skus, {"sold": 4})
    assert [(one.code, one.message) for one in short] == [
        ("not-enough-stock", "Only 4 of sold are left."),
        ("not-enough-stock", "unpriced is out of stock."),
    ]
    assert [one.code for one in domain.find_gaps(make_cart(), None)] == [
        "cart-empty",
        "address-missing",
        "delivery-missing",
    ]
