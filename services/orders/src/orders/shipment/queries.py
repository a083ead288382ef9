"""Reads of parcels."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from contracts.orders import Shipment
from orders.db import uuids
from orders.shipment.tables import ShipmentLineRow, ShipmentRow
from orders.shipment.views import as_shipment

_SHIPMENTS = select(*ShipmentRow.__table__.columns).order_by(ShipmentRow.id)
_LINES = select(*ShipmentLineRow.__table__.columns).order_by(ShipmentLineRow.sku)


async def list_shipments(
    source: AsyncConnection | AsyncSession, order_ids: Collection[UUID]
) -> dict[UUID, list[Shipment]]:
    """The parcels of orders by order, the first first; an order without any is left out."""
    wanted = ShipmentRow.order_id == func.any(uuids(order_ids))
    rows = (await source.execute(_SHIPMENTS.where(wanted))).all()
    if not rows:
        return {}
    lines = defaultdict(list)
    inside = ShipmentLineRow.shipment_id == func.any(uuids([row.id for row in rows]))
    for line in await source.execute(_LINES.where(inside)):
        lines[line.shipment_id].append(line)
    shipments = defaultdict(list)
    for row in rows:
        shipments[row.order_id].append(as_shipment(row, lines[row.id]))
    return shipments
