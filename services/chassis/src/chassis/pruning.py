"""The chassis' own housekeeping, done by every service's worker."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import feed, idempotency, inbox, process
from chassis.db import commit
from chassis.jobs import Job
from chassis.runtime import Runtime

_AT_ONCE = 5_000


async def prune_inbox(runtime: Runtime) -> None:
    """Forget the ids of events done long ago."""
    await _prune(runtime, inbox.prune, days=runtime.settings.inbox_days)


async def prune_processes(runtime: Runtime) -> None:
    """Forget processes that ended long ago, and the keys bound to them."""
    await _prune(runtime, process.prune, days=runtime.settings.process_days)


async def _prune(runtime: Runtime, prune: Callable[..., Awaitable[int]], *, days: int) -> None:
    before: datetime = runtime.clock.now() - timedelta(days=days)
    count = _AT_ONCE
    while count >= _AT_ONCE:
        session: AsyncSession
        async with runtime.sessions() as session:
            count = await prune(session, before=before, limit=_AT_ONCE)
            await commit(session, "job", prune.__module__)


JOBS = (
    idempotency.PURGE,
    feed.PRUNE,
    Job(name="inbox", every=timedelta(hours=1), run=prune_inbox),
    Job(name="processes", every=timedelta(hours=1), run=prune_processes),
)
