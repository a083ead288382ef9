"""Reads of the merchant's people."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.member.domain import fold_email
from accounts.staff.tables import StaffRow


async def find_by_email(source: AsyncConnection | AsyncSession, email: str) -> Row[Any] | None:
    """The row of a person, if there is one of that address; case does not count."""
    found = await source.execute(
        select(*StaffRow.__table__.c).where(StaffRow.email_folded == fold_email(email))
    )
    return found.one_or_none()


async def keep_person(session: AsyncSession, person_id: UUID) -> Row[Any] | None:
    """The row of a person, which nobody changes until the transaction ends."""
    found = await session.execute(
        select(*StaffRow.__table__.c).where(StaffRow.id == person_id).with_for_update(read=True)
    )
    return found.one_or_none()
