"""What goes on in the background: revocations of which no token can be left are forgotten."""

from datetime import timedelta

from sqlalchemy import delete

from accounts.profile.commands import KEPT
from accounts.profile.tables import RevocationRow
from chassis.db import commit
from chassis.jobs import Job
from chassis.runtime import Runtime


async def forget_revocations(runtime: Runtime) -> None:
    """Forget those that are told to nobody any more."""
    async with runtime.sessions() as session:
        await session.execute(
            delete(RevocationRow).where(RevocationRow.valid_after < runtime.clock.now() - 2 * KEPT)
        )
        await commit(session, "job", "revocations")


FORGET = Job("forget revocations", every=timedelta(hours=1), run=forget_revocations)
