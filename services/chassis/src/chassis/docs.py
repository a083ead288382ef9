"""The REST reference at `/docs`: Swagger UI from our own package, so that it opens offline."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

ASSETS = Path(__file__).parent / "swagger"
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " frame-ancestors 'none'"
)


def install(app: FastAPI) -> None:
    """Serve the reference and what it needs."""

    async def show() -> FileResponse:
        return FileResponse(
            ASSETS / "page.html",
            media_type="text/html",
            headers={"Content-Security-Policy": _POLICY},
        )

    app.add_api_route("/docs", show, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=ASSETS), name="docs-assets")
