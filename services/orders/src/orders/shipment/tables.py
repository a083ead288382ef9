"""Tables of shipments: what was in each parcel. Rows are only ever added."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base


class ShipmentRow(Base):
    """A parcel of an order."""

    __tablename__ = "shipments"
    __table_args__ = (Index(None, "order_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    carrier: Mapped[str | None] = mapped_column(Text)
    tracking_number: Mapped[str | None] = mapped_column(Text)
    shipped_at: Mapped[datetime]


class ShipmentLineRow(Base):
    """How many pieces of a SKU are in a parcel."""

    __tablename__ = "shipment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey(ShipmentRow.id), primary_key=True)
    sku: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    quantity: Mapped[int]
