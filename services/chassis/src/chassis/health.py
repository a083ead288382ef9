"""Is it alive, is it ready: `/livez` asks only the process, `/readyz` everything it leans on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from chassis.logs import get_logger

Check = Callable[[Request], Awaitable[None]]
"""Returns when all is well, raises when not."""

_PATIENCE_SECONDS = 2.0
log = get_logger(__name__)


def create_router(checks: Mapping[str, Check]) -> APIRouter:
    """`/livez` and `/readyz`; not in the OpenAPI, for they are the platform's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        results = {name: await _outcome(name, check, request) for name, check in checks.items()}
        if request.app.state.edge.is_draining:
            results["process"] = "draining"
        is_ready = all(result == "ok" for result in results.values())
        return JSONResponse(
            {"status": "ready" if is_ready else "not ready", "checks": results},
            status_code=200 if is_ready else 503,
        )

    return router


async def _outcome(name: str, check: Check, request: Request) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await check(request)
    except Exception as error:
        log.warning("not ready", check=name, why=type(error).__name__)
        return "failed"
    return "ok"
