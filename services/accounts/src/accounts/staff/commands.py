"""Writes of the merchant's people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.member.domain import fold_email
from accounts.partner.hashing import hash_secret, is_secret_of
from accounts.profile.commands import revoke
from accounts.staff import queries
from accounts.staff.domain import Staff
from accounts.staff.tables import StaffRow
from contracts.ids import new_id


async def put_staff(session: AsyncSession, staff: Staff, *, now: datetime) -> bool:
    """Make the person, or bring them up to date; whether anything changed.

    Where less is allowed or the password is another, tokens of before are refused. Safe when
    several processes do it at once: the address is unique, and all of them write the same.
    """
    password = staff.password.get_secret_value()
    known = await queries.find_by_email(session, staff.email)
    kept_hash = None
    if known is not None and is_secret_of(known.password_hash, password):
        kept_hash = known.password_hash
    if known is not None and kept_hash is not None and _is_as_stated(known, staff):
        return False
    statement = insert(StaffRow).values(
        id=new_id(),
        email=staff.email,
        email_folded=fold_email(staff.email),
        name=staff.name,
        password_hash=kept_hash or hash_secret(password),
        scopes=staff.scopes,
        updated_at=now,
    )
    names = ("email", "name", "password_hash", "scopes", "updated_at")
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["email_folded"],
            set_={name: statement.excluded[name] for name in names},
        )
    )
    if known is not None and not (kept_hash and set(known.scopes) <= set(staff.scopes)):
        await revoke(session, [str(known.id)])
    return True


def _is_as_stated(known: Row[Any], staff: Staff) -> bool:
    stated = (staff.email, staff.name, staff.scopes)
    return (known.email, known.name, known.scopes) == stated
