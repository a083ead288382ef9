"""Tables of stock. The database itself guards that nothing is promised that is not there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base

Sorted = Text(collation="C")
"""SKUs and keys sort by code point, the same on every server and in Python."""


class WarehouseRow(Base):
    """A place where stock lies."""

    __tablename__ = "warehouses"

    key: Mapped[str] = mapped_column(Sorted, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    priority: Mapped[int]
    version: Mapped[int]
    updated_at: Mapped[datetime]


class StockItemRow(Base):
    """The stock of a SKU in all warehouses: its lock, its version, and the sums of its levels."""

    __tablename__ = "stock_items"
    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("reserved <= on_hand", name="reserved_at_most_on_hand"),
    )

    sku: Mapped[str] = mapped_column(Sorted, primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int]
    sequence: Mapped[int]


class StockLevelRow(Base):
    """The stock of a SKU in a warehouse; changed only under the lock of the SKU's item."""

    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("reserved <= on_hand", name="reserved_at_most_on_hand"),
        Index(None, "warehouse_key", "sku"),
    )

    sku: Mapped[str] = mapped_column(Sorted, ForeignKey(StockItemRow.sku), primary_key=True)
    warehouse_key: Mapped[str] = mapped_column(
        Sorted, ForeignKey(WarehouseRow.key), primary_key=True
    )
    on_hand: Mapped[int]
    reserved: Mapped[int]
    updated_at: Mapped[datetime]


class StockMovementRow(Base):
    """A change of stock on hand. Rows are only ever added (a trigger refuses the rest)."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        CheckConstraint("quantity <> 0", name="quantity_not_zero"),
        CheckConstraint(
            "kind IN ('received', 'adjusted', 'shipped', 'returned')", name="kind_known"
        ),
        Index(None, "sku", "warehouse_key"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    sku: Mapped[str] = mapped_column(Sorted)
    warehouse_key: Mapped[str] = mapped_column(Sorted)
    kind: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    recorded_at: Mapped[datetime]


class StockReservationRow(Base):
    """A hold on stock; its id is the holder's."""

    __tablename__ = "stock_reservations"
    __table_args__ = (
        CheckConstraint("status IN ('granted', 'bound', 'released')", name="status_known"),
        CheckConstraint("(status = 'bound') = (order_id IS NOT NULL)", name="bound_to_an_order"),
    )

    hold_id: Mapped[str] = mapped_column(Text, primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class StockReservationLineRow(Base):
    """What a reservation holds of a SKU in a warehouse; what was shipped of it has left."""

    __tablename__ = "stock_reservation_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("shipped BETWEEN 0 AND quantity", name="shipped_at_most_all"),
    )

    hold_id: Mapped[str] = mapped_column(
        Text, ForeignKey(StockReservationRow.hold_id), primary_key=True
    )
    sku: Mapped[str] = mapped_column(Sorted, primary_key=True)
    warehouse_key: Mapped[str] = mapped_column(Sorted, primary_key=True)
    quantity: Mapped[int]
    shipped: Mapped[int] = mapped_column(server_default="0")
