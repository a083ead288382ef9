"""The composition root: settings, schemas, caches and the listener that keeps them fresh."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from chassis import broadcast
from chassis.app import create_edge_app
from chassis.bus import Bus, open_bus
from chassis.clock import Clock
from chassis.edge import Edge
from contracts.buyers import AccessRevoked
from contracts.catalog import CategoryChanged, StoreChanged
from contracts.envelope import Event, EventData
from gateway.cache import Cached
from gateway.context import Caches
from gateway.endpoint import create_router
from gateway.executor import Executor
from gateway.live.hub import EVENTS, Hub
from gateway.schema import FOR_MEMBERS, SCHEMAS
from gateway.settings import Settings

CORS_HEADERS = [
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Tandem-Store",
    "X-Request-Id",
    "traceparent",
]


def create_app(
    settings: Settings,
    *,
    schemas: Sequence[str] = tuple(SCHEMAS),
    bus: Bus | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """The gateway with some of its schemas; `bus` is given where several services share one."""
    seconds, wait = settings.cache_seconds, settings.deadline_seconds
    caches = Caches(
        stores=Cached(
            "catalog", seconds=seconds, entries=settings.cache_entries, wait_seconds=wait
        ),
        categories=Cached("catalog", seconds=seconds, entries=1, wait_seconds=wait),
    )

    hub = Hub(settings)

    @asynccontextmanager
    async def listening(edge: Edge, app: FastAPI) -> AsyncIterator[None]:
        edge.on_drain.append(hub.close)
        own = bus or (open_bus(settings.amqp_url, name="gateway") if settings.amqp_url else None)
        if own is None:
            yield  # only time keeps the caches fresh
            return
        stop = asyncio.Event()
        hub.is_hearing = True
        task = asyncio.create_task(_listen(own, caches, hub, edge, stop))
        try:
            yield
        finally:
            stop.set()
            with suppress(asyncio.CancelledError):
                await task
            if bus is None:
                await own.close()

    app = create_edge_app(
        settings,
        title="Tandem gateway",
        summary="GraphQL for headless frontends.",
        routers=[
            create_router(
                name,
                Executor(SCHEMAS[name]()._schema, settings),
                settings=settings,
                caches=caches,
                hub=hub if name in FOR_MEMBERS else None,
            )
            for name in schemas
        ],
        on_start=[listening],
        clock=clock,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=CORS_HEADERS,
            expose_headers=["X-Request-Id"],
            max_age=600,
        )
    return app


async def _listen(bus: Bus, caches: Caches, hub: Hub, edge: Edge, stop: asyncio.Event) -> None:
    """Drop what an event says has changed, and everything when some may have been missed; wake
    subscribers, and refuse tokens whose access was taken away."""

    def hear(event: Event[Any]) -> None:
        if isinstance(event.data, StoreChanged):
            caches.stores.drop()
        elif isinstance(event.data, CategoryChanged):
            caches.categories.drop()
        else:
            if isinstance(event.data, AccessRevoked):
                edge.verifier.revoke(event.subject, event.data.valid_after)
            hub.hear(event)

    def miss() -> None:
        caches.drop_all()
        hub.gap()

    kinds: tuple[type[EventData], ...] = (StoreChanged, CategoryChanged, *EVENTS)
    await broadcast.listen(bus, kinds, on_event=hear, on_gap=miss, stop=stop)
