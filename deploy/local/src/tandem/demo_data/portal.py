"""What the demo's portal for companies is made of: its store, prices, assortment and companies.

The companies are the retail file's customers that buy in bulk, the prices its real volume prices.
Nothing here calls anybody; `loading` writes it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from contracts.buyers import Role
from contracts.catalog import (
    AssortmentRule,
    Audience,
    PutAssortment,
    PutStore,
    TaxDisplay,
)
from contracts.companies import (
    OverLimit,
    PutAgreement,
    PutBudget,
    PutCompany,
    PutCustomerGroup,
    PutUnit,
)
from contracts.money import Money, UnitPrice, plain_amount
from contracts.orders import PutDeliveryMethod
from contracts.pricing import (
    AudienceLevel,
    PriceAudience,
    PriceTier,
    PutPriceLine,
    PutPriceList,
    PutQuantityRule,
    PutTaxRate,
)
from tandem.demo_data.articles import Article
from tandem.demo_data.wholesale import COUNTRIES, Customer, VolumePrice, in_eur

STORE = "b2b-eu"
CURRENCY = "EUR"
LOCALES = ["en", "fr", "pl", "ru", "ar", "zh"]
PRICE_LIST = "b2b-eu"
GROUP = "volume"
GROUP_PRICE_LIST = "b2b-eu-volume"
GROUP_SHARE = Decimal("0.95")
GROUP_SPEND_MINOR = 50_000
ASSORTMENT = "b2b-range"
DELIVERY = "pallet"
ORDER_LIMIT = Money(25_000, CURRENCY)
CREDIT_STEP = Decimal(1000)

_VAT = {
    "BE": "0.21",
    "DE": "0.19",
    "ES": "0.21",
    "FR": "0.2",
    "IE": "0.23",
    "IT": "0.22",
    "LT": "0.21",
    "NL": "0.21",
    "NO": "0.25",
    "PL": "0.23",
    "PT": "0.23",
}
"""Standard rates of the countries served beside the UK, which has its own."""

COUNTRY_CODES = sorted(COUNTRIES.values())


def store() -> PutStore:
    """The store for companies: net prices, six languages."""
    return PutStore(
        name={
            "en": "Tandem Gifts Wholesale",
            "fr": "Tandem Gifts, vente en gros",
            "pl": "Tandem Gifts, hurtownia",
            "ru": "Tandem Gifts, оптовая торговля",
            "ar": "تاندم للهدايا، بيع بالجملة",
            "zh": "Tandem 礼品批发",
        },
        audience=Audience.B2B,
        currencies=[CURRENCY],
        locales=LOCALES,
        countries=["GB", *(code for code in COUNTRY_CODES if code != "GB")],
        tax_display=TaxDisplay.NET,
        default_assortment=ASSORTMENT,
    )


def assortment(volume_prices: Mapping[str, Sequence[VolumePrice]]) -> PutAssortment:
    """What companies see: what was ever sold, but no lunch boxes, which are for people."""
    return PutAssortment(
        name="What companies see",
        include=AssortmentRule(skus=sorted(volume_prices)),
        exclude=AssortmentRule(categories=["lunch-boxes"]),
    )


def tax_rates() -> dict[str, PutTaxRate]:
    """The standard rates, by key."""
    return {
        f"{country.lower()}-standard": PutTaxRate(
            country=country,
            tax_class="standard",
            rate=rate,
            name=f"VAT {(Decimal(rate) * 100).normalize():f} %",
        )
        for country, rate in _VAT.items()
    }


def delivery() -> PutDeliveryMethod:
    """How companies' orders are brought."""
    return PutDeliveryMethod(
        name={
            "en": "Pallet",
            "fr": "Palette",
            "pl": "Paleta",
            "ru": "Паллета",
            "ar": "منصة شحن",
            "zh": "托盘运输",
        },
        description={"en": "Three to five working days."},
        stores=[STORE],
        countries=COUNTRY_CODES,
        price=UnitPrice(amount="12.00", currency=CURRENCY),
        is_tax_included=False,
    )


def price_lists() -> dict[str, PutPriceList]:
    """The list for every company, and the better one for those that buy much."""
    return {
        PRICE_LIST: PutPriceList(
            name="Wholesale", currency=CURRENCY, stores=[STORE], is_tax_included=False
        ),
        GROUP_PRICE_LIST: PutPriceList(
            name="Wholesale, volume buyers",
            currency=CURRENCY,
            stores=[STORE],
            audience=[PriceAudience(level=AudienceLevel.GROUP, key=GROUP)],
            is_tax_included=False,
        ),
    }


def price_lines(
    volume_prices: Mapping[str, Sequence[VolumePrice]], *, share: Decimal = Decimal(1)
) -> list[PutPriceLine]:
    """The volume prices in EUR, some share of them."""
    return [
        PutPriceLine(
            sku=sku,
            tiers=[
                PriceTier(
                    min_quantity=point.min_quantity,
                    amount=plain_amount(in_eur(point.price, share=share), CURRENCY),
                )
                for point in points
            ],
        )
        for sku, points in volume_prices.items()
    ]


def quantity_rules(articles: Sequence[Article]) -> dict[str, PutQuantityRule]:
    """The best sold candle holder is packed by six."""
    best = max((one for one in articles if one.category == "candles"), key=lambda one: one.sold)
    return {f"{best.sku}-b2b": PutQuantityRule(sku=best.sku, stores=[STORE], minimum=6, multiple=6)}


def group() -> PutCustomerGroup:
    """Companies that have spent much, by rule."""
    return PutCustomerGroup(
        name="Volume buyers", rule=f"lifetime_spend_minor >= {GROUP_SPEND_MINOR}"
    )


def company(customer: Customer) -> PutCompany:
    """A company made of a customer of the file."""
    return PutCompany(
        name=customer.name,
        country=customer.country,
        currency=CURRENCY,
        industry="gift-shops",
        tags=["from-the-retail-file"],
    )


def units(company_key: str) -> dict[str, PutUnit]:
    """Head office and a shop below it, by key."""
    head = f"{company_key}-head-office"
    return {
        head: PutUnit(name="Head office"),
        f"{company_key}-shop": PutUnit(name="Shop", parent=head),
    }


def members(company_key: str, *, password: str | None) -> dict[str, dict[str, Any]]:
    """A buyer in the shop, an approver and an admin in the head office, by key.

    They are plain values: a model would not tell the password.
    """
    secret = {} if password is None else {"password": password}
    head, shop = f"{company_key}-head-office", f"{company_key}-shop"
    domain = f"{company_key}.example"
    return {
        f"{company_key}-buyer": {
            "email": f"buyer@{domain}",
            "name": "Bea Buyer",
            "unit": shop,
            "roles": [Role.BUYER],
            "order_limit": {"amount": ORDER_LIMIT.amount, "currency": CURRENCY},
            **secret,
        },
        f"{company_key}-approver": {
            "email": f"approver@{domain}",
            "name": "Al Approver",
            "unit": head,
            "roles": [Role.BUYER, Role.APPROVER],
            **secret,
        },
        f"{company_key}-admin": {
            "email": f"admin@{domain}",
            "name": "Ada Admin",
            "unit": head,
            "roles": [Role.ADMIN],
            **secret,
        },
    }


def agreement(company_key: str, bought: Decimal) -> PutAgreement:
    """Thirty days, a purchase order number, and credit for twice what was ever bought."""
    limit = (2 * in_eur(bought) / CREDIT_STEP).to_integral_value(rounding=ROUND_UP) * CREDIT_STEP
    return PutAgreement(
        company=company_key,
        payment_days=30,
        credit_limit=Money.parse(str(limit), CURRENCY),
        requires_purchase_order=True,
    )


def budget(company_key: str, *, now: datetime) -> PutBudget:
    """What the shop may spend this year before somebody is asked."""
    return PutBudget(
        unit=f"{company_key}-shop",
        amount=Money.parse("1500", CURRENCY),
        over_budget=OverLimit.APPROVE,
        valid_from=datetime(now.year, 1, 1, tzinfo=UTC),
        valid_to=datetime(now.year + 1, 1, 1, tzinfo=UTC),
    )
