"""Writes of the copy."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.availability.tables import AvailabilityRow
from chassis import copies
from chassis.copies import Copy, CopyTable


async def apply_stock(session: AsyncSession, items: Sequence[Mapping[str, Any]]) -> None:
    """Take over what orders says of stock (`StockFacts`), where it is newer than what is known."""
    rows = [
        {"sku": item["sku"], "available": item["available"], "sequence": item["sequence"]}
        for item in items
    ]
    await copies.apply_newer(session, AvailabilityRow, rows, keys=("sku",))


COPY = Copy(
    name="availability",
    neighbour="orders",
    snapshot="stock",
    queue="catalog.availability",
    apply=apply_stock,
    tables=(CopyTable(AvailabilityRow, keys=("sku",)),),
)
