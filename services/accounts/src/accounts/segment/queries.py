"""Reads across companies: what rules look at, and who would enter or leave a group."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.agreement.queries import find_in_force
from accounts.company.queries import find_companies, list_keys
from accounts.errors import CompanyNotKnown, RuleAndCompanies
from accounts.fact.domain import MONTHS_12
from accounts.fact.queries import find_facts, sum_spend
from accounts.group import queries as groups
from accounts.group.domain import Change, Subject, find_changes
from accounts.group.rules import check_rule, holds
from contracts.companies import GroupPreview, PutCustomerGroup

BATCH = 500
"""So many companies are looked at in one go."""
_SHOWN = 1_000
_BETWEEN_TURNS = 20


async def list_subjects(
    source: AsyncConnection | AsyncSession, companies: Collection[str], *, now: datetime
) -> list[Subject]:
    """The facts of these companies at a moment, in order; unknown ones are left out."""
    known = await find_companies(source, companies)
    facts = await find_facts(source, companies)
    spent = await sum_spend(source, companies, since=now - MONTHS_12)
    agreements = await find_in_force(source, companies, now=now)
    return [
        Subject(
            company=key,
            country=company.country,
            region=company.region or "",
            currency=company.currency,
            industry=company.industry or "",
            tier=company.tier or "",
            tags=tuple(company.tags),
            customer_since=company.customer_since,
            last_order_at=facts[key].last_order_at,
            orders=facts[key].orders,
            lifetime_spend_minor=facts[key].lifetime_spend_minor,
            spend_12_months_minor=spent[key],
            has_agreement=key in agreements,
            payment_days=agreements[key].payment_days if key in agreements else 0,
            now=now,
        )
        for key, company in sorted(known.items())
    ]


async def iterate_keys(
    source: AsyncConnection | AsyncSession, *, after: str = ""
) -> AsyncIterator[list[str]]:
    """The keys of all companies, in order, a batch at a time."""
    while keys := await list_keys(source, after=after, limit=BATCH):
        yield keys
        after = keys[-1]


async def find_group_changes(
    source: AsyncConnection | AsyncSession,
    group: str,
    *,
    rule: str | None,
    listed: Collection[str],
    of: Collection[str],
    now: datetime,
) -> list[Change]:
    """Who of these companies enters and who leaves a group of that rule, or that list."""
    present = await groups.list_members(source, group, of=of)
    wanted = set(listed)
    if rule is not None:
        subjects = await list_subjects(source, of, now=now)
        wanted = await choose(rule, subjects)
    return find_changes(group, of=of, wanted=wanted, present=present)


async def choose(rule: str, subjects: Sequence[Subject]) -> set[str]:
    """The companies that a rule holds for; other requests get their turn in between."""
    chosen = set()
    for number, subject in enumerate(subjects):
        if number % _BETWEEN_TURNS == 0:
            await asyncio.sleep(0)
        if holds(rule, subject):
            chosen.add(subject.company)
    return chosen


async def check_group(source: AsyncConnection | AsyncSession, body: PutCustomerGroup) -> None:
    """Raise RuleAndCompanies, RuleUnsound or CompanyNotKnown for a group that cannot be."""
    if body.rule is not None:
        if body.companies:
            raise RuleAndCompanies
        check_rule(body.rule)
    known = await find_companies(source, body.companies) if body.companies else {}
    for index, company in enumerate(body.companies):
        if company not in known:
            raise CompanyNotKnown(company, field=f"/companies/{index}")


async def preview_group(
    source: AsyncConnection, group: str, body: PutCustomerGroup, *, now: datetime
) -> GroupPreview:
    """Who would enter and who would leave if a group were saved like this."""
    entering: list[str] = []
    leaving: list[str] = []
    listed = set(body.companies)
    async for keys in iterate_keys(source):
        changes = await find_group_changes(
            source, group, rule=body.rule, listed=listed, of=keys, now=now
        )
        entering += [change.company for change in changes if change.is_member]
        leaving += [change.company for change in changes if not change.is_member]
    return GroupPreview(entering=entering[:_SHOWN], leaving=leaving[:_SHOWN])
