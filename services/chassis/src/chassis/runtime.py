"""What a running service holds: its settings, clock, database, neighbours, keys and bus.

One `Runtime` belongs to one service; there may be several in one interpreter, so nothing of it
is ever kept in a module.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from chassis.bus import Bus, open_bus
from chassis.clock import Clock
from chassis.db import create_engine, create_sessions
from chassis.edge import Edge, open_edge
from chassis.settings import DatabaseSettings
from chassis.wake import Wake

if TYPE_CHECKING:
    from chassis.service import Service


@dataclass(kw_only=True)
class Runtime(Edge):
    """A service, open. `reader` and `engine` share one pool; `direct` opens sessions of its own."""

    service: "Service"
    settings: DatabaseSettings
    engine: AsyncEngine
    reader: AsyncEngine
    direct: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    bus: Bus
    wake: Wake
    random: Random = field(default_factory=Random)
    """For jitter; a simulation puts a seeded one in its place."""


@asynccontextmanager
async def open_runtime(
    service: "Service",
    settings: DatabaseSettings,
    *,
    bus: Bus | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Runtime]:
    """Open what a service needs; the database is only reached when first asked for something.

    A bus that is given stays its giver's; otherwise one is opened and closed here, on RabbitMQ
    when the settings name a broker.
    """
    async with open_edge(settings, clock=clock) as edge:
        engine = create_engine(settings)
        direct = create_engine(settings, direct=True)
        wake = Wake(engine)
        used_bus = bus or open_bus(settings.amqp_url, name=service.name)
        try:
            yield Runtime(
                clock=edge.clock,
                signer=edge.signer,
                verifier=edge.verifier,
                neighbours=edge.neighbours,
                service=service,
                settings=settings,
                engine=engine,
                reader=engine.execution_options(isolation_level="AUTOCOMMIT"),
                direct=direct,
                sessions=create_sessions(engine, wake=wake, clock=edge.clock),
                bus=used_bus,
                wake=wake,
            )
        finally:
            if bus is None:
                await used_bus.close()
            await wake.close()
            await engine.dispose()
            await direct.dispose()


async def get_runtime(request: Request) -> Any:
    """The runtime of the application that answers this request."""
    return request.app.state.runtime


Live = Annotated[Runtime, Depends(get_runtime)]
