from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.money import (
    MAX_MINOR,
    CurrencyMismatch,
    Money,
    UnitPrice,
    exponent,
    plain_amount,
    round_money,
)

currencies = st.sampled_from(["GBP", "EUR", "JPY", "KWD", "CLF"])
minors = st.integers(-MAX_MINOR // 4, MAX_MINOR // 4)
wire = TypeAdapter(Money)
NO_CURRENCY = "X" * 3
"""The code that ISO 4217 keeps for "no currency": listed there, but nothing to pay in."""


@given(minors, currencies)
def test_wire_form_reads_back_as_the_same_money(minor, currency):
    money = Money(minor, currency)
    assert wire.validate_json(wire.dump_json(money)) == money
    assert Money.parse(money.amount, currency) == money


@given(minors, minors, currencies)
def test_adding_is_exact(one, other, currency):
    total = Money(one, currency) + Money(other, currency)
    assert total.minor == one + other
    assert total - Money(other, currency) == Money(one, currency)


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1234, "GBP", "12.34"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
        (7, "JPY", "7"),
        (1234, "KWD", "1.234"),
        (12345, "CLF", "1.2345"),
    ],
)
def test_amount_has_all_the_decimals_of_its_currency(minor, currency, amount):
    assert Money(minor, currency).amount == amount


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"amount": "1.234", "currency": "GBP"}, "at most 2 decimals"),
        ({"amount": "1.5", "currency": "JPY"}, "at most 0 decimals"),
        ({"amount": 12.34, "currency": "GBP"}, "valid string"),
        ({"amount": "NaN", "currency": "GBP"}, "match pattern"),
        ({"amount": "1e3", "currency": "GBP"}, "match pattern"),
        ({"amount": "\u0661", "currency": "GBP"}, "match pattern"),
        ({"amount": "9999999999999999", "currency": "GBP"}, "out of range"),
        ({"amount": "1", "currency": "ZZZ"}, "ISO 4217"),
        ({"amount": "1", "currency": NO_CURRENCY}, "ISO 4217"),
        ({"amount": "1", "currency": "gbp"}, "match pattern"),
        ({"amount": "1"}, "required"),
        ({"amount": "1", "currency": "GBP", "vat": 1}, "not permitted"),
        ("12.34 GBP", "valid dictionary"),
    ],
)
def test_bad_money_says_why(body, reason):
    with pytest.raises(ValidationError, match=reason):
        wire.validate_python(body)


def test_currencies_never_mix():
    with pytest.raises(CurrencyMismatch, match="GBP and EUR"):
        Money(1, "GBP") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "GBP") < Money(1, "EUR")
    assert Money(1, "GBP") != Money(1, "EUR")


def test_money_cannot_be_changed():
    money = Money(1, "GBP")
    with pytest.raises(AttributeError, match="immutable"):
        money.minor = 2


@pytest.mark.parametrize(
    ("price", "quantity", "total"),
    [("0.125", 4, "0.50"), ("0.125", 1, "0.13"), ("2.55", 6, "15.30"), ("0.000001", 1, "0.00")],
)
def test_a_line_is_rounded_once_half_up(price, quantity, total):
    assert UnitPrice(amount=price, currency="GBP").times(quantity).amount == total


@given(st.decimals("0", "99999", places=6, allow_nan=False), st.integers(1, 1000), currencies)
def test_a_line_is_within_half_a_coin_of_the_exact_product(price, quantity, currency):
    exact = price * quantity
    rounded = Decimal(UnitPrice.of(price, currency).times(quantity).amount)
    assert abs(rounded - exact) <= Decimal(1).scaleb(-exponent(currency)) / 2


@pytest.mark.parametrize(
    ("stored", "currency", "written"),
    [
        ("3.390000", "GBP", "3.39"),
        ("3.125000", "GBP", "3.125"),
        ("3", "GBP", "3.00"),
        ("3.0", "JPY", "3"),
    ],
)
def test_a_stored_price_is_written_as_people_do(stored, currency, written):
    assert plain_amount(Decimal(stored), currency) == written


def test_half_a_coin_rounds_away_from_zero():
    assert round_money(Decimal("0.005"), "GBP").minor == 1
    assert round_money(Decimal("-0.005"), "GBP").minor == -1
