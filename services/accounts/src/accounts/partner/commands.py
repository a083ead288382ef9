"""Writes of partner applications."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.partner import queries
from accounts.partner.domain import PartnerApplication
from accounts.partner.hashing import hash_secret, is_secret_of
from accounts.partner.tables import PartnerApplicationRow
from contracts.ids import new_id


async def put_application(
    session: AsyncSession, application: PartnerApplication, *, now: datetime
) -> bool:
    """Make the application, or bring it up to date; whether anything changed.

    Safe when several processes do it at once: the client id is unique, the last writer wins,
    and all of them write the same. An application that was switched off stays so.
    """
    secret = application.client_secret.get_secret_value()
    known = await queries.find_application(session, application.client_id)
    if known is not None and _is_as_stated(known, application, secret):
        return False
    statement = insert(PartnerApplicationRow).values(
        id=new_id(),
        client_id=application.client_id,
        name=application.shown_name,
        secret_hash=hash_secret(secret),
        scopes=application.scopes,
        is_active=True,
        created_at=now,
        updated_at=now,
    )
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["client_id"],
            set_={
                "name": new.name,
                "secret_hash": new.secret_hash,
                "scopes": new.scopes,
                "updated_at": new.updated_at,
            },
        )
    )
    return True


def _is_as_stated(
    known: PartnerApplicationRow, application: PartnerApplication, secret: str
) -> bool:
    return (
        known.name == application.shown_name
        and known.scopes == application.scopes
        and is_secret_of(known.secret_hash, secret)
    )
