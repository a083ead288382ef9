"""Parcels as they cross the border."""

from collections.abc import Sequence
from typing import Any

from contracts.orders import Shipment, ShipmentLine


def as_shipment(row: Any, lines: Sequence[Any]) -> Shipment:
    """A parcel and what is in it."""
    return Shipment(
        id=row.id,
        lines=[ShipmentLine(sku=line.sku, quantity=line.quantity) for line in lines],
        carrier=row.carrier,
        tracking_number=row.tracking_number,
        shipped_at=row.shipped_at,
    )
