"""Writes of prices: one or hundreds in a few statements, nothing overwritten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import column, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.bulk import LineOutcome, LineResult
from contracts.pricing import Price, PriceChanged, PutPrice, PutPriceLine
from contracts.problems import Invalid
from pricing.db import CODE
from pricing.errors import PriceAlreadyPast
from pricing.moments import window_in_utc
from pricing.price_list import queries
from pricing.price_list.domain import Change, Span, Timeline, change_between, put, says_already
from pricing.price_list.tables import PricedSkuRow, PriceRow
from pricing.price_list.views import as_price, as_price_facts


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a price: the span as it is known now."""

    span: Span
    outcome: LineOutcome


async def put_price(
    session: AsyncSession, key: str, sku: str, body: PutPrice, *, now: datetime
) -> tuple[Price, LineOutcome]:
    """Set the price of a SKU in a list for a window; the same again changes nothing.

    Emits PriceChanged. Raises PriceListUnknown, PriceAlreadyPast, MomentOutOfRange.
    """
    price_list = await queries.get_list_row(session, key)
    wanted = {sku: as_wanted(body, now=now)}
    written = (await write_prices(session, price_list, wanted, now=now))[sku]
    price = as_price(written.span, price_list=key, sku=sku, currency=price_list.currency)
    return price, written.outcome


async def put_lines(
    session: AsyncSession,
    price_list: Any,
    lines: Sequence[tuple[int, PutPriceLine]],
    *,
    now: datetime,
) -> list[LineResult]:
    """Set the prices of a bulk request's lines, each of another SKU; a bad line is refused alone.

    Emits PriceChanged.
    """
    wanted: dict[str, Span] = {}
    results: dict[int, LineResult] = {}
    for number, line in lines:
        try:
            wanted[line.sku] = as_wanted(line, now=now)
        except Invalid as problem:
            results[number] = LineResult(
                line=number, key=line.sku, outcome=LineOutcome.REFUSED, errors=problem.errors
            )
    written = await write_prices(session, price_list, wanted, now=now)
    for number, line in lines:
        if number not in results:
            outcome = written[line.sku].outcome
            results[number] = LineResult(line=number, key=line.sku, outcome=outcome)
    return [results[number] for number, _ in lines]


def as_wanted(body: PutPrice, *, now: datetime) -> Span:
    """The price that a body asks for; without a beginning it holds from now on.

    Raises PriceAlreadyPast, MomentOutOfRange.
    """
    valid_from, valid_to = window_in_utc(body.valid_from, body.valid_to)
    if valid_from is None and valid_to is not None and valid_to <= now:
        raise PriceAlreadyPast
    tiers = tuple((tier.min_quantity, Decimal(tier.amount)) for tier in body.tiers)
    return Span(valid_from=valid_from or now, valid_to=valid_to, tiers=tiers)


async def write_prices(
    session: AsyncSession, price_list: Any, wanted: Mapping[str, Span], *, now: datetime
) -> dict[str, Written]:
    """Set prices of several SKUs in one list. `price_list` is a row with id, key and currency.

    A first look, without locks, sorts out what is known already (a nightly full export is nearly
    all of that); the rest queues at its SKUs' rows, is read again, and written. Emits
    PriceChanged, in batches.
    """
    known = await queries.known_timelines(session, price_list.id, list(wanted))
    unsaid = [sku for sku, span in wanted.items() if not says_already(known[sku], span)]
    versions = await _queue_at(session, price_list.id, unsaid)
    if looked_again := [sku for sku in unsaid if versions[sku] > 1]:
        known |= await queries.known_timelines(session, price_list.id, looked_again)
    changes: dict[str, Change] = {}
    results: dict[str, Written] = {}
    for sku, span in wanted.items():
        if says_already(known[sku], span):
            results[sku] = Written(_holding(known[sku], span.valid_from), LineOutcome.UNCHANGED)
            continue
        timeline = put(known[sku], replace(span, sequence=versions[sku]))
        changes[sku] = change_between(known[sku], timeline, now=now)
        outcome = LineOutcome.CREATED if versions[sku] == 1 else LineOutcome.UPDATED
        results[sku] = Written(_holding(changes[sku].recorded, span.valid_from), outcome)
    await _store(session, price_list.id, changes)
    _tell(session, price_list, results)
    return results


def _holding(timeline: Timeline, moment: datetime) -> Span:
    return next(span for span in timeline if span.holds_at(moment))


async def _queue_at(session: AsyncSession, list_id: int, skus: Sequence[str]) -> dict[str, int]:
    """Lock the SKUs of a list, in order, till the transaction ends; their next versions."""
    if not skus:
        return {}
    asked = (
        func.unnest(literal(sorted(skus), ARRAY(CODE)))
        .table_valued("sku", name="asked")
        .render_derived()
    )
    wanted = insert(PricedSkuRow).from_select(
        ["price_list_id", "sku", "sequence"],
        select(literal(list_id, PricedSkuRow.price_list_id.type), asked.c.sku, literal(1)).order_by(
            asked.c.sku
        ),
    )
    statement = wanted.on_conflict_do_update(
        index_elements=[PricedSkuRow.price_list_id, PricedSkuRow.sku],
        set_={"sequence": PricedSkuRow.sequence + 1},
    ).returning(PricedSkuRow.sku, PricedSkuRow.sequence)
    written = await session.execute(statement)
    return {row.sku: row.sequence for row in written}


async def _store(session: AsyncSession, list_id: int, changes: Mapping[str, Change]) -> None:
    """Close the rows that are no longer known, then record the new ones."""
    closed = [
        (span.id, change.recorded_at) for change in changes.values() for span in change.closed
    ]
    if closed:
        await _close(session, closed)
    recorded = [
        {
            "price_list_id": list_id,
            "sku": sku,
            "sequence": span.sequence,
            "tier_quantities": [quantity for quantity, _ in span.tiers],
            "tier_amounts": [amount for _, amount in span.tiers],
            "valid_from": span.valid_from,
            "valid_to": span.valid_to,
            "recorded_from": change.recorded_at,
        }
        for sku, change in changes.items()
        for span in change.recorded
    ]
    if recorded:
        # Without rendered nulls, rows with and without an end would be statements of their own.
        await session.execute(insert(PriceRow), recorded, execution_options={"render_nulls": True})


async def _close(session: AsyncSession, closed: Sequence[tuple[int | None, datetime]]) -> None:
    row_id, moment = PriceRow.id.type, PriceRow.recorded_to.type
    rows = (
        func.unnest(
            literal([id_ for id_, _ in closed], ARRAY(row_id)),
            literal([at for _, at in closed], ARRAY(moment)),
        )
        .table_valued(column("id", row_id), column("recorded_to", moment), name="closed")
        .render_derived()
    )
    await session.execute(
        update(PriceRow)
        .where(PriceRow.id == rows.c.id)
        .values(recorded_to=rows.c.recorded_to)
        .execution_options(synchronize_session=False)
    )


def _tell(session: AsyncSession, price_list: Any, results: Mapping[str, Written]) -> None:
    facts = [
        as_price_facts(
            written.span, price_list=price_list.key, sku=sku, currency=price_list.currency
        )
        for sku, written in results.items()
        if written.outcome is not LineOutcome.UNCHANGED
    ]
    outbox.add_items(
        session, PriceChanged, facts, subject=lambda fact: f"{fact.price_list}/{fact.sku}"
    )
