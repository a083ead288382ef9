"""Reads of profiles, and of access that was taken away."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.agreement.queries import list_agreements_of
from accounts.company.queries import COLUMNS as COMPANY
from accounts.group.queries import list_groups_of
from accounts.member.domain import fold_email
from accounts.member.queries import COLUMNS as MEMBER
from accounts.profile.tables import RevocationRow
from accounts.profile.views import as_profile
from accounts.unit.domain import path_of
from accounts.unit.queries import list_parents
from contracts.buyers import BuyerProfile, Revocation

Source = AsyncConnection | AsyncSession

_STREAMED_AT_ONCE = 500
_ROWS = select(
    MEMBER.id,
    MEMBER.profile_version,
    MEMBER.is_active,
    MEMBER.company,
    MEMBER.unit,
    MEMBER.roles,
    MEMBER.order_limit_minor,
    COMPANY.is_active.label("company_is_active"),
    COMPANY.country,
    COMPANY.currency,
).join(COMPANY.key.table, COMPANY.key == MEMBER.company)


async def find_profile(source: Source, member_id: UUID) -> BuyerProfile | None:
    """A member's profile as it is now, if there is such a member."""
    profiles = await find_profiles(source, MEMBER.id == member_id)
    return profiles[0] if profiles else None


async def find_profiles(source: Source, *conditions: ColumnElement[bool]) -> list[BuyerProfile]:
    """The profiles of members that the conditions choose, by their ids."""
    found = await source.execute(_ROWS.where(*conditions).order_by(MEMBER.id))
    return await _whole(source, found.all())


async def stream_profiles(connection: AsyncConnection) -> AsyncIterator[BuyerProfile]:
    """Every profile, for the snapshot."""
    after = UUID(int=0)
    while True:
        page = _ROWS.where(MEMBER.id > after).order_by(MEMBER.id).limit(_STREAMED_AT_ONCE)
        rows = (await connection.execute(page)).all()
        for profile in await _whole(connection, rows):
            yield profile
        if len(rows) < _STREAMED_AT_ONCE:
            return
        after = rows[-1].id


async def list_revocations(source: Source, *, since: datetime) -> list[Revocation]:
    """Access that was taken away since then."""
    rows = await source.execute(
        select(RevocationRow.subject, RevocationRow.valid_after)
        .where(RevocationRow.valid_after > since)
        .order_by(RevocationRow.subject)
    )
    return [Revocation(subject=row.subject, valid_after=row.valid_after) for row in rows]


async def find_credentials(source: Source, email: str) -> Row[Any, Any] | None:
    """Id and password hash of the member with access who signs in with this address."""
    found = await source.execute(
        select(MEMBER.id, MEMBER.password_hash)
        .join(COMPANY.key.table, COMPANY.key == MEMBER.company)
        .where(
            MEMBER.email_folded == fold_email(email),
            MEMBER.password_hash.is_not(None),
            MEMBER.is_active,
            COMPANY.is_active,
        )
    )
    return found.one_or_none()


async def find_valid_after(source: Source, subject: str) -> datetime | None:
    """Until when tokens of a subject were revoked, if they ever were."""
    found = await source.execute(
        select(RevocationRow.valid_after).where(RevocationRow.subject == subject)
    )
    return found.scalar()


async def _whole(source: Source, rows: Sequence[Any]) -> list[BuyerProfile]:
    companies = sorted({row.company for row in rows})
    if not companies:
        return []
    parents = await list_parents(source, companies)
    groups = await list_groups_of(source, companies)
    agreements = await list_agreements_of(source, companies)
    return [
        as_profile(
            row,
            units=path_of(row.unit, parents[row.company]),
            groups=groups[row.company],
            agreements=agreements[row.company],
        )
        for row in rows
    ]
