"""Tax in whole minor units, against exact fractions."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.tax.domain import net_in_gross, rate_text, tax_on_net

rates = st.integers(0, 10**6).map(lambda millionths: Decimal(millionths).scaleb(-6))
minors = st.integers(0, 10**15)


def half_up(exact):
    return floor(exact + Fraction(1, 2))


@given(minors, rates)
def test_tax_is_the_exact_product_rounded_half_up(net, rate):
    assert tax_on_net(net, rate) == half_up(net * Fraction(rate))


@given(minors, rates)
def test_net_is_the_exact_quotient_rounded_half_up(gross, rate):
    assert net_in_gross(gross, rate) == half_up(gross / (1 + Fraction(rate)))


@given(minors, rates)
def test_more_gross_is_never_less_net_or_less_tax(gross, rate):
    less, more = net_in_gross(gross, rate), net_in_gross(gross + 1, rate)
    assert less <= more
    assert gross - less <= gross + 1 - more


@pytest.mark.parametrize(
    ("rate", "text"), [("0.200000", "0.2"), ("0", "0"), ("1.000000", "1"), ("0.000001", "0.000001")]
)
def test_rate_is_told_without_needless_zeros(rate, text):
    assert rate_text(Decimal(rate)) == text
