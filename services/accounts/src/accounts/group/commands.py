"""Writes of customer groups and of who is in them. Telling profiles and companies is
`accounts.segment`'s work, which lies above both.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.group.domain import Change
from accounts.group.tables import CustomerGroupRow, GroupMembershipRow
from chassis import outbox
from contracts.bulk import LineOutcome
from contracts.companies import GroupMembershipChanged, MembershipReason, PutCustomerGroup

_AT_ONCE = 1_000


async def save_group(
    session: AsyncSession,
    row: CustomerGroupRow | None,
    key: str,
    body: PutCustomerGroup,
    *,
    now: datetime,
) -> tuple[CustomerGroupRow, LineOutcome]:
    """Make a group, or change a locked one; the same again changes nothing.

    It is left unsettled where who is in it may change.
    """
    wanted = {"name": body.name, "rule": body.rule, "companies": sorted(set(body.companies))}
    if row is None:
        row = CustomerGroupRow(key=key, version=1, updated_at=now, evaluated_to="", **wanted)
        session.add(row)
        await session.flush()
        return row, LineOutcome.CREATED
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return row, LineOutcome.UNCHANGED
    if any(getattr(row, name) != wanted[name] for name in ("rule", "companies")):
        row.evaluated_to = ""
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await session.flush()
    return row, LineOutcome.UPDATED


async def write_changes(
    session: AsyncSession, changes: Sequence[Change], *, reason: MembershipReason, now: datetime
) -> None:
    """Let companies enter and leave groups. Emits GroupMembershipChanged for each."""
    ordered = sorted(changes, key=lambda change: (change.company, change.group))
    for start in range(0, len(ordered), _AT_ONCE):
        await _write(session, ordered[start : start + _AT_ONCE], reason=reason, now=now)


async def _write(
    session: AsyncSession, changes: Sequence[Change], *, reason: MembershipReason, now: datetime
) -> None:
    statement = insert(GroupMembershipRow).values(
        [
            {
                "company": change.company,
                "group_key": change.group,
                "is_member": change.is_member,
                "reason": reason.value,
                "version": 1,
                "changed_at": now,
            }
            for change in changes
        ]
    )
    new = statement.excluded
    written = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["company", "group_key"],
            set_={
                "is_member": new.is_member,
                "reason": new.reason,
                "version": GroupMembershipRow.version + 1,
                "changed_at": new.changed_at,
            },
        ).returning(
            GroupMembershipRow.company, GroupMembershipRow.group_key, GroupMembershipRow.version
        )
    )
    versions = {(row.company, row.group_key): row.version for row in written}
    for change in changes:
        outbox.add(
            session,
            GroupMembershipChanged(
                company=change.company,
                group=change.group,
                is_member=change.is_member,
                reason=reason,
            ),
            subject=f"{change.company}/{change.group}",
            sequence=versions[change.company, change.group],
        )
