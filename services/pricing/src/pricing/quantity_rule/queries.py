"""Reads of quantity rules."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, any_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from contracts.pricing import QuantityRule
from pricing.db import CODE
from pricing.errors import QuantityRuleUnknown
from pricing.quantity_rule.tables import QuantityRuleRow
from pricing.quantity_rule.views import as_quantity_rule

_RULES = select(*QuantityRuleRow.__table__.c)
_EVERYWHERE = literal([], ARRAY(CODE))


async def get_quantity_rule(connection: AsyncConnection, key: str) -> QuantityRule:
    """One rule. Raises QuantityRuleUnknown."""
    row = (await connection.execute(_RULES.where(QuantityRuleRow.key == key))).one_or_none()
    if row is None:
        raise QuantityRuleUnknown(key)
    return as_quantity_rule(row)


async def list_quantity_rules(
    connection: AsyncConnection, *, sku: str | None, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Rules by key, from behind `after`; of one SKU if named."""
    page = _RULES.where(QuantityRuleRow.key > after).order_by(QuantityRuleRow.key).limit(limit)
    if sku is not None:
        page = page.where(QuantityRuleRow.sku == sku)
    return (await connection.execute(page)).all()


async def lock_keys(session: AsyncSession, keys: Collection[str]) -> None:
    """Let one writer at a time at the rules of these keys, there or not; always in one order."""
    for key in sorted(keys):
        name = f"pricing/quantity_rule/{key}"
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def stream_quantity_rules(connection: AsyncConnection) -> AsyncIterator[QuantityRule]:
    """Every rule, for the snapshot."""
    async with connection.stream(_RULES.order_by(QuantityRuleRow.key)) as rows:
        async for row in rows:
            yield as_quantity_rule(row)


def limits_of(sku: ColumnElement[str], *, store: ColumnElement[str]) -> FromClause:
    """The one row of what all rules for a SKU in a store come to; nulls where there is none."""
    return (
        select(
            func.max(QuantityRuleRow.minimum).label("minimum"),
            func.min(QuantityRuleRow.maximum).label("maximum"),
            func.array_agg(QuantityRuleRow.multiple).label("multiples"),
        )
        .where(
            QuantityRuleRow.sku == sku,
            or_(QuantityRuleRow.stores == _EVERYWHERE, store == any_(QuantityRuleRow.stores)),
        )
        .correlate_except(QuantityRuleRow)
        .lateral("limits")
    )
