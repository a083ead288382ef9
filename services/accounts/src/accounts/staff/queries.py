"""Reads of the merchant's people."""

from typing import Any

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
