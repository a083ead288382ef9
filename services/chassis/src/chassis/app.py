"""The HTTP technique that services and the gateway share: ids, limits, problems, docs, health.

Nothing here knows of a database; `chassis.service` adds it for services.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from chassis import auth, docs, health, openapi, problems
from chassis.clock import Clock
from chassis.edge import Edge, open_edge
from chassis.limits import BodyLimitMiddleware
from chassis.requests import RequestMiddleware
from chassis.settings import Settings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Api(FastAPI):
    """FastAPI whose OpenAPI also tells every problem that an operation may answer."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = openapi.describe(self)
        return self.openapi_schema


def assemble(
    settings: Settings,
    *,
    title: str,
    summary: str,
    version: str,
    routers: Sequence[APIRouter],
    lifespan: Lifespan,
    checks: Mapping[str, health.Check] | None = None,
) -> FastAPI:
    """An application with everything but its lifespan's content, which sets `app.state.edge`."""
    app = Api(
        title=title,
        summary=summary,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    problems.install(app)
    app.add_middleware(BodyLimitMiddleware, limit_bytes=settings.body_limit_bytes)
    app.add_middleware(
        RequestMiddleware,
        service=settings.service,
        deadline_seconds=settings.deadline_seconds,
    )
    for router in routers:
        app.include_router(router)
    app.include_router(health.create_router(checks or {}))
    docs.install(app)
    return app


def create_edge_app(
    settings: Settings,
    *,
    title: str,
    summary: str,
    version: str = "0.1.0",
    routers: Sequence[APIRouter] = (),
    on_start: Sequence[Callable[[Edge, FastAPI], AbstractAsyncContextManager[None]]] = (),
    checks: Mapping[str, health.Check] | None = None,
    clock: Clock | None = None,
    edge: Edge | None = None,
) -> FastAPI:
    """The application of a process without a database.

    Each of `on_start` is entered when the edge is open and left before it closes: what the
    application holds open itself (listeners, caches).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            opened = edge
            if opened is None:
                opened = await stack.enter_async_context(open_edge(settings, clock=clock))
            app.state.edge = opened
            for start in on_start:
                await stack.enter_async_context(start(opened, app))
            yield

    return assemble(
        settings,
        title=title,
        summary=summary,
        version=version,
        routers=(*routers, auth.create_router()),
        lifespan=lifespan,
        checks=checks,
    )


def _operation_id(route: APIRoute) -> str:
    """The handler's name: unique in a service, and what a generated client calls the method."""
    return route.name
