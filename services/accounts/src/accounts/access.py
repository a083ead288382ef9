"""Who may read what belongs to a company: partners and staff with the scope, and its members."""

from sqlalchemy.ext.asyncio import AsyncConnection

from accounts.profile.queries import find_profile
from chassis.auth import AccessRevoked, Actor


async def find_reach(source: AsyncConnection, actor: Actor) -> str | None:
    """The one company whose things the caller may read; None: any company's.

    What belongs to another company is to them as if it were not there. Raises AccessRevoked for a
    member without access, TokenMissing and MissingScope for everybody else without the scope.
    """
    if actor.kind == "member" and actor.member_id is not None:
        profile = await find_profile(source, actor.member_id)
        if profile is None or not profile.is_active:
            raise AccessRevoked
        return profile.company
    actor.require("companies:read")
    return None
