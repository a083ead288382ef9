"""Rows of stock as they cross the border."""

from typing import Any

from contracts.orders import StockFacts, StockLevel, Warehouse


def as_warehouse(row: Any) -> Warehouse:
    """A warehouse."""
    return Warehouse(
        key=row.key,
        name=row.name,
        country=row.country,
        priority=row.priority,
        version=row.version,
        updated_at=row.updated_at,
    )


def as_stock_level(row: Any) -> StockLevel:
    """A level with the version of its SKU's stock."""
    return StockLevel(
        warehouse=row.warehouse_key,
        sku=row.sku,
        on_hand=row.on_hand,
        reserved=row.reserved,
        available=row.on_hand - row.reserved,
        version=row.sequence,
        updated_at=row.updated_at,
    )


def as_stock_facts(row: Any) -> StockFacts:
    """What others may know of a SKU's stock."""
    return StockFacts(sku=row.sku, sequence=row.sequence, available=row.on_hand - row.reserved)
