"""Reads of what orders say of companies."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import any_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from accounts.db import texts
from accounts.fact.domain import Facts
from accounts.fact.tables import CompanyFactsRow, OrderFactRow


async def find_facts(
    source: AsyncConnection | AsyncSession, companies: Collection[str]
) -> dict[str, Facts]:
    """The facts of every company asked for; one without orders has none of anything."""
    rows = await source.execute(
        select(
            CompanyFactsRow.company,
            CompanyFactsRow.orders,
            CompanyFactsRow.lifetime_spend_minor,
            CompanyFactsRow.last_order_at,
        ).where(CompanyFactsRow.company == any_(texts(companies)))
    )
    known = {
        row.company: Facts(row.orders, row.lifetime_spend_minor, row.last_order_at) for row in rows
    }
    return {company: known.get(company, Facts()) for company in companies}


async def sum_spend(
    source: AsyncConnection | AsyncSession, companies: Collection[str], *, since: datetime
) -> dict[str, int]:
    """What every company asked for spent since then, in minor units of its currency."""
    rows = await source.execute(
        select(OrderFactRow.company, func.sum(OrderFactRow.spend_minor).label("spent"))
        .where(OrderFactRow.company == any_(texts(companies)), OrderFactRow.placed_at > since)
        .group_by(OrderFactRow.company)
    )
    spent = {row.company: int(row.spent) for row in rows}
    return {company: spent.get(company, 0) for company in companies}
