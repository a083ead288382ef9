"""Reads of customer groups and of who is in them.

Who locks companies and groups takes companies first, by key, then groups, by key.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import any_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.db import texts
from accounts.group.tables import CustomerGroupRow, GroupMembershipRow
from accounts.group.views import as_group
from contracts.companies import CustomerGroup

_GROUPS = select(*CustomerGroupRow.__table__.c)
_IS_IN = GroupMembershipRow.is_member


async def list_groups_of(
    source: AsyncConnection | AsyncSession, companies: Collection[str]
) -> dict[str, list[str]]:
    """Keys of the groups that every company asked for is in, in order."""
    rows = await source.execute(
        select(GroupMembershipRow.company, GroupMembershipRow.group_key)
        .where(GroupMembershipRow.company == any_(texts(companies)), _IS_IN)
        .order_by(GroupMembershipRow.company, GroupMembershipRow.group_key)
    )
    groups: dict[str, list[str]] = {company: [] for company in companies}
    for row in rows:
        groups[row.company].append(row.group_key)
    return groups


async def find_group(source: AsyncConnection | AsyncSession, key: str) -> CustomerGroup | None:
    """One group, if there is one of that key."""
    row = (await source.execute(_GROUPS.where(CustomerGroupRow.key == key))).one_or_none()
    if row is None:
        return None
    return as_group(row, size=(await count_members(source, [key]))[key])


async def list_groups(
    source: AsyncConnection | AsyncSession, *, after: str, limit: int
) -> list[CustomerGroup]:
    """Groups by key, from behind `after`."""
    page = _GROUPS.where(CustomerGroupRow.key > after).order_by(CustomerGroupRow.key).limit(limit)
    rows = (await source.execute(page)).all()
    sizes = await count_members(source, [row.key for row in rows])
    return [as_group(row, size=sizes[row.key]) for row in rows]


async def count_members(
    source: AsyncConnection | AsyncSession, groups: Collection[str]
) -> dict[str, int]:
    """How many companies are in each of these groups."""
    rows = await source.execute(
        select(GroupMembershipRow.group_key, func.count().label("size"))
        .where(GroupMembershipRow.group_key == any_(texts(groups)), _IS_IN)
        .group_by(GroupMembershipRow.group_key)
    )
    sizes: dict[str, int] = {row.group_key: row.size for row in rows}
    return {key: sizes.get(key, 0) for key in groups}


async def list_members(
    source: AsyncConnection | AsyncSession, group: str, *, of: Collection[str] | None = None
) -> set[str]:
    """The companies that are in a group; only those of some if named."""
    wanted = select(GroupMembershipRow.company).where(GroupMembershipRow.group_key == group, _IS_IN)
    if of is not None:
        wanted = wanted.where(GroupMembershipRow.company == any_(texts(of)))
    return set((await source.execute(wanted)).scalars())


async def lock_rules(session: AsyncSession) -> dict[str, str]:
    """The rules of all groups that have one, by key, kept as they are until the transaction ends.

    Whoever changes a rule waits meanwhile, and then sees what was done under the old one.
    """
    rows = await session.execute(
        select(CustomerGroupRow.key, CustomerGroupRow.rule)
        .where(CustomerGroupRow.rule.is_not(None))
        .order_by(CustomerGroupRow.key)
        .with_for_update(read=True)
    )
    return {row.key: row.rule for row in rows}


async def lock_group(session: AsyncSession, key: str) -> CustomerGroupRow | None:
    """A group, for a change."""
    return await session.get(CustomerGroupRow, key, with_for_update=True, populate_existing=True)


async def list_unsettled(source: AsyncConnection | AsyncSession) -> Sequence[tuple[str, str]]:
    """Groups that were changed and are still being applied: key, and how far that has come."""
    rows = await source.execute(
        select(CustomerGroupRow.key, CustomerGroupRow.evaluated_to)
        .where(CustomerGroupRow.evaluated_to.is_not(None))
        .order_by(CustomerGroupRow.key)
    )
    return [(row.key, row.evaluated_to) for row in rows]


async def list_rules(source: AsyncConnection | AsyncSession) -> dict[str, str]:
    """The rules of all groups that have one."""
    rows = await source.execute(
        select(CustomerGroupRow.key, CustomerGroupRow.rule)
        .where(CustomerGroupRow.rule.is_not(None))
        .order_by(CustomerGroupRow.key)
    )
    return {row.key: row.rule for row in rows}
