"""What a line costs, as pure rules.

**The rule of amounts.** A store shows prices with tax (gross) or without (net). The unit price of
a line is told as the store shows it: as the list has it where list and store agree, else turned
by the tax rate and rounded half-up to six decimals, the finest that a unit price may be. Unit
price times quantity, rounded once, half-up, to the currency's exponent, is the line's amount as
the store shows it; the other amount follows by the rate, rounded half-up, and the tax is what
lies between them. So for every line net + tax = gross, what is shown is what is charged, and
totals are sums of lines.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from contracts.money import UNIT_PRICE_DECIMALS, Money, UnitPrice
from contracts.pricing import TaxedAmount
from pricing.tax.domain import net_in_gross, tax_on_net

_FINEST_UNIT = Decimal(1).scaleb(-UNIT_PRICE_DECIMALS)


class AmountTooLarge(ValueError):
    """More than a sum of money may be."""


@dataclass(frozen=True, slots=True)
class Tax:
    """A rate that is due, and its name on an invoice."""

    rate: Decimal
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a price came from."""

    price_list: str
    tier_min_quantity: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What a line comes to: the price of one piece as the store shows it, and the amount."""

    unit_price: UnitPrice
    is_tax_included: bool
    amount: TaxedAmount
    tax: Tax
    source: Source | None = None


def tier_index(quantities: Sequence[int], quantity: int) -> int:
    """Which tier holds: the last whose minimum quantity is reached. The first begins at 1."""
    return bisect_right(quantities, quantity) - 1


def charge(
    price: Decimal,
    quantity: int,
    *,
    currency: str,
    tax: Tax,
    is_tax_included: bool,
    shows_gross: bool,
    source: Source | None = None,
) -> Charge:
    """Charge so many pieces at a price, by the rule of amounts. Raises AmountTooLarge."""
    shown = as_shown(price, tax.rate, is_tax_included=is_tax_included, shows_gross=shows_gross)
    try:
        unit_price = UnitPrice.of(shown, currency)
        amount = taxed(unit_price.times(quantity), tax.rate, is_gross=shows_gross)
    except ValueError:
        raise AmountTooLarge from None
    return Charge(unit_price, shows_gross, amount, tax, source)


def as_shown(price: Decimal, rate: Decimal, *, is_tax_included: bool, shows_gross: bool) -> Decimal:
    """Turn the price of one piece into one with or without tax, as the store shows it."""
    if is_tax_included == shows_gross:
        return price
    turned = price * (1 + rate) if shows_gross else price / (1 + rate)
    return turned.quantize(_FINEST_UNIT, rounding=ROUND_HALF_UP)


def taxed(shown: Money, rate: Decimal, *, is_gross: bool) -> TaxedAmount:
    """Split a gross amount, or add to a net one. ValueError when that becomes too large."""
    currency = shown.currency
    if is_gross:
        net = Money(net_in_gross(shown.minor, rate), currency)
        return TaxedAmount(net=net, tax=shown - net, gross=shown)
    tax = Money(tax_on_net(shown.minor, rate), currency)
    return TaxedAmount(net=shown, tax=tax, gross=shown + tax)


def total_of(amounts: Iterable[TaxedAmount], currency: str) -> TaxedAmount:
    """The sum of amounts. Raises AmountTooLarge."""
    net = gross = 0
    for amount in amounts:
        net += amount.net.minor
        gross += amount.gross.minor
    try:
        return TaxedAmount(
            net=Money(net, currency),
            tax=Money(gross - net, currency),
            gross=Money(gross, currency),
        )
    except ValueError:
        raise AmountTooLarge from None


def totals_by_tax(charges: Iterable[Charge], currency: str) -> list[tuple[Tax, TaxedAmount]]:
    """The sums by rate and name, the highest rate first. Raises AmountTooLarge."""
    parts: dict[Tax, list[TaxedAmount]] = {}
    for one in charges:
        parts.setdefault(one.tax, []).append(one.amount)
    ordered = sorted(parts.items(), key=lambda part: (-part[0].rate, part[0].name))
    return [(tax, total_of(amounts, currency)) for tax, amounts in ordered]
