"""Writes of quantity rules."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox, versions
from contracts.bulk import LineOutcome, LineResult
from contracts.pricing import (
    PutQuantityRule,
    PutQuantityRuleLine,
    QuantityRule,
    QuantityRuleChanged,
)
from contracts.problems import Conflict, FieldError
from pricing.errors import QuantityRuleFixed
from pricing.quantity_rule import queries
from pricing.quantity_rule.tables import QuantityRuleRow
from pricing.quantity_rule.views import as_quantity_rule


async def put_quantity_rule(
    session: AsyncSession,
    key: str,
    body: PutQuantityRule,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[QuantityRule, LineOutcome]:
    """Make or change a rule; the same again changes nothing.

    Emits QuantityRuleChanged. Raises VersionNotCurrent, QuantityRuleFixed.
    """
    await queries.lock_keys(session, [key])
    return await _put(session, key, body, if_match=if_match, now=now)


async def put_lines(
    session: AsyncSession, lines: Sequence[tuple[int, PutQuantityRuleLine]], *, now: datetime
) -> list[LineResult]:
    """Write the rules of a bulk request's lines, each of another key; a bad one is refused alone.

    Emits QuantityRuleChanged.
    """
    await queries.lock_keys(session, {line.key for _, line in lines})
    results = []
    for number, line in lines:
        body = PutQuantityRule.model_validate(line.model_dump(exclude={"key"}))
        errors: Sequence[FieldError] = ()
        try:
            _, outcome = await _put(session, line.key, body, if_match=None, now=now)
        except Conflict as problem:
            outcome, errors = LineOutcome.REFUSED, problem.errors
        results.append(LineResult(line=number, key=line.key, outcome=outcome, errors=list(errors)))
    return results


async def _put(
    session: AsyncSession,
    key: str,
    body: PutQuantityRule,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[QuantityRule, LineOutcome]:
    wanted = {**body.model_dump(), "stores": sorted(set(body.stores))}
    row = await session.get(QuantityRuleRow, key, populate_existing=True)
    versions.check(row.version if row else None, if_match)
    if row is None:
        row = QuantityRuleRow(key=key, version=1, updated_at=now, **wanted)
        session.add(row)
        return await _told(session, row), LineOutcome.CREATED
    if row.sku != body.sku:
        raise QuantityRuleFixed(row.sku)
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return as_quantity_rule(row), LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    return await _told(session, row), LineOutcome.UPDATED


async def _told(session: AsyncSession, row: QuantityRuleRow) -> QuantityRule:
    await session.flush()
    rule = as_quantity_rule(row)
    outbox.add(
        session, QuantityRuleChanged(quantity_rule=rule), subject=row.key, sequence=row.version
    )
    return rule
