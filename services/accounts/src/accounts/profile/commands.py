"""Telling profiles that changed, and taking access away."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import any_, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.db import texts
from accounts.member.queries import COLUMNS as MEMBER
from accounts.profile.queries import find_profiles
from accounts.profile.tables import RevocationRow
from chassis import outbox
from chassis.auth import LIFETIME
from chassis.clock import Clock
from contracts.buyers import AccessRevoked, BuyerProfileChanged

KEPT = 2 * LIFETIME
"""How long a revocation is told to those who start; no token of before lives longer."""


async def tell_profiles(
    session: AsyncSession, companies: Collection[str], *, now: datetime
) -> None:
    """Tell the profiles of all members of these companies, each in a new version.

    Emits BuyerProfileChanged, in batches.
    """
    await session.flush()
    changed = await session.execute(
        update(MEMBER.id.table)
        .where(MEMBER.company == any_(texts(companies)))
        .values(profile_version=MEMBER.profile_version + 1)
        .returning(MEMBER.id)
    )
    await _tell(session, changed.scalars().all())


async def tell_member(session: AsyncSession, member_id: UUID, *, is_new: bool) -> None:
    """Tell the profile of one member; in a new version unless they are new themselves.

    Emits BuyerProfileChanged.
    """
    await session.flush()
    if not is_new:
        await session.execute(
            update(MEMBER.id.table)
            .where(MEMBER.id == member_id)
            .values(profile_version=MEMBER.profile_version + 1)
        )
    await _tell(session, [member_id])


async def revoke(session: AsyncSession, subjects: Sequence[str]) -> None:
    """Refuse all tokens of these subjects that were issued until now. Emits AccessRevoked.

    The caller changed the rows of these people before, so a sign-in that saw them as they were is
    over, and one to come waits for the commit: the moment is read only here, after all of those.
    """
    if not subjects:
        return
    clock: Clock = session.info["clock"]
    now = clock.now()
    # One array, for a statement takes no more than 32,767 parameters.
    one = func.unnest(texts(sorted(subjects))).table_valued("subject").render_derived()
    statement = insert(RevocationRow).from_select(
        ["subject", "valid_after", "version"],
        select(one.c.subject, literal(now, RevocationRow.valid_after.type), literal(1)),
    )
    written = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["subject"],
            set_={
                "valid_after": func.greatest(RevocationRow.valid_after, now),
                "version": RevocationRow.version + 1,
            },
        ).returning(RevocationRow.subject, RevocationRow.valid_after, RevocationRow.version)
    )
    for row in written:
        outbox.add(
            session,
            AccessRevoked(valid_after=row.valid_after),
            subject=row.subject,
            sequence=row.version,
        )


async def _tell(session: AsyncSession, member_ids: Sequence[UUID]) -> None:
    if not member_ids:
        return
    wanted = literal(list(member_ids), ARRAY(MEMBER.id.type))
    profiles = await find_profiles(session, MEMBER.id == any_(wanted))
    outbox.add_items(
        session, BuyerProfileChanged, profiles, subject=lambda profile: str(profile.member_id)
    )
