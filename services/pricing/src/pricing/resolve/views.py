"""Resolutions as they cross the border."""

from contracts.pricing import PricedLine, PricingOutcome, ResolveLine, TaxedAmount, TaxTotal
from pricing.resolve.domain import Charge, Tax
from pricing.tax.domain import rate_text


def as_tax_total(tax: Tax, amount: TaxedAmount) -> TaxTotal:
    """The sum of all lines of one rate."""
    return TaxTotal(rate=rate_text(tax.rate), name=tax.name, amount=amount)


def as_line(line: ResolveLine, charge: Charge | None) -> PricedLine:
    """What a line costs, or that it has no price."""
    if charge is None:
        return PricedLine(
            ref=line.ref,
            kind=line.kind,
            sku=line.sku,
            quantity=line.quantity,
            outcome=PricingOutcome.NO_PRICE,
        )
    return PricedLine(
        ref=line.ref,
        kind=line.kind,
        sku=line.sku,
        quantity=line.quantity,
        outcome=PricingOutcome.PRICED,
        unit_price=charge.unit_price,
        is_tax_included=charge.is_tax_included,
        total=charge.amount,
        tax_rate=rate_text(charge.tax.rate),
        price_list=charge.source.price_list if charge.source else None,
        tier_min_quantity=charge.source.tier_min_quantity if charge.source else None,
    )
