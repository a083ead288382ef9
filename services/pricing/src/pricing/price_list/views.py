"""Price lists and prices as they cross the border."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from contracts.money import plain_amount
from contracts.pricing import Price, PriceAudience, PriceFacts, PriceList, PriceTier
from pricing.price_list.domain import Span, Tiers
from pricing.price_list.tables import PriceListRow


def as_price_list(row: PriceListRow | Row[Any]) -> PriceList:
    """A list as pricing keeps it."""
    return PriceList(
        key=row.key,
        name=row.name,
        currency=row.currency,
        stores=row.stores,
        audience=[PriceAudience.model_validate(one) for one in row.audience],
        is_tax_included=row.is_tax_included,
        priority=row.priority,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        is_published=row.is_published,
        version=row.version,
        updated_at=row.updated_at,
    )


def as_tiers(tiers: Tiers, currency: str) -> list[PriceTier]:
    """Tiers with their amounts as people write them."""
    return [
        PriceTier(min_quantity=quantity, amount=plain_amount(amount, currency))
        for quantity, amount in tiers
    ]


def tiers_of(quantities: Sequence[int], amounts: Sequence[Decimal]) -> Tiers:
    """Tiers as rows keep them: two arrays."""
    return tuple(zip(quantities, amounts, strict=True))


def as_span(row: Row[Any]) -> Span:
    """A stored price as the rules see it."""
    return Span(
        id=row.id,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        tiers=tiers_of(row.tier_quantities, row.tier_amounts),
        sequence=row.sequence,
        recorded_at=row.recorded_from,
    )


def as_price(span: Span, *, price_list: str, sku: str, currency: str) -> Price:
    """A stored price in its window."""
    assert span.recorded_at is not None  # noqa: S101 (only what is stored is told)
    return Price(
        price_list=price_list,
        sku=sku,
        currency=currency,
        tiers=as_tiers(span.tiers, currency),
        valid_from=span.valid_from,
        valid_to=span.valid_to,
        recorded_at=span.recorded_at,
    )


def as_price_facts(span: Span, *, price_list: str, sku: str, currency: str) -> PriceFacts:
    """A price that was set, as events and snapshots tell it."""
    return PriceFacts(
        price_list=price_list,
        sku=sku,
        sequence=span.sequence,
        currency=currency,
        tiers=as_tiers(span.tiers, currency),
        valid_from=span.valid_from,
        valid_to=span.valid_to,
    )
