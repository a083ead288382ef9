"""What lines cost a buyer: one statement, however many lines there are, and the rules applied.

It is put together from what the features' own `queries` offer, for it reads five of their tables.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Integer,
    Row,
    Select,
    bindparam,
    column,
    exists,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.catalog import Audience, TaxDisplay
from contracts.pricing import LineKind, PricedLine, PriceResolution, ResolveLine, ResolvePrices
from pricing.db import CODE
from pricing.errors import (
    CountryNotServed,
    CountryWithoutTax,
    CurrencyNotOfStore,
    LineCurrencyDiffers,
    LineTooLarge,
    StoreUnknown,
    TaxClassUnknown,
    TotalTooLarge,
)
from pricing.moments import in_utc
from pricing.price_list.domain import Reach, reach_of
from pricing.price_list.queries import AsReach, best_offer
from pricing.product.queries import on_sale
from pricing.quantity_rule.domain import strictest
from pricing.quantity_rule.queries import limits_of
from pricing.resolve.domain import (
    AmountTooLarge,
    Charge,
    Source,
    Tax,
    charge,
    tier_index,
    total_of,
    totals_by_tax,
)
from pricing.resolve.viewer import Viewer
from pricing.resolve.views import as_line, as_quantity_problem, as_tax_total, as_tiers
from pricing.store.queries import selling
from pricing.tax.queries import rates_in

_MOMENT = TIMESTAMP(timezone=True)


def _statement(known_at: ColumnElement[datetime] | None, *, for_buyer: bool) -> Select[Any]:
    """For each SKU or tax class asked for: where it is sold, its tax, its best offer, and in
    which quantities it is sold.
    """
    at = bindparam("at", type_=_MOMENT)
    store = bindparam("store", type_=CODE)
    sale = selling(store, bindparam("currency", type_=CODE), bindparam("country", type_=CODE))
    rates = rates_in(sale, at)
    asked = (
        func.unnest(
            bindparam("skus", type_=ARRAY(CODE)), bindparam("tax_classes", type_=ARRAY(CODE))
        )
        .table_valued(column("sku", CODE), column("tax_class", CODE), name="asked")
        .render_derived()
    )
    product = on_sale()
    tax_class = func.coalesce(asked.c.tax_class, product.c.tax_class)
    reach = _reach() if for_buyer else None
    offer = best_offer(
        asked.c.sku,
        store=store,
        currency=select(sale.c.currency).correlate(None).scalar_subquery(),
        at=at,
        known_at=known_at,
        reach=reach,
    )
    limits = limits_of(asked.c.sku, store=store)
    return (
        select(
            sale.c.tax_display,
            sale.c.audience,
            sale.c.currency,
            sale.c.country,
            sale.c.sells,
            sale.c.serves,
            exists().select_from(rates).label("is_taxed"),
            asked.c.sku,
            asked.c.tax_class,
            rates.c.rate,
            rates.c.name,
            offer.c.price_list,
            offer.c.is_tax_included,
            offer.c.tier_quantities,
            offer.c.tier_amounts,
            limits.c.minimum,
            limits.c.maximum,
            limits.c.multiples,
        )
        .select_from(sale)
        .join(asked, true())
        .outerjoin(product, product.c.sku == asked.c.sku)
        .outerjoin(rates, rates.c.tax_class == tax_class)
        .outerjoin(offer, true())
        .outerjoin(limits, true())
    )


def _reach() -> AsReach:
    """A buyer's audiences and their ranks, as they are given."""
    audiences = bindparam("audiences", type_=ARRAY(CODE))
    ranked = (
        func.unnest(audiences, bindparam("ranks", type_=ARRAY(Integer)))
        .table_valued(column("audience", CODE), column("rank", Integer), name="reach")
        .render_derived()
    )
    return AsReach(audiences, ranked)


_KNOWN_AT = bindparam("known_at", type_=_MOMENT)
_STATEMENTS = {
    (was_known, for_buyer): _statement(_KNOWN_AT if was_known else None, for_buyer=for_buyer)
    for was_known in (False, True)
    for for_buyer in (False, True)
}


async def resolve_prices(
    connection: AsyncConnection, asked: ResolvePrices, *, viewer: Viewer, now: datetime
) -> PriceResolution:
    """Price lines for a buyer of a store, with tax.

    A store for companies prices nothing for those who are no buyer and may not see any buyer's.

    An item has no price where no list has one for it, and where its product is unknown (its event
    has not come yet), gone, unpublished, or of a tax class that the country has no rate for: no
    price is told before all of it is known. Lists and rates are taken as they are now, prices as
    they were known at `known_at`.

    Raises TokenMissing, MissingScope, StoreUnknown, CurrencyNotOfStore, CountryNotServed,
    CountryWithoutTax, TaxClassUnknown, LineCurrencyDiffers, LineTooLarge, TotalTooLarge,
    MomentOutOfRange.
    """
    at = now if asked.at is None else in_utc(asked.at, field="/at")
    known_at = None if asked.known_at is None else in_utc(asked.known_at, field="/known_at")
    reach = None if viewer.profile is None else reach_of(viewer.profile, at=at)
    rows = await find_offers(connection, asked, at=at, known_at=known_at, reach=reach)
    sale = _sale_of(asked, rows)
    if sale.audience == Audience.B2B and viewer.profile is None:
        viewer.require_any()
    by_sku = {row.sku: row for row in rows}
    by_class = {row.tax_class: row for row in rows}
    lines: list[PricedLine] = []
    charges: list[Charge] = []
    for index, line in enumerate(asked.lines):
        is_item = line.kind is LineKind.ITEM
        row = by_sku[line.sku] if is_item else by_class[line.tax_class]
        try:
            charge = _charge_item(line, row) if is_item else _charge_given(index, line, row)
        except AmountTooLarge:
            raise LineTooLarge(index, line.ref) from None
        if charge is not None:
            charges.append(charge)
        lines.append(_line(asked, line, row, charge))
    return _resolution(asked, sale, at, lines, charges)


async def find_offers(
    connection: AsyncConnection,
    asked: ResolvePrices,
    *,
    at: datetime,
    known_at: datetime | None,
    reach: Reach | None = None,
) -> Sequence[Row[Any]]:
    """A row for each different SKU and tax class of the lines, every one with the store's terms.

    No row at all without the store. `rate` is null where the SKU is not on sale or has no rate,
    `price_list` where no list has a price.
    """
    skus = dict.fromkeys(line.sku for line in asked.lines if line.sku is not None)
    classes = dict.fromkeys(line.tax_class for line in asked.lines if line.tax_class is not None)
    values: dict[str, Any] = {
        "store": asked.store,
        "currency": asked.currency,
        "country": asked.country,
        "at": at,
        "skus": [*skus, *(None for _ in classes)],
        "tax_classes": [*(None for _ in skus), *classes],
    }
    if known_at is not None:
        values["known_at"] = known_at
    if reach is not None:
        values |= {"audiences": list(reach.audiences), "ranks": list(reach.ranks)}
    statement = _STATEMENTS[known_at is not None, reach is not None]
    result: CursorResult[Any] = await connection.execute(statement, values)
    return result.all()


def _sale_of(asked: ResolvePrices, rows: Sequence[Row[Any]]) -> Row[Any]:
    """The terms of the sale, which all rows have alike; raises where there is none."""
    if not rows:
        raise StoreUnknown(asked.store)
    sale = rows[0]
    if not sale.sells:
        raise CurrencyNotOfStore(asked.store, sale.currency)
    if not sale.serves:
        raise CountryNotServed(asked.store, sale.country)
    if not sale.is_taxed:
        raise CountryWithoutTax(sale.country)
    return sale


def _line(
    asked: ResolvePrices, line: ResolveLine, row: Row[Any], charge: Charge | None
) -> PricedLine:
    """A line with its tiers, where they were asked for, and what is wrong with its quantity."""
    tiers, problem = None, None
    if line.kind is LineKind.ITEM:
        if asked.include_tiers and charge is not None:
            tiers = as_tiers(row)
        if row.minimum is not None:
            limits = strictest(row.minimum, row.maximum, row.multiples)
            problem = as_quantity_problem(line, limits)
    return as_line(line, charge, tiers=tiers, quantity_problem=problem)


def _charge_item(line: ResolveLine, row: Row[Any]) -> Charge | None:
    if row.price_list is None or row.rate is None:
        return None
    tier = tier_index(row.tier_quantities, line.quantity)
    return charge(
        row.tier_amounts[tier],
        line.quantity,
        currency=row.currency,
        tax=Tax(row.rate, row.name),
        is_tax_included=row.is_tax_included,
        shows_gross=row.tax_display == TaxDisplay.GROSS,
        source=Source(row.price_list, row.tier_quantities[tier]),
    )


def _charge_given(index: int, line: ResolveLine, row: Row[Any]) -> Charge:
    """Charge delivery or a fee at the price that the line brings."""
    assert line.unit_price is not None  # noqa: S101 (the contract says so of these kinds)
    if line.unit_price.currency != row.currency:
        raise LineCurrencyDiffers(index, row.currency)
    if row.rate is None:
        raise TaxClassUnknown(index, row.tax_class, row.country)
    return charge(
        Decimal(line.unit_price.amount),
        line.quantity,
        currency=row.currency,
        tax=Tax(row.rate, row.name),
        is_tax_included=line.is_tax_included,
        shows_gross=row.tax_display == TaxDisplay.GROSS,
    )


def _resolution(
    asked: ResolvePrices,
    sale: Row[Any],
    at: datetime,
    lines: list[PricedLine],
    charges: Sequence[Charge],
) -> PriceResolution:
    try:
        total = total_of((one.amount for one in charges), sale.currency)
    except AmountTooLarge:
        raise TotalTooLarge from None
    return PriceResolution(
        store=asked.store,
        currency=sale.currency,
        country=sale.country,
        tax_display=sale.tax_display,
        at=at,
        lines=lines,
        taxes=[as_tax_total(tax, part) for tax, part in totals_by_tax(charges, sale.currency)],
        total=total,
    )
