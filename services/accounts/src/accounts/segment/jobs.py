"""What goes on in the background: a changed group of many companies, and facts that age."""

from datetime import timedelta

from accounts.company.queries import list_keys, lock_companies
from accounts.group import queries as groups
from accounts.group.domain import ages
from accounts.segment import commands
from accounts.segment.queries import BATCH, iterate_keys
from chassis.db import commit
from chassis.jobs import Job
from chassis.runtime import Runtime


async def settle_groups(runtime: Runtime) -> None:
    """Apply changed groups to all companies, a batch a transaction, from where that stopped."""
    async with runtime.reader.connect() as reader:
        unsettled = await groups.list_unsettled(reader)
    for key, reached in unsettled:
        place: str | None = reached
        while place is not None:
            place = await _settle_batch(runtime, key, place)


async def _settle_batch(runtime: Runtime, key: str, reached: str) -> str | None:
    """Try a group on the next companies; how far that came, None where it is done for now.

    A group that was changed meanwhile starts again, at the next run.
    """
    now = runtime.clock.now()
    async with runtime.sessions() as session:
        companies = await list_keys(session, after=reached, limit=BATCH)
        await lock_companies(session, companies)
        row = await groups.lock_group(session, key)
        if row is None or row.evaluated_to != reached:
            return None
        await commands.apply_group(session, row, companies, now=now)
        row.evaluated_to = companies[-1] if len(companies) == BATCH else None
        await commit(session, "job", "groups")
        return row.evaluated_to


async def reevaluate_ageing(runtime: Runtime) -> None:
    """Try the rules that look at facts which change as time goes on, on all companies."""
    async with runtime.reader.connect() as reader:
        rules = await groups.list_rules(reader)
        ageing = {key for key, rule in rules.items() if ages(rule)}
        if not ageing:
            return
        async for companies in iterate_keys(reader):
            async with runtime.sessions() as session:
                await commands.reevaluate(session, companies, now=runtime.clock.now(), only=ageing)
                await commit(session, "job", "ageing")


SETTLE = Job("settle groups", every=timedelta(seconds=2), run=settle_groups)
AGE = Job("age groups", every=timedelta(days=1), run=reevaluate_ageing)
