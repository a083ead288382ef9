"""Writes of what orders say of companies."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.fact.tables import CompanyFactsRow, OrderFactRow
from contracts.money import MAX_MINOR


async def record_order(
    session: AsyncSession, *, company: str, order_id: UUID, placed_at: datetime, spend_minor: int
) -> bool:
    """Add an order to its company's facts, once; whether it was new.

    Sums commute, so it does not matter in which order they come; they stop at the largest sum of
    money there is.
    """
    entered = await session.execute(
        insert(OrderFactRow)
        .values(order_id=order_id, company=company, placed_at=placed_at, spend_minor=spend_minor)
        .on_conflict_do_nothing()
        .returning(OrderFactRow.order_id)
    )
    if entered.first() is None:
        return False
    added = insert(CompanyFactsRow).values(
        company=company, orders=1, lifetime_spend_minor=spend_minor, last_order_at=placed_at
    )
    await session.execute(
        added.on_conflict_do_update(
            index_elements=["company"],
            set_={
                "orders": CompanyFactsRow.orders + 1,
                "lifetime_spend_minor": func.least(
                    CompanyFactsRow.lifetime_spend_minor + spend_minor, MAX_MINOR
                ),
                "last_order_at": func.greatest(
                    CompanyFactsRow.last_order_at, added.excluded.last_order_at
                ),
            },
        )
    )
    return True
