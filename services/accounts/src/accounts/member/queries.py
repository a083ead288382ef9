"""Reads of members."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.member.domain import fold_email
from accounts.member.tables import MemberRow

Source = AsyncConnection | AsyncSession

COLUMNS = MemberRow.__table__.c
"""For features above, which join members."""
_MEMBERS = select(*COLUMNS)


async def find_member(source: Source, key: str) -> Row[Any] | None:
    """A member's row, if there is one of that key."""
    return (await source.execute(_MEMBERS.where(MemberRow.key == key))).one_or_none()


async def find_password_hash(source: Source, company: str, key: str) -> str | None:
    """The hash of the password of a member of this company; None where there is neither."""
    found = await source.execute(
        select(MemberRow.password_hash).where(MemberRow.key == key, MemberRow.company == company)
    )
    return found.scalar()


async def find_by_email(source: Source, email: str) -> Row[Any] | None:
    """A member's row, if there is one of that address; case does not count."""
    found = await source.execute(_MEMBERS.where(MemberRow.email_folded == fold_email(email)))
    return found.one_or_none()


async def keep_member(session: AsyncSession, member_id: UUID) -> Row[Any] | None:
    """A member's row, which nobody changes until the transaction ends."""
    found = await session.execute(
        _MEMBERS.where(MemberRow.id == member_id).with_for_update(read=True)
    )
    return found.one_or_none()


async def list_members(
    source: Source, company: str, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Members of a company by key, from behind `after`."""
    page = _MEMBERS.where(MemberRow.company == company, MemberRow.key > after)
    return (await source.execute(page.order_by(MemberRow.key).limit(limit))).all()


async def list_subjects(source: Source, company: str) -> list[str]:
    """The `sub` of the tokens of all members of a company."""
    found = await source.execute(select(MemberRow.id).where(MemberRow.company == company))
    return [str(member_id) for member_id in found.scalars()]
