"""The demo's companies and volume prices: what is read from the retail file, and what follows."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contracts.companies import PutMember
from contracts.money import Money
from contracts.text import in_locale
from tandem.demo_data import portal
from tandem.demo_data.articles import read_articles, read_translations
from tandem.demo_data.loading import company_parts, product_lines
from tandem.demo_data.wholesale import (
    VolumePrice,
    find_customers,
    find_volume_prices,
    in_eur,
    read_customers,
    read_volume_prices,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def line(*, sku="71053", quantity=12, price="3.39", customer="17850", country="United Kingdom"):
    return {
        "StockCode": sku,
        "Quantity": str(quantity),
        "UnitPrice": price,
        "CustomerID": customer,
        "Country": country,
    }


@pytest.fixture(scope="module")
def volume_prices():
    return read_volume_prices()


@pytest.fixture(scope="module")
def customers():
    return read_customers()


def test_customers_that_buy_in_bulk_become_companies(customers):
    assert len(customers) == 22
    assert {customer.country for customer in customers} == {"DE", "FR", "GB", "IE", "LT", "NO"}
    assert len({customer.key for customer in customers}) == 22
    assert len({customer.name for customer in customers}) == 22


def test_a_few_dozens_are_not_bulk():
    many = [line() for _ in range(16)]
    assert [one.key for one in find_customers(many)] == ["customer-17850"]
    assert find_customers(many[1:]) == []
    assert find_customers([*many[1:], line(quantity=11)]) == []
    assert find_customers([line(customer=" ") for _ in range(16)]) == []
    assert find_customers([line(country="Japan") for _ in range(16)]) == []


def test_returns_and_postage_are_not_bought():
    bulk = [line(price="1.00") for _ in range(16)]
    (customer,) = find_customers([*bulk, line(quantity=-100), line(sku="POST", quantity=1)])
    assert customer.skus == ("71053",)
    assert customer.bought == Decimal("195.39")


def test_only_points_where_the_price_falls_are_tiers():
    found = find_volume_prices(
        [
            line(quantity=2, price="3.00"),
            line(quantity=2, price="2.95"),
            line(quantity=6, price="2.95"),
            line(quantity=10, price="3.10"),
            line(quantity=12, price="2.55"),
            line(quantity=-40, price="1.00"),
            line(quantity=40, price="0.00"),
        ]
    )
    assert found == {"71053": [VolumePrice(1, Decimal("2.95")), VolumePrice(12, Decimal("2.55"))]}


def test_every_real_ladder_begins_at_one_and_falls(volume_prices):
    assert len(volume_prices) == 1985
    assert sum(len(points) > 1 for points in volume_prices.values()) == 414
    for points in volume_prices.values():
        quantities = [point.min_quantity for point in points]
        prices = [point.price for point in points]
        assert quantities[0] == 1
        assert quantities == sorted(set(quantities))
        assert prices == sorted(set(prices), reverse=True)
    for share in (Decimal(1), portal.GROUP_SHARE):
        assert len(portal.price_lines(volume_prices, share=share)) == 1985


def test_euros_are_rounded_half_up_to_four_decimals():
    assert in_eur(Decimal("2.95")) == Decimal("3.3925")
    assert in_eur(Decimal("2.95"), share=Decimal("0.95")) == Decimal("3.2229")


def test_a_company_is_written_in_an_order_that_holds(customers):
    parts = list(company_parts(customers[0], password=None, now=NOW))
    key = customers[0].key
    assert parts[0] == f"/v1/companies/{key}"
    assert parts.index(f"/v1/companies/{key}/units/{key}-head-office") < parts.index(
        f"/v1/companies/{key}/units/{key}-shop"
    )
    assert parts[-1].startswith(f"/v1/companies/{key}/members/")


def test_only_the_company_that_people_try_has_passwords(customers):
    def passwords(password):
        parts = company_parts(customers[0], password=password, now=NOW).values()
        members = [
            PutMember.model_validate(json.loads(json.dumps(one)))
            for one in parts
            if isinstance(one, dict)
        ]
        assert len(members) == 3
        return {member.password and member.password.get_secret_value() for member in members}

    assert passwords(None) == {None}
    assert passwords("a-long-password") == {"a-long-password"}


def test_credit_is_a_round_sum_above_what_was_bought_twice(customers):
    for customer in customers:
        limit = portal.agreement(customer.key, customer.bought).credit_limit
        assert limit.minor % 100_000 == 0
        assert limit >= Money(int(2 * in_eur(customer.bought) * 100), "EUR")


def test_sixty_products_speak_five_more_languages():
    names = {line.key: line.name for line in product_lines(read_articles())}
    translated = read_translations()
    assert len(translated) == 60
    for sku, others in translated.items():
        assert set(names[sku]) == set(portal.LOCALES) == {"en", *others}
        assert len(set(names[sku].values())) == 6
        for locale in portal.LOCALES:
            assert in_locale(names[sku], locale) == names[sku][locale]


def test_the_portals_store_speaks_them_too():
    store = portal.store()
    assert store.locales == portal.LOCALES == list(store.name)
    assert list(portal.delivery().name) == portal.LOCALES
