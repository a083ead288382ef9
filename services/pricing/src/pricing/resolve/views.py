"""Resolutions as they cross the border."""

from contracts.pricing import PricedLine, PricingOutcome, ResolveLine, TaxedAmount, TaxTotal
from pricing.resolve.domain import Amount, Charge, Tax
from pricing.tax.domain import rate_text


def as_taxed_amount(amount: Amount) -> TaxedAmount:
    """Net, tax and gross."""
    return TaxedAmount(net=amount.net, tax=amount.tax, gross=amount.gross)


def as_tax_total(tax: Tax, amount: Amount) -> TaxTotal:
    """The sum of all lines of one rate."""
    return TaxTotal(rate=rate_text(tax.rate), name=tax.name, amount=as_taxed_amount(amount))


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
        total=as_taxed_amount(charge.amount),
        tax_rate=rate_text(charge.tax.rate),
        price_list=charge.source.price_list if charge.source else None,
        tier_min_quantity=charge.source.tier_min_quantity if charge.source else None,
    )
