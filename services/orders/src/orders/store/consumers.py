"""What keeps the copy of stores: catalog's events, and its snapshot at first."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import Copy, CopyTable
from chassis.inbox import Consumer
from contracts.catalog import Store, StoreChanged
from contracts.envelope import Event
from orders.store import commands
from orders.store.tables import StoreRow


async def on_store_changed(session: AsyncSession, event: Event[StoreChanged]) -> None:
    """Keep the store as the event says, unless what is kept is newer."""
    await commands.keep_stores(session, [event.data.store])


async def take_snapshot(session: AsyncSession, lines: Sequence[Mapping[str, Any]]) -> None:
    """Keep the stores of a snapshot's lines."""
    await commands.keep_stores(session, [Store.model_validate(line) for line in lines])


CONSUMER = Consumer(queue="orders.stores", handlers={StoreChanged: on_store_changed})
COPY = Copy(
    name="stores",
    neighbour="catalog",
    snapshot="stores",
    queue=CONSUMER.queue,
    apply=take_snapshot,
    tables=(CopyTable(StoreRow, keys=("key",)),),
)
