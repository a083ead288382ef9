"""A service in one value, and the application made of it.

`create_app(SERVICE, settings)` is all that a service's `app.py` has to say: routes, change feed,
snapshots, keys, health, problems, docs and the open runtime come with it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg
from fastapi import APIRouter, FastAPI
from sqlalchemy import MetaData
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from chassis import auth, dead_letters, feed
from chassis.app import assemble
from chassis.bus import BusUnavailable
from chassis.clock import Clock
from chassis.db import new_metadata, problem_of
from chassis.health import Check
from chassis.jobs import Job
from chassis.problems import as_response
from chassis.revisions import check_current
from chassis.runtime import Runtime, open_runtime
from chassis.settings import DatabaseSettings

if TYPE_CHECKING:
    from chassis.bus import Bus
    from chassis.copies import Copy
    from chassis.inbox import Consumer
    from chassis.process import Process

__all__ = ["Job", "Service", "create_app"]


@dataclass(frozen=True)
class Service:
    """What makes a service itself; everything else is chassis.

    `migrations` is the package with its alembic revisions (`orders.migrations`, the revisions in
    its folder `versions`), `metadata` that of its own tables.
    """

    name: str
    title: str
    summary: str
    settings: type[DatabaseSettings]
    migrations: str
    metadata: MetaData = field(default_factory=new_metadata)
    routers: tuple[APIRouter, ...] = ()
    consumers: "tuple[Consumer, ...]" = ()
    copies: "tuple[Copy, ...]" = ()
    snapshots: tuple[feed.Snapshot, ...] = ()
    processes: "tuple[Process, ...]" = ()
    jobs: tuple[Job, ...] = ()
    on_start: tuple[Callable[[Runtime], Awaitable[None]], ...] = ()
    version: str = "0.1.0"


def create_app(
    service: Service,
    settings: DatabaseSettings,
    *,
    bus: "Bus | None" = None,
    clock: Clock | None = None,
    runtime: Runtime | None = None,
    is_for_health_only: bool = False,
) -> FastAPI:
    """The application of a service.

    Its lifespan opens a runtime of its own, unless it is given one that is open already. For
    health only: what a process without the API answers to its platform. Only such a one is not
    ready without the broker: an API goes on while events wait in its outbox.
    """
    routers: tuple[APIRouter, ...] = ()
    if not is_for_health_only:
        routers = (
            *service.routers,
            feed.create_router(service.name, service.snapshots),
            dead_letters.create_router(service.consumers),
            auth.create_router(),
        )

    @asynccontextmanager
    async def live() -> AsyncIterator[Runtime]:
        if runtime is not None:
            yield runtime
            return
        async with open_runtime(service, settings, bus=bus, clock=clock) as opened:
            yield opened

    starts = () if is_for_health_only else service.on_start
    checks = {"database": _check_database}
    if is_for_health_only:
        checks["broker"] = _check_broker
    return _build(service, settings, live, routers, starts, checks)


def _build(
    service: Service,
    settings: DatabaseSettings,
    live: Callable[[], AbstractAsyncContextManager[Runtime]],
    routers: tuple[APIRouter, ...],
    starts: tuple[Callable[[Runtime], Awaitable[None]], ...],
    checks: Mapping[str, Check],
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with live() as runtime:
            app.state.edge = app.state.runtime = runtime
            for start in starts:
                await start(runtime)
            yield

    app = assemble(
        settings,
        title=service.title,
        summary=service.summary,
        version=service.version,
        routers=routers,
        lifespan=lifespan,
        checks=checks,
    )
    for failure in (SQLAlchemyError, asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
        app.add_exception_handler(failure, _on_database_failure)
    return app


async def _check_database(request: Request) -> None:
    await check_current(request.app.state.runtime)


async def _check_broker(request: Request) -> None:
    runtime: Runtime = request.app.state.runtime
    if not runtime.bus.healthy:
        raise BusUnavailable


async def _on_database_failure(request: Request, error: Exception) -> Response:
    """Tell what a failure of the database means; what is our own mistake goes on as such."""
    problem = problem_of(error)
    if problem is None:
        raise error
    return as_response(problem, instance=request.url.path)
