"""Calls to other services: one function a call. What comes back is checked to add up, for it
becomes what somebody pays.
"""

from collections.abc import Sequence

from chassis.http import NeighbourUnavailable
from chassis.runtime import Runtime
from contracts.catalog import CheckEntitlement, Entitlement, SkuEntitlement
from contracts.pricing import (
    PricedLine,
    PriceResolution,
    PricingOutcome,
    ResolvePrices,
    TaxedAmount,
)
from contracts.problems import Problem, Unavailable
from orders.errors import CartNotPriceable, CartTooExpensive

_TOO_LARGE = frozenset({"line-too-large", "total-too-large"})


async def resolve_prices(runtime: Runtime, asked: ResolvePrices) -> PriceResolution:
    """What lines cost now.

    Raises CartTooExpensive, CartNotPriceable when pricing cannot say (no tax rate for the
    country, say), and NeighbourUnavailable, also for an answer that does not add up or while
    pricing has not heard of the store yet.
    """
    pricing = runtime.neighbours["pricing"]
    try:
        reply = await pricing.post(
            "/v1/prices/resolve",
            content=asked.model_dump_json().encode(),
            headers=_JSON,
            is_read=True,
        )
    except Unavailable:
        raise
    except Problem as problem:
        if problem.code in _TOO_LARGE:
            raise CartTooExpensive from problem
        if problem.code == "store-unknown":
            raise NeighbourUnavailable("pricing", "it does not know the store yet") from problem
        raise CartNotPriceable(problem.detail) from problem
    resolution = reply.parse(PriceResolution)
    if not _answers(asked, resolution):
        raise NeighbourUnavailable("pricing", "its answer does not add up")
    return resolution


async def check_entitlement(
    runtime: Runtime, store: str, skus: Sequence[str]
) -> dict[str, SkuEntitlement]:
    """Which SKUs may be ordered in a store now. Raises NeighbourUnavailable."""
    asked = CheckEntitlement(store=store, skus=list(skus))
    reply = await runtime.neighbours["catalog"].post(
        "/v1/entitlements/check",
        content=asked.model_dump_json().encode(),
        headers=_JSON,
        is_read=True,
    )
    items = {item.sku: item for item in reply.parse(Entitlement).items}
    if items.keys() != set(skus):
        raise NeighbourUnavailable("catalog", "its answer is about something else")
    return items


_JSON = {"Content-Type": "application/json"}


def _answers(asked: ResolvePrices, resolution: PriceResolution) -> bool:
    """Whether an answer is about the lines asked, and its sums are those of its lines."""
    if asked.currency is not None and resolution.currency != asked.currency:
        return False
    if len(resolution.lines) != len(asked.lines):
        return False
    both = zip(asked.lines, resolution.lines, strict=True)
    if not all(_is_about(priced, line.ref, line.quantity) for line, priced in both):
        return False
    totals = [line.total for line in resolution.lines if line.total is not None]
    return _adds_up([*totals, *(tax.amount for tax in resolution.taxes)], resolution.currency) and (
        _sums(totals) == _sums([resolution.total]) == _sums([t.amount for t in resolution.taxes])
    )


def _is_about(priced: PricedLine, ref: str, quantity: int) -> bool:
    is_priced = priced.outcome is PricingOutcome.PRICED
    is_whole = priced.total is not None and priced.unit_price is not None
    return priced.ref == ref and priced.quantity == quantity and is_priced == is_whole


def _adds_up(amounts: Sequence[TaxedAmount], currency: str) -> bool:
    return all(
        one.net.minor + one.tax.minor == one.gross.minor
        and one.net.currency == one.tax.currency == one.gross.currency == currency
        for one in amounts
    )


def _sums(amounts: Sequence[TaxedAmount]) -> tuple[int, int, int]:
    return (
        sum(one.net.minor for one in amounts),
        sum(one.tax.minor for one in amounts),
        sum(one.gross.minor for one in amounts),
    )
