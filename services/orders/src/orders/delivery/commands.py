"""Writes of delivery methods."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import versions
from contracts.bulk import LineOutcome
from contracts.orders import DeliveryMethod, PutDeliveryMethod
from orders.delivery.tables import DeliveryMethodRow
from orders.delivery.views import as_delivery_method


async def put_delivery_method(
    session: AsyncSession,
    key: str,
    body: PutDeliveryMethod,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> tuple[DeliveryMethod, LineOutcome]:
    """Make or change a delivery method; the same again changes nothing.

    Raises VersionNotCurrent.
    """
    row = await session.get(DeliveryMethodRow, key, with_for_update=True)
    versions.check(row.version if row else None, if_match)
    wanted = {
        **body.model_dump(exclude={"price"}),
        "price": Decimal(body.price.amount),
        "currency": body.price.currency,
    }
    if row is None:
        row = DeliveryMethodRow(key=key, version=1, updated_at=now, **wanted)
        session.add(row)
        await session.flush()
        return as_delivery_method(row), LineOutcome.CREATED
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return as_delivery_method(row), LineOutcome.UNCHANGED
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = now
    await session.flush()
    return as_delivery_method(row), LineOutcome.UPDATED
