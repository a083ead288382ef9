"""What orders tell: each placed order changes the facts of its company."""

from sqlalchemy.ext.asyncio import AsyncSession

from accounts.segment import commands
from chassis.clock import Clock
from chassis.inbox import Consumer
from contracts.envelope import Event
from contracts.orders import OrderPlaced


async def on_order_placed(session: AsyncSession, event: Event[OrderPlaced]) -> None:
    """Add the order to its company's facts, and let it enter and leave groups."""
    clock: Clock = session.info["clock"]
    await commands.take_order(session, event.data, now=clock.now())


CONSUMER = Consumer(queue="accounts.orders", handlers={OrderPlaced: on_order_placed})
