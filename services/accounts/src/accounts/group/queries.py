"""Reads of customer groups and of who is in them."""

from collections.abc import Collection

from sqlalchemy import any_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.db import texts
from accounts.group.tables import GroupMembershipRow


async def list_groups_of(
    source: AsyncConnection | AsyncSession, companies: Collection[str]
) -> dict[str, list[str]]:
    """Keys of the groups that every company asked for is in, in order."""
    rows = await source.execute(
        select(GroupMembershipRow.company, GroupMembershipRow.group_key)
        .where(GroupMembershipRow.company == any_(texts(companies)), GroupMembershipRow.is_member)
        .order_by(GroupMembershipRow.company, GroupMembershipRow.group_key)
    )
    groups: dict[str, list[str]] = {company: [] for company in companies}
    for row in rows:
        groups[row.company].append(row.group_key)
    return groups
