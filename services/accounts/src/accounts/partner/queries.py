"""Reads of partner applications."""

from sqlalchemy import select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.partner.tables import PartnerApplicationRow


async def find_credentials(
    connection: AsyncConnection, client_id: str
) -> Row[str, list[str]] | None:
    """Hash and scopes of an application that is switched on."""
    result = await connection.execute(
        select(PartnerApplicationRow.secret_hash, PartnerApplicationRow.scopes).where(
            PartnerApplicationRow.client_id == client_id, PartnerApplicationRow.is_active
        )
    )
    return result.one_or_none()


async def find_application(session: AsyncSession, client_id: str) -> PartnerApplicationRow | None:
    """The application of a client id, switched on or not."""
    result = await session.scalars(
        select(PartnerApplicationRow).where(PartnerApplicationRow.client_id == client_id)
    )
    return result.one_or_none()
