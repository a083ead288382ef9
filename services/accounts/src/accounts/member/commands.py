"""Writes of members. What follows for profiles and access is `accounts.roster`'s work."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.errors import EmailInUse, MemberKeyTaken
from accounts.member.domain import fold_email
from accounts.member.queries import find_by_email
from accounts.member.tables import MemberRow
from chassis import versions
from contracts.bulk import LineOutcome
from contracts.companies import PutMember
from contracts.ids import new_id


async def save_member(
    session: AsyncSession,
    company: str,
    key: str,
    body: PutMember,
    *,
    password_hash: str | None,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[MemberRow, LineOutcome]:
    """Make or change a member of a company whose lock is held; the same again changes nothing.

    `password_hash` is of a new password, None where it stays. Raises VersionNotCurrent,
    MemberKeyTaken, EmailInUse.
    """
    row = await session.scalar(select(MemberRow).where(MemberRow.key == key).with_for_update())
    await _lock(session, f"accounts/email/{fold_email(body.email)}")
    if row is not None and row.company != company:
        raise MemberKeyTaken(key)
    versions.check(row.version if row else None, if_match)
    other = await find_by_email(session, body.email)
    if other is not None and other.key != key:
        raise EmailInUse
    wanted = _values(body, password_hash)
    if row is None:
        row = MemberRow(
            id=new_id(),
            key=key,
            company=company,
            profile_version=1,
            version=1,
            updated_at=now,
            **{"password_hash": None, **wanted},
        )
        session.add(row)
        await session.flush()
        return row, LineOutcome.CREATED
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return row, LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await session.flush()
    return row, LineOutcome.UPDATED


async def _lock(session: AsyncSession, name: str) -> None:
    """Let one writer at a time until its transaction ends: companies' locks do not do that here."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _values(body: PutMember, password_hash: str | None) -> dict[str, Any]:
    limit = body.order_limit
    values = {
        "email": body.email,
        "email_folded": fold_email(body.email),
        "name": body.name,
        "unit": body.unit,
        "roles": sorted({role.value for role in body.roles}),
        "order_limit_minor": None if limit is None else limit.minor,
        "is_active": body.is_active,
    }
    return values if password_hash is None else {**values, "password_hash": password_hash}
