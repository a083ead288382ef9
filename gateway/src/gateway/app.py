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
from contracts.catalog import CategoryChanged, StoreChanged
from contracts.envelope import Event
from gateway.cache import Cached
from gateway.context import Caches
from gateway.endpoint import create_router
from gateway.executor import Executor
from gateway.schema import SCHEMAS
from gateway.settings import Settings

CORS_HEADERS = ["Accept-Language", "Content-Type", "Tandem-Store", "X-Request-Id", "traceparent"]


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

    @asynccontextmanager
    async def listening(edge: Edge, app: FastAPI) -> AsyncIterator[None]:
        own = bus or (open_bus(settings.amqp_url, name="gateway") if settings.amqp_url else None)
        if own is None:
            yield  # only time keeps the caches fresh
            return
        stop = asyncio.Event()
        task = asyncio.create_task(_listen(own, caches, stop))
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


async def _listen(bus: Bus, caches: Caches, stop: asyncio.Event) -> None:
    """Drop what an event says has changed, and everything when some may have been missed."""

    def hear(event: Event[Any]) -> None:
        kept = caches.stores if isinstance(event.data, StoreChanged) else caches.categories
        kept.drop()

    await broadcast.listen(
        bus, (StoreChanged, CategoryChanged), on_event=hear, on_gap=caches.drop_all, stop=stop
    )
