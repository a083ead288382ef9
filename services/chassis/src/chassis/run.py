"""Running a service: `python -m <service> api|consume|relay|work|all|migrate|openapi`.

SIGTERM and SIGINT drain: not ready any more, nothing new is taken, what is under way is finished,
then everything is closed. Nothing here is tied to a process, so that several services can run in
one loop (`serve_all`).
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

_KEEPALIVE_SECONDS = 75  # longer than any client of ours keeps an idle connection
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """Serves inside a loop that is not its own: signals are for whoever runs the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve(
    app: FastAPI, *, host: str, port: int, drain_seconds: float = 20.0
) -> AsyncIterator[int]:
    """Answer HTTP for an application while inside; yields the port (0 asks for a free one).

    The application's lifespan is the caller's to enter. On the way out no new connection is
    taken, and requests under way get `drain_seconds` to end.
    """
    listener = _listen(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEPALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, int(drain_seconds)),
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.answering.wait()
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
