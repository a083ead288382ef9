"""Writes of agreements. Telling profiles of them is `accounts.segment`'s work."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.agreement.tables import AgreementRow
from accounts.agreement.views import as_agreement
from accounts.errors import AgreementFixed
from accounts.moments import window_in_utc
from chassis import versions
from contracts.bulk import LineOutcome
from contracts.companies import Agreement, PutAgreement


async def put_agreement(
    session: AsyncSession,
    key: str,
    body: PutAgreement,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[Agreement, LineOutcome]:
    """Make or change an agreement of a company that exists, in its currency.

    The same again changes nothing. Raises VersionNotCurrent, AgreementFixed, MomentOutOfRange,
    WindowEmpty.
    """
    wanted = _values(body)
    row = await session.get(AgreementRow, key, with_for_update=True)
    versions.check(row.version if row else None, if_match)
    if row is None:
        row = AgreementRow(key=key, version=1, updated_at=now, **wanted)
        session.add(row)
        await session.flush()
        return as_agreement(row), LineOutcome.CREATED
    if row.company != body.company:
        raise AgreementFixed(row.company)
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return as_agreement(row), LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await session.flush()
    return as_agreement(row), LineOutcome.UPDATED


def _values(body: PutAgreement) -> dict[str, Any]:
    valid_from, valid_to = window_in_utc(body.valid_from, body.valid_to)
    return {
        "company": body.company,
        "payment_days": body.payment_days,
        "credit_limit_minor": body.credit_limit.minor,
        "currency": body.credit_limit.currency,
        "over_credit": body.over_credit.value,
        "requires_purchase_order": body.requires_purchase_order,
        "priority": body.priority,
        "valid_from": valid_from,
        "valid_to": valid_to,
    }
