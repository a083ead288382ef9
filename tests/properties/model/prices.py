"""What things cost, looked up anew each time and reckoned in exact fractions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import floor
from typing import Protocol

from contracts.pricing import PutPrice, PutPriceList, PutTaxRate
from tests.properties.model.catalog import Catalog
from tests.properties.model.kept import Kept
from tests.properties.model.refused import Refused

NOW = datetime(2050, 1, 1, tzinfo=UTC)
"""Stands for now: no window of a test begins or ends between the real now and this."""
DECIMALS = {"GBP": 2, "JPY": 0, "KWD": 3}
LARGEST_MINOR = 10**15
LARGEST_UNIT_PRICE = 10**12


@dataclass(frozen=True)
class Amount:
    """Minor units without tax, of tax, and with it."""

    net: int = 0
    tax: int = 0
    gross: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.net + other.net, self.tax + other.tax, self.gross + other.gross)


@dataclass(frozen=True)
class Wish:
    """A line to price: a SKU, or a price that the line brings itself."""

    quantity: int = 1
    sku: str | None = None
    unit_price: str = "0"
    is_tax_included: bool = True
    tax_class: str = ""


@dataclass(frozen=True)
class Charge:
    """What a line comes to, the price of a piece as the store shows it."""

    unit_price: Fraction
    amount: Amount
    rate: Fraction
    tax: str
    price_list: str | None = None
    tier: int | None = None


@dataclass(frozen=True)
class Bill:
    """What lines come to; None for one without a price."""

    charges: list[Charge | None]

    @property
    def total(self) -> Amount:
        """The sum of all lines."""
        return sum((one.amount for one in self.charges if one), Amount())

    @property
    def taxes(self) -> list[tuple[Fraction, str, Amount]]:
        """The sum of each rate, the highest first."""
        charges = [one for one in self.charges if one]
        rates = sorted({(-one.rate, one.tax) for one in charges})
        return [
            (
                -rate,
                tax,
                sum(
                    (one.amount for one in charges if (-one.rate, one.tax) == (rate, tax)), Amount()
                ),
            )
            for rate, tax in rates
        ]


class Window(Protocol):
    """From when something holds, and until when, exclusive."""

    @property
    def valid_from(self) -> datetime | None: ...
    @property
    def valid_to(self) -> datetime | None: ...


def holds(window: Window, at: datetime) -> bool:
    """Whether the moment lies in the window; None is open."""
    return (window.valid_from is None or window.valid_from <= at) and (
        window.valid_to is None or at < window.valid_to
    )


class Prices:
    """Price lists, the prices ever set in them, and tax rates."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.lists: Kept[PutPriceList] = Kept()
        self.rates: Kept[PutTaxRate] = Kept()
        self.written: dict[tuple[str, str], list[PutPrice]] = {}
        self.known: dict[tuple[str, str], list[datetime]] = {}
        """When each of the written became known, as the shop told."""

    def put_list(self, key: str, body: PutPriceList) -> int:
        """Write a list; its currency and its way with tax stay."""
        old = self.lists.bodies.get(key)
        if old is not None and (old.currency, old.is_tax_included) != (
            body.currency,
            body.is_tax_included,
        ):
            raise Refused(409, "price-list-fixed")
        return self.lists.put(key, body)

    def put_rate(self, key: str, body: PutTaxRate) -> int:
        """Write a rate; two may not hold for the same at one moment (none here has a window)."""
        for other, rate in self.rates.bodies.items():
            if other != key and (rate.country, rate.tax_class) == (body.country, body.tax_class):
                raise Refused(409, "tax-rate-overlaps")
        return self.rates.put(key, body)

    def check_price(self, key: str, body: PutPrice) -> None:
        """Whether that price may be set."""
        if key not in self.lists.bodies:
            raise Refused(404, "price-list-unknown")
        if body.valid_from is None and body.valid_to is not None and body.valid_to <= NOW:
            raise Refused(422, "price-already-past")

    def note_price(self, key: str, sku: str, body: PutPrice, *, known_at: datetime) -> bool:
        """Keep a price that was set; False if it was known already and so changed nothing."""
        known = self.known.setdefault((key, sku), [])
        if known and known_at <= known[-1]:
            return False
        known.append(known_at)
        start = body.valid_from or NOW
        kept = body.model_copy(update={"valid_from": start})
        self.written.setdefault((key, sku), []).append(kept)
        return True

    def price_at(
        self, key: str, sku: str, at: datetime = NOW, *, known_at: datetime | None = None
    ) -> PutPrice | None:
        """The price in a list at a moment: of those known, the one set last for that moment."""
        both = zip(self.written.get((key, sku), ()), self.known.get((key, sku), ()), strict=True)
        found = [
            body for body, since in both if holds(body, at) and (not known_at or since <= known_at)
        ]
        return found[-1] if found else None

    def get_price(self, key: str, sku: str, at: datetime, *, known_at: datetime | None) -> PutPrice:
        """As `price_at`, of a list and a price that must be there."""
        if key not in self.lists.bodies:
            raise Refused(404, "price-list-unknown")
        found = self.price_at(key, sku, at, known_at=known_at)
        if found is None:
            raise Refused(404, "price-unknown")
        return found

    def resolve(
        self,
        store_key: str,
        currency: str,
        country: str,
        wishes: Sequence[Wish],
        at: datetime = NOW,
    ) -> Bill:
        """What lines cost a buyer of a store."""
        store = self.catalog.stores.bodies[store_key]
        if currency not in store.currencies:
            raise Refused(422, "currency-not-of-store")
        if country not in store.countries:
            raise Refused(422, "country-not-served")
        if not any(one.country == country and holds(one, at) for one in self.rates.bodies.values()):
            raise Refused(422, "country-without-tax")
        shows_gross = store.tax_display == "gross"
        bill = Bill(
            [self._charge(store_key, currency, country, shows_gross, wish, at) for wish in wishes]
        )
        if bill.total.gross > LARGEST_MINOR:
            raise Refused(422, "total-too-large")
        return bill

    def _charge(
        self, store: str, currency: str, country: str, shows_gross: bool, wish: Wish, at: datetime
    ) -> Charge | None:
        if wish.sku is None:
            rate = self._rate(country, wish.tax_class, at)
            if rate is None:
                raise Refused(422, "tax-class-unknown")
            price = Fraction(wish.unit_price)
            return charge(price, wish.quantity, currency, rate, wish.is_tax_included, shows_gross)
        sold = self.catalog.sold(wish.sku)
        offer = self._offer(wish.sku, store, currency, at)
        rate = self._rate(country, sold[1].tax_class, at) if sold else None
        if offer is None or rate is None:
            return None
        key, included, price_row = offer
        tier = [one for one in price_row.tiers if one.min_quantity <= wish.quantity][-1]
        return charge(
            Fraction(tier.amount),
            wish.quantity,
            currency,
            rate,
            included,
            shows_gross,
            price_list=key,
            tier=tier.min_quantity,
        )

    def _rate(self, country: str, tax_class: str, at: datetime) -> PutTaxRate | None:
        for rate in self.rates.bodies.values():
            if (rate.country, rate.tax_class) == (country, tax_class) and holds(rate, at):
                return rate
        return None

    def _offer(
        self, sku: str, store: str, currency: str, at: datetime
    ) -> tuple[str, bool, PutPrice] | None:
        """The first list with a price wins: highest priority, then key."""
        for key, body in sorted(
            self.lists.bodies.items(), key=lambda item: (-item[1].priority, item[0])
        ):
            may = body.is_published and body.currency == currency and holds(body, at)
            price = self.price_at(key, sku, at)
            if may and (not body.stores or store in body.stores) and price is not None:
                return key, body.is_tax_included, price
        return None


def charge(
    price: Fraction,
    quantity: int,
    currency: str,
    rate: PutTaxRate,
    is_tax_included: bool,
    shows_gross: bool,
    *,
    price_list: str | None = None,
    tier: int | None = None,
) -> Charge:
    """Turn the price as the store shows it, to six decimals; round the line once; split it."""
    factor = 1 + Fraction(rate.rate)
    if is_tax_included and not shows_gross:
        price = half_up(price / factor * 10**6) / Fraction(10**6)
    elif shows_gross and not is_tax_included:
        price = half_up(price * factor * 10**6) / Fraction(10**6)
    shown = half_up(price * quantity * 10 ** DECIMALS[currency])
    if shows_gross:
        net, gross = half_up(shown / factor), shown
    else:
        net, gross = shown, shown + half_up(shown * (factor - 1))
    if price >= LARGEST_UNIT_PRICE or gross > LARGEST_MINOR:
        raise Refused(422, "line-too-large")
    return Charge(price, Amount(net, gross - net, gross), factor - 1, rate.name, price_list, tier)


def half_up(value: Fraction) -> int:
    """The nearest whole number, the larger of two; nothing here is negative."""
    return floor(value + Fraction(1, 2))
