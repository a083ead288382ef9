"""Resolutions as they cross the border."""

from typing import Any

from sqlalchemy import Row

from contracts.catalog import TaxDisplay
from contracts.money import plain_amount
from contracts.pricing import (
    PricedLine,
    PriceTier,
    PricingOutcome,
    QuantityProblem,
    ResolveLine,
    TaxedAmount,
    TaxTotal,
)
from pricing.quantity_rule.domain import Limits
from pricing.resolve.domain import Charge, Tax, as_shown
from pricing.tax.domain import rate_text


def as_tax_total(tax: Tax, amount: TaxedAmount) -> TaxTotal:
    """The sum of all lines of one rate."""
    return TaxTotal(rate=rate_text(tax.rate), name=tax.name, amount=amount)


def as_tiers(row: Row[Any]) -> list[PriceTier]:
    """All tiers of the list that gave the price, as the store shows prices."""
    shows_gross = row.tax_display == TaxDisplay.GROSS
    return [
        PriceTier(
            min_quantity=quantity,
            amount=plain_amount(
                as_shown(
                    amount, row.rate, is_tax_included=row.is_tax_included, shows_gross=shows_gross
                ),
                row.currency,
            ),
        )
        for quantity, amount in zip(row.tier_quantities, row.tier_amounts, strict=True)
    ]


def as_quantity_problem(line: ResolveLine, limits: Limits) -> QuantityProblem | None:
    """Why a line's quantity is not sold, if it is not."""
    fault = limits.find_fault(line.quantity)
    if fault is None:
        return None
    return QuantityProblem(
        code=fault,
        message=limits.told(line.sku or ""),
        minimum=limits.minimum,
        maximum=limits.maximum,
        multiple=limits.multiple,
    )


def as_line(
    line: ResolveLine,
    charge: Charge | None,
    *,
    tiers: list[PriceTier] | None = None,
    quantity_problem: QuantityProblem | None = None,
) -> PricedLine:
    """What a line costs, or that it has no price."""
    if charge is None:
        return PricedLine(
            ref=line.ref,
            kind=line.kind,
            sku=line.sku,
            quantity=line.quantity,
            outcome=PricingOutcome.NO_PRICE,
            quantity_problem=quantity_problem,
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
        tiers=tiers,
        quantity_problem=quantity_problem,
    )
