"""What keeps the copy of products: catalog's events, and its snapshot at first."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import Copy, CopyTable
from chassis.inbox import Consumer
from contracts.catalog import ProductChanged, ProductFacts
from contracts.envelope import Event
from orders.product import commands
from orders.product.tables import ProductRow


async def on_product_changed(session: AsyncSession, event: Event[ProductChanged]) -> None:
    """Keep the products as the event says, those that are not newer already."""
    await commands.keep_products(session, event.data.items)


async def take_snapshot(session: AsyncSession, lines: Sequence[Mapping[str, Any]]) -> None:
    """Keep the products of a snapshot's lines."""
    products = [ProductFacts.model_validate(line) for line in lines]
    await commands.keep_products(session, products)


CONSUMER = Consumer(queue="orders.products", handlers={ProductChanged: on_product_changed})
COPY = Copy(
    name="products",
    neighbour="catalog",
    snapshot="products",
    queue=CONSUMER.queue,
    apply=take_snapshot,
    tables=(CopyTable(ProductRow, keys=("key",)),),
)
