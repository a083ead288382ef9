"""Who buys: a copy of the profiles of companies' members, which accounts owns and tells.

What a member sees, pays and may approve follows from their profile. A token names the version it
was made with: a copy that is older fetches the profile once, so that nobody acts on rights that
they no longer have. A service that wants the copy puts `consumer` and `copy` into its `Service`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.auth import AccessRevoked, Actor
from chassis.copies import Copy, CopyTable, apply_newer
from chassis.db import ChassisBase, commit
from chassis.http import NeighbourUnavailable
from chassis.inbox import Consumer
from contracts.buyers import BuyerProfile, BuyerProfileChanged
from contracts.envelope import Event
from contracts.problems import NotFound

if TYPE_CHECKING:
    from chassis.runtime import Runtime


class BuyerUnknown(NotFound):
    """There is no such member, or access was taken from them."""

    def __init__(self, member_id: UUID) -> None:
        super().__init__(f"There is no member {member_id}.")


class BuyerProfileRow(ChassisBase):
    """A member's profile as accounts told it last."""

    __tablename__ = "buyer_profiles"
    __table_args__ = (Index(None, "company"),)

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    company: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool]
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB)


async def get_buyer(runtime: "Runtime", actor: Actor) -> BuyerProfile | None:
    """The profile of the member that calls, or that a service calls for; None for anybody else.

    Raises AccessRevoked where they have no access any more, and NeighbourUnavailable where the
    copy is older than the token and accounts cannot be asked.
    """
    member_id = actor.member_id
    if member_id is None:
        return None
    wanted = 0 if actor.buyer is None else actor.buyer.version
    try:
        return await get_profile(runtime, member_id, version=wanted)
    except BuyerUnknown:
        raise AccessRevoked from None


async def get_profile(runtime: "Runtime", member_id: UUID, *, version: int = 0) -> BuyerProfile:
    """A member's profile that is no older than `version`, from the copy or from accounts.

    Raises BuyerUnknown, also for one without access, and NeighbourUnavailable.
    """
    async with runtime.reader.connect() as connection:
        found = await connection.execute(
            select(BuyerProfileRow.profile).where(
                BuyerProfileRow.member_id == member_id, BuyerProfileRow.sequence >= version
            )
        )
        known = found.scalar()
    if known is None:
        profile = await _fetch(runtime, member_id, version=version)
    else:
        profile = BuyerProfile.model_validate(known)
    if not profile.is_active:
        raise BuyerUnknown(member_id)
    return profile


async def list_company(source: AsyncConnection | AsyncSession, company: str) -> list[BuyerProfile]:
    """The members of a company that have access, from the copy."""
    found = await source.execute(
        select(BuyerProfileRow.profile)
        .where(BuyerProfileRow.company == company, BuyerProfileRow.is_active)
        .order_by(BuyerProfileRow.member_id)
    )
    return [BuyerProfile.model_validate(profile) for profile in found.scalars()]


async def keep(session: AsyncSession, profiles: Sequence[BuyerProfile]) -> None:
    """Keep profiles that are newer than what is kept."""
    rows = [
        {
            "member_id": profile.member_id,
            "sequence": profile.sequence,
            "company": profile.company,
            "is_active": profile.is_active,
            "profile": profile.model_dump(mode="json"),
        }
        for profile in profiles
    ]
    await apply_newer(session, BuyerProfileRow, rows, keys=("member_id",))


def consumer(queue: str) -> Consumer:
    """What keeps the copy fresh, by the service's queue of that name."""
    return Consumer(queue=queue, handlers={BuyerProfileChanged: _on_changed})


def copy(queue: str) -> Copy:
    """How the copy is filled at first, and rebuilt."""
    return Copy(
        name="buyers",
        neighbour="accounts",
        snapshot="buyer_profiles",
        queue=queue,
        apply=_take_snapshot,
        tables=(CopyTable(BuyerProfileRow, keys=("member_id",)),),
    )


async def _on_changed(session: AsyncSession, event: Event[BuyerProfileChanged]) -> None:
    await keep(session, event.data.items)


async def _take_snapshot(session: AsyncSession, lines: Sequence[Mapping[str, Any]]) -> None:
    await keep(session, [BuyerProfile.model_validate(line) for line in lines])


async def _fetch(runtime: "Runtime", member_id: UUID, *, version: int) -> BuyerProfile:
    """Ask accounts once, and keep what it says."""
    try:
        reply = await runtime.neighbours["accounts"].get(f"/v1/buyer-profiles/{member_id}")
    except NotFound:
        raise BuyerUnknown(member_id) from None
    profile = reply.parse(BuyerProfile)
    if profile.member_id != member_id or profile.sequence < version:
        raise NeighbourUnavailable("accounts", "it told an older profile than the token names")
    async with runtime.sessions() as session:
        await keep(session, [profile])
        await commit(session, "buyers", "fetched")
    return profile
