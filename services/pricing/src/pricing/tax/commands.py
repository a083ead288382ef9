"""Writes of tax rates."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox, versions
from contracts.bulk import LineOutcome
from contracts.pricing import PutTaxRate, TaxRate, TaxRateChanged
from pricing.errors import TaxRateOverlaps
from pricing.moments import window_in_utc
from pricing.tax import queries
from pricing.tax.tables import TaxRateRow
from pricing.tax.views import as_tax_rate


async def put_tax_rate(
    session: AsyncSession,
    key: str,
    body: PutTaxRate,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[TaxRate, LineOutcome]:
    """Make or change a rate; the same again changes nothing.

    Emits TaxRateChanged. Raises VersionNotCurrent, TaxRateOverlaps, MomentOutOfRange.
    """
    wanted = _values(body)
    await queries.lock_key(session, key)
    await queries.lock_rates(session, body.country, body.tax_class)
    row = await session.get(TaxRateRow, key)
    versions.check(row.version if row else None, if_match)
    outcome = LineOutcome.CREATED
    if row is None:
        row = TaxRateRow(key=key, version=0)
    elif all(getattr(row, name) == value for name, value in wanted.items()):
        return as_tax_rate(row), LineOutcome.UNCHANGED
    else:
        outcome = LineOutcome.UPDATED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    with session.no_autoflush:
        other = await queries.find_overlapping(session, row)
    if other is not None:
        raise TaxRateOverlaps(other)
    session.add(row)
    tax_rate = as_tax_rate(row)
    outbox.add(session, TaxRateChanged(tax_rate=tax_rate), subject=key, sequence=row.version)
    return tax_rate, outcome


def _values(body: PutTaxRate) -> dict[str, Any]:
    valid_from, valid_to = window_in_utc(body.valid_from, body.valid_to)
    return {
        "country": body.country,
        "tax_class": body.tax_class,
        "rate": Decimal(body.rate),
        "name": body.name,
        "valid_from": valid_from,
        "valid_to": valid_to,
    }
