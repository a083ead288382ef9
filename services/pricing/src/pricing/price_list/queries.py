"""Reads of price lists and prices."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    and_,
    any_,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.types import NULLTYPE

from contracts.pricing import Price, PriceFacts, PriceList
from pricing.db import CODE
from pricing.errors import PriceListUnknown, PriceUnknown
from pricing.moments import holds_at
from pricing.price_list.domain import Timeline
from pricing.price_list.tables import (
    ALL_STORES,
    EVERYBODY,
    PricedSkuRow,
    PriceListRow,
    PriceListStoreRow,
    PriceRow,
)
from pricing.price_list.views import as_price, as_price_facts, as_price_list, as_span

_LISTS = select(*PriceListRow.__table__.c)
_PRICES = select(*PriceRow.__table__.c)
_FEW = 12
"""So many lists a SKU is looked up in one by one."""


class AsReach(NamedTuple):
    """The audiences that a buyer belongs to, in a statement: all of them as an array, and each
    with its rank (`audience`, `rank`).
    """

    audiences: ColumnElement[Any]
    ranked: FromClause


async def get_price_list(connection: AsyncConnection, key: str) -> PriceList:
    """One list. Raises PriceListUnknown."""
    row = (await connection.execute(_LISTS.where(PriceListRow.key == key))).one_or_none()
    if row is None:
        raise PriceListUnknown(key)
    return as_price_list(row)


async def get_list_row(connection: AsyncConnection | AsyncSession, key: str) -> Row[int, str, str]:
    """Id, key and currency of a list. Raises PriceListUnknown."""
    wanted = select(PriceListRow.id, PriceListRow.key, PriceListRow.currency)
    row = (await connection.execute(wanted.where(PriceListRow.key == key))).one_or_none()
    if row is None:
        raise PriceListUnknown(key)
    return row


async def list_price_lists(
    connection: AsyncConnection, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Lists by key, from behind `after`."""
    page = _LISTS.where(PriceListRow.key > after).order_by(PriceListRow.key).limit(limit)
    return (await connection.execute(page)).all()


def is_known_at(moment: Any) -> ColumnElement[bool]:
    """Condition: the price was known at that moment; None: it is known now."""
    if moment is None:
        return PriceRow.recorded_to.is_(None)
    return and_(
        PriceRow.recorded_from <= moment,
        or_(PriceRow.recorded_to.is_(None), PriceRow.recorded_to > moment),
    )


def best_offer(
    sku: ColumnElement[str],
    *,
    store: ColumnElement[str],
    currency: ColumnElement[str],
    at: ColumnElement[datetime],
    known_at: ColumnElement[datetime] | None,
    reach: AsReach | None = None,
) -> FromClause:
    """The price of a SKU in a store: the row of the list that goes first, if any.

    Candidates are published lists in that currency that hold in the store at that moment, for
    the audiences of `reach` (None: only those for everybody). Of those with a price for the SKU
    the one of the smallest rank goes first, then of the highest priority, then by key.

    Lists of other stores or buyers are never looked at, however many. Where a buyer has few
    lists, as nearly all have, the SKU is looked up in each of them, so that a SKU in the lists
    of a thousand others costs no more than one in none. Where they have many, the planner goes
    from them or from the SKU, whichever has fewer, so that lists without the SKU cost nothing.
    """
    lists = _lists_for(store, currency=currency, at=at, reach=reach)
    few = lists.limit(_FEW + 1).cte("few")
    count = select(func.count()).select_from(few).scalar_subquery()
    held = and_(
        PriceRow.sku == sku,
        is_known_at(known_at),
        PriceRow.valid_from <= at,
        or_(PriceRow.valid_to.is_(None), PriceRow.valid_to > at),
    )
    # The limit keeps it at one list a time, so that a guess about average SKUs never makes it
    # read all prices of a SKU instead; in `far` it keeps it at one SKU a time.
    found = (
        select(PriceRow.id)
        .where(held, PriceRow.price_list_id == few.c.id)
        .limit(1)
        .correlate_except(PriceRow)
        .lateral("found")
    )
    near = (
        select(found.c.id, few.c.key, few.c.is_tax_included, few.c.rank, few.c.priority)
        .join_from(few, found, true())
        .where(count <= _FEW)
    )
    many = lists.correlate_except(PriceListRow, PriceListStoreRow).subquery("many")
    far = (
        select(PriceRow.id, many.c.key, many.c.is_tax_included, many.c.rank, many.c.priority)
        .join_from(PriceRow, many, many.c.id == PriceRow.price_list_id)
        .where(held, count > _FEW)
        .correlate_except(PriceRow, many)
    )
    either = union_all(near, far).subquery("either")
    best = (
        select(either)
        .order_by(either.c.rank, either.c.priority.desc(), either.c.key)
        .limit(1)
        .subquery("best")
    )
    chosen = aliased(PriceRow)
    return (
        select(
            best.c.key.label("price_list"),
            best.c.is_tax_included,
            # The driver gives lists of int and Decimal; SQLAlchemy would only go over them again.
            type_coerce(chosen.tier_quantities, NULLTYPE).label("tier_quantities"),
            type_coerce(chosen.tier_amounts, NULLTYPE).label("tier_amounts"),
        )
        .select_from(best)
        .join(chosen, chosen.id == best.c.id)
        .lateral("offer")
    )


def _lists_for(
    store: ColumnElement[str],
    *,
    currency: ColumnElement[str],
    at: ColumnElement[datetime],
    reach: AsReach | None,
) -> Select[Any]:
    """The lists that hold in a store for a buyer, with their ranks."""
    lists = (
        select(
            PriceListRow.id,
            PriceListRow.key,
            PriceListRow.is_tax_included,
            PriceListRow.priority,
        )
        .join(PriceListStoreRow, PriceListStoreRow.price_list_id == PriceListRow.id)
        .where(
            PriceListStoreRow.store == any_(array([literal(ALL_STORES, CODE), store])),
            PriceListRow.is_published,
            PriceListRow.currency == currency,
            holds_at(PriceListRow, at),
        )
    )
    if reach is None:
        everybody = PriceListStoreRow.audience == EVERYBODY
        return lists.add_columns(literal(0).label("rank")).where(everybody)
    # As an array too: a join alone would read the lists of all buyers.
    ranked = reach.ranked
    return (
        lists.add_columns(ranked.c.rank)
        .join(ranked, ranked.c.audience == PriceListStoreRow.audience)
        .where(PriceListStoreRow.audience == any_(reach.audiences))
    )


async def get_price(
    connection: AsyncConnection, key: str, sku: str, *, at: datetime, known_at: datetime | None
) -> Price:
    """The price of a SKU in a list. Raises PriceListUnknown, PriceUnknown."""
    price_list = await get_list_row(connection, key)
    statement = _PRICES.where(
        PriceRow.sku == sku,
        PriceRow.price_list_id == price_list.id,
        holds_at(PriceRow, at),
        is_known_at(known_at),
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise PriceUnknown(key, sku)
    return as_price(as_span(row), price_list=key, sku=sku, currency=price_list.currency)


async def list_prices(
    connection: AsyncConnection,
    key: str,
    *,
    at: datetime,
    known_at: datetime | None,
    after: str,
    limit: int,
) -> list[Price]:
    """The prices of a list by SKU, from behind `after`. Raises PriceListUnknown.

    The SKUs are walked in the order of their own key, so a page costs the same wherever it lies.
    """
    price_list = await get_list_row(connection, key)
    held = (
        _PRICES.where(
            PriceRow.sku == PricedSkuRow.sku,
            PriceRow.price_list_id == PricedSkuRow.price_list_id,
            holds_at(PriceRow, at),
            is_known_at(known_at),
        )
        .correlate(PricedSkuRow)
        .lateral("held")
    )
    statement = (
        select(*held.c)
        .select_from(PricedSkuRow)
        .join(held, onclause=true())
        .where(PricedSkuRow.price_list_id == price_list.id, PricedSkuRow.sku > after)
        .order_by(PricedSkuRow.sku)
        .limit(limit)
    )
    return [
        as_price(as_span(row), price_list=key, sku=row.sku, currency=price_list.currency)
        for row in await connection.execute(statement)
    ]


async def known_timelines(
    session: AsyncSession, list_id: int, skus: Sequence[str]
) -> dict[str, Timeline]:
    """What is known now of each SKU in a list, the empty timeline for one without a price."""
    statement = _PRICES.where(
        PriceRow.sku == any_(literal(list(skus), ARRAY(CODE))),
        PriceRow.price_list_id == list_id,
        PriceRow.recorded_to.is_(None),
    ).order_by(PriceRow.sku, PriceRow.valid_from)
    spans: dict[str, list[Any]] = {sku: [] for sku in skus}
    for row in await session.execute(statement):
        spans[row.sku].append(as_span(row))
    return {sku: tuple(known) for sku, known in spans.items()}


async def stream_price_lists(connection: AsyncConnection) -> AsyncIterator[PriceList]:
    """Every list, for the snapshot."""
    async with connection.stream(_LISTS.order_by(PriceListRow.key)) as rows:
        async for row in rows:
            yield as_price_list(row)


async def stream_prices(connection: AsyncConnection) -> AsyncIterator[PriceFacts]:
    """Every price that is known now, past, present and to come, for the snapshot."""
    statement: Select[Any] = (
        select(*PriceRow.__table__.c, PriceListRow.key.label("price_list"), PriceListRow.currency)
        .join(PriceListRow, PriceListRow.id == PriceRow.price_list_id)
        .where(PriceRow.recorded_to.is_(None))
        .order_by(PriceRow.sku, PriceRow.price_list_id, PriceRow.valid_from)
    )
    async with connection.stream(statement) as rows:
        async for row in rows:
            yield as_price_facts(
                as_span(row), price_list=row.price_list, sku=row.sku, currency=row.currency
            )
