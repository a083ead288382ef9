"""Amounts of lines: what must hold whatever the price, the quantity and the rate."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import MAX_MINOR, Money
from pricing.resolve.domain import (
    AmountTooLarge,
    Tax,
    charge,
    tier_index,
    total_of,
    totals_by_tax,
)

prices = st.integers(0, 10**12).map(lambda millionths: Decimal(millionths).scaleb(-6))
quantities = st.integers(1, 1_000_000)
rates = st.sampled_from(["0", "0.05", "0.19", "0.2", "0.077", "0.255", "1", "0.000001"])
currencies = st.sampled_from(["GBP", "JPY", "KWD", "CLF"])


def charged(price, quantity, rate, *, currency="GBP", included=True, gross=True):
    return charge(
        Decimal(price),
        quantity,
        currency=currency,
        tax=Tax(Decimal(rate), f"VAT {rate}"),
        is_tax_included=included,
        shows_gross=gross,
    )


@pytest.mark.parametrize(
    ("quantity", "index"), [(1, 0), (11, 0), (12, 1), (13, 1), (99, 1), (100, 2), (10**6, 2)]
)
def test_tier_is_the_last_that_is_reached(quantity, index):
    assert tier_index([1, 12, 100], quantity) == index


@pytest.mark.parametrize(
    ("included", "gross", "unit", "net", "tax", "total"),
    [
        (True, True, "3.39", "16.95", "3.39", "20.34"),
        (False, False, "3.39", "20.34", "4.07", "24.41"),
        (True, False, "2.825", "16.95", "3.39", "20.34"),
        (False, True, "4.068", "20.34", "4.07", "24.41"),
    ],
)
def test_list_and_store_may_differ_in_tax(included, gross, unit, net, tax, total):
    one = charged("3.39", 6, "0.2", included=included, gross=gross)
    assert (one.unit_price.amount, one.is_tax_included) == (unit, gross)
    assert [part.amount for part in (one.amount.net, one.amount.tax, one.amount.gross)] == [
        net,
        tax,
        total,
    ]


@given(prices, quantities, rates, currencies, st.booleans(), st.booleans())
def test_what_is_shown_is_what_is_charged(price, quantity, rate, currency, included, gross):
    try:
        one = charged(price, quantity, rate, currency=currency, included=included, gross=gross)
    except AmountTooLarge:
        return
    amount = one.amount
    assert amount.net + amount.tax == amount.gross
    assert amount.tax.minor >= 0
    assert (amount.gross if gross else amount.net) == one.unit_price.times(quantity)
    assert one.is_tax_included is gross


@given(prices, prices, st.integers(1, 10_000), rates, st.booleans(), st.booleans())
def test_dearer_or_more_is_never_cheaper(price, other, quantity, rate, included, gross):
    less = charged(min(price, other), quantity, rate, included=included, gross=gross).amount
    more = charged(max(price, other), quantity, rate, included=included, gross=gross).amount
    most = charged(max(price, other), quantity + 1, rate, included=included, gross=gross).amount
    for part in ("net", "tax", "gross"):
        assert getattr(less, part) <= getattr(more, part) <= getattr(most, part)


lines = st.tuples(st.integers(0, 10**9), st.integers(1, 1000), rates)


@given(st.lists(lines, max_size=20), st.booleans())
def test_totals_are_sums_of_lines(drawn, gross):
    charges = [
        charged(Decimal(price).scaleb(-6), quantity, rate, gross=gross)
        for price, quantity, rate in drawn
    ]
    total = total_of((one.amount for one in charges), "GBP")
    by_tax = totals_by_tax(charges, "GBP")
    for part in ("net", "tax", "gross"):
        lines_sum = sum(getattr(one.amount, part).minor for one in charges)
        assert getattr(total, part).minor == lines_sum
        assert sum(getattr(amount, part).minor for _, amount in by_tax) == lines_sum
    assert total.net + total.tax == total.gross
    assert len({tax for tax, _ in by_tax}) == len(by_tax)


@pytest.mark.parametrize(
    ("price", "quantity", "rate", "included", "gross"),
    [
        ("999999999999", 1_000_000, "0.2", True, True),
        ("999999999999.999999", 1, "0.2", False, True),  # no unit price with tax is that large
        ("10000000000000", 1, "0", True, True),
        ("10000000", 1_000_000, "0.2", False, False),  # fits without tax, not with it
    ],
)
def test_amount_over_the_largest_sum_is_told(price, quantity, rate, included, gross):
    with pytest.raises(AmountTooLarge):
        charged(price, quantity, rate, included=included, gross=gross)


def test_largest_sum_itself_is_fine():
    one = charged("10000000", 1_000_000, "0")
    assert one.amount.gross == Money(MAX_MINOR, "GBP")
    with pytest.raises(AmountTooLarge):
        total_of([one.amount, charged("0.01", 1, "0").amount], "GBP")
