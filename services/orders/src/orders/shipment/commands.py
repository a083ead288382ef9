"""Writes of parcels."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.orders import Shipment, ShipmentLine, ShipOrder
from orders.shipment.tables import ShipmentLineRow, ShipmentRow


async def write_shipment(
    session: AsyncSession,
    shipment_id: UUID,
    *,
    order_id: UUID,
    packed: Mapping[str, int],
    body: ShipOrder,
    now: datetime,
) -> Shipment:
    """Keep what is in a parcel; that it may be in there is the caller's to know."""
    shipment = Shipment(
        id=shipment_id,
        lines=[ShipmentLine(sku=sku, quantity=packed[sku]) for sku in sorted(packed)],
        carrier=body.carrier,
        tracking_number=body.tracking_number,
        shipped_at=now,
    )
    await session.execute(
        insert(ShipmentRow).values(
            order_id=order_id, **shipment.model_dump(exclude={"lines"}, mode="python")
        )
    )
    await session.execute(
        insert(ShipmentLineRow),
        [{"shipment_id": shipment_id, **line.model_dump()} for line in shipment.lines],
    )
    return shipment
