"""Reads of tax rates."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from contracts.pricing import TaxRate
from pricing.errors import TaxRateUnknown
from pricing.moments import holds_at
from pricing.tax.tables import TaxRateRow
from pricing.tax.views import as_tax_rate

_RATES = select(*TaxRateRow.__table__.c)


async def get_tax_rate(connection: AsyncConnection, key: str) -> TaxRate:
    """One rate. Raises TaxRateUnknown."""
    row = (await connection.execute(_RATES.where(TaxRateRow.key == key))).one_or_none()
    if row is None:
        raise TaxRateUnknown(key)
    return as_tax_rate(row)


async def list_tax_rates(
    connection: AsyncConnection, *, country: str | None, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Rates by key, from behind `after`."""
    page = _RATES.where(TaxRateRow.key > after).order_by(TaxRateRow.key).limit(limit)
    if country is not None:
        page = page.where(TaxRateRow.country == country)
    return (await connection.execute(page)).all()


async def lock_key(session: AsyncSession, key: str) -> None:
    """Let one writer at a time at the rate of a key, there or not, until its transaction ends."""
    await _lock(session, f"pricing/tax_rate/{key}")


async def lock_rates(session: AsyncSession, country: str, tax_class: str) -> None:
    """Let one writer at a time at the rates of a country and class.

    Writers take the lock of the key first and then one of these, so that they never deadlock.
    """
    await _lock(session, f"pricing/tax_rates_of/{country}/{tax_class}")


async def _lock(session: AsyncSession, name: str) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def find_overlapping(session: AsyncSession, wanted: TaxRateRow) -> str | None:
    """Key of another rate that holds in part of the window, for the same country and class."""
    window = func.tstzrange(TaxRateRow.valid_from, TaxRateRow.valid_to)
    return await session.scalar(
        select(TaxRateRow.key)
        .where(
            TaxRateRow.country == wanted.country,
            TaxRateRow.tax_class == wanted.tax_class,
            TaxRateRow.key != wanted.key,
            window.op("&&")(func.tstzrange(wanted.valid_from, wanted.valid_to)),
        )
        .order_by(TaxRateRow.key)
        .limit(1)
    )


def rates_in(sale: CTE, at: ColumnElement[datetime]) -> CTE:
    """The rates in the `country` of a sale at a moment, one a class."""
    return (
        select(TaxRateRow.tax_class, TaxRateRow.rate, TaxRateRow.name)
        .join(sale, sale.c.country == TaxRateRow.country)
        .where(holds_at(TaxRateRow, at))
        .cte("rates")
    )


async def stream_tax_rates(connection: AsyncConnection) -> AsyncIterator[TaxRate]:
    """Every rate, for the snapshot."""
    async with connection.stream(_RATES.order_by(TaxRateRow.key)) as rows:
        async for row in rows:
            yield as_tax_rate(row)
