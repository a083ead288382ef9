"""Events in: stock, from orders."""

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.availability import commands
from chassis.inbox import Consumer
from contracts.envelope import Event
from contracts.orders import StockChanged


async def on_stock_changed(session: AsyncSession, event: Event[StockChanged]) -> None:
    """Follow the stock of each SKU told of."""
    await commands.apply_stock(session, [item.model_dump() for item in event.data.items])


CONSUMER = Consumer("catalog.availability", {StockChanged: on_stock_changed})
