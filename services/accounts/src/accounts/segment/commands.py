"""Writes of customer groups with all that follows: who enters, who leaves, and who is told.

Companies are locked first, by key, then groups, by key. Whoever changes a fact of a company holds
its lock; whoever tries rules keeps them as they are until the transaction ends. So of a changed
fact and a changed rule the later sees the other, and nobody waits in a circle.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.company.commands import tell_companies
from accounts.company.queries import find_company, list_keys, lock_companies
from accounts.errors import CompanyUnknown
from accounts.fact.commands import record_order
from accounts.group import commands as groups
from accounts.group import queries as group_queries
from accounts.group.domain import MANY, Change, find_changes
from accounts.group.views import as_group
from accounts.profile.commands import tell_profiles
from accounts.segment.queries import (
    BATCH,
    check_group,
    choose,
    find_group_changes,
    list_subjects,
)
from chassis import versions
from contracts.bulk import LineOutcome
from contracts.companies import CustomerGroup, MembershipReason, PutCustomerGroup
from contracts.orders import OrderPlaced


async def reevaluate(
    session: AsyncSession,
    companies: Collection[str],
    *,
    now: datetime,
    only: Collection[str] | None = None,
) -> list[str]:
    """Try the rules of all groups (`only` these) on companies whose facts changed, or aged.

    The companies that entered or left a group. Emits GroupMembershipChanged, CompanyChanged and
    BuyerProfileChanged for them.
    """
    await lock_companies(session, companies)
    rules = await group_queries.lock_rules(session)
    if only is not None:
        rules = {key: rule for key, rule in rules.items() if key in only}
    if not rules:
        return []
    present = await group_queries.list_groups_of(session, companies)
    subjects = await list_subjects(session, companies, now=now)
    changes: list[Change] = []
    for key, rule in rules.items():
        changes += find_changes(
            key,
            of=[subject.company for subject in subjects],
            wanted=await choose(rule, subjects),
            present={company for company, groups_of in present.items() if key in groups_of},
        )
    return await _apply(session, changes, reason=MembershipReason.FACTS_CHANGED, now=now)


async def take_order(session: AsyncSession, order: OrderPlaced, *, now: datetime) -> None:
    """Add a placed order to its company's facts, once, and try the rules on it.

    Guests' orders say nothing of a company. Raises CompanyUnknown.
    """
    if order.buyer is None:
        return
    company = await find_company(session, order.buyer.company)
    if company is None:
        raise CompanyUnknown(order.buyer.company)
    await lock_companies(session, [company.key])
    gross = order.total.gross
    is_new = await record_order(
        session,
        company=company.key,
        order_id=order.order_id,
        placed_at=order.placed_at,
        spend_minor=gross.minor if gross.currency == company.currency else 0,
    )
    if is_new:
        await reevaluate(session, [company.key], now=now)


async def put_group(
    session: AsyncSession,
    key: str,
    body: PutCustomerGroup,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[CustomerGroup, LineOutcome]:
    """Make or change a group; the same again changes nothing.

    Where few companies can be concerned, it is applied to them here; else a job does it soon.
    Emits GroupMembershipChanged, CompanyChanged and BuyerProfileChanged for who enters or leaves.
    Raises RuleAndCompanies, RuleUnsound, CompanyNotKnown, VersionNotCurrent.
    """
    await check_group(session, body)
    concerned = await _find_concerned(session, key, body)
    await lock_companies(session, concerned or ())
    row = await group_queries.lock_group(session, key)
    versions.check(row.version if row else None, if_match)
    row, outcome = await groups.save_group(session, row, key, body, now=now)
    if row.evaluated_to is not None and concerned is not None:
        await apply_group(session, row, concerned, now=now)
        # Who came while we waited is not locked by us: the job tries everybody again.
        later = await _find_concerned(session, key, body)
        is_all = later is not None and set(later) <= set(concerned)
        row.evaluated_to = None if is_all else ""
        await session.flush()
    sizes = await group_queries.count_members(session, [key])
    return as_group(row, size=sizes[key]), outcome


async def apply_group(
    session: AsyncSession, row: Any, companies: Collection[str], *, now: datetime
) -> None:
    """Let those of these companies, which are locked, enter or leave a locked group."""
    for start in range(0, len(ordered := sorted(companies)), BATCH):
        changes = await find_group_changes(
            session,
            row.key,
            rule=row.rule,
            listed=row.companies,
            of=ordered[start : start + BATCH],
            now=now,
        )
        by_rule = row.rule is not None
        reason = MembershipReason.RULE_CHANGED if by_rule else MembershipReason.BY_HAND
        await _apply(session, changes, reason=reason, now=now)


async def _find_concerned(
    session: AsyncSession, key: str, body: PutCustomerGroup
) -> list[str] | None:
    """The companies that may enter or leave a group saved like this; None: too many to do now."""
    if body.rule is None:
        members = await group_queries.list_members(session, key)
        concerned = sorted(members | set(body.companies))
    else:
        concerned = await list_keys(session, after="", limit=MANY + 1)
    return concerned if len(concerned) <= MANY else None


async def _apply(
    session: AsyncSession, changes: Sequence[Change], *, reason: MembershipReason, now: datetime
) -> list[str]:
    if not changes:
        return []
    await groups.write_changes(session, changes, reason=reason, now=now)
    moved = sorted({change.company for change in changes})
    await tell_companies(session, moved, now=now)
    await tell_profiles(session, moved, now=now)
    return moved
