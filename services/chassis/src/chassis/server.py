"""Serving applications inside a running loop, and running a process until it is told to stop.

SIGTERM and SIGINT drain: not ready any more, nothing new is taken, what is under way is finished,
then everything is closed. Only `run_process` belongs to a process; the rest may be used several
times in one loop.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from chassis import failpoints, logs
from chassis.settings import Settings

_KEEPALIVE_SECONDS = 75  # longer than any client of ours keeps an idle connection
_BACKLOG = 2048
_LONGEST_MESSAGE = 100_000
"""Bytes of one WebSocket message to us."""

log = logs.get_logger(__name__)


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

    The application's lifespan is the caller's to enter (`serve_app` does). On the way out the
    application stops being ready, no new connection is taken, and requests under way get
    `drain_seconds` to end. Raises OSError when the port is taken.
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
            ws_max_size=_LONGEST_MESSAGE,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=max(1, round(drain_seconds)),
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.answering.wait()
        yield listener.getsockname()[1]
    finally:
        app.state.edge.is_draining = True
        for end in app.state.edge.on_drain:
            end()
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def serve_app(
    app: FastAPI, *, host: str, port: int, drain_seconds: float = 20.0
) -> AsyncIterator[int]:
    """Enter an application's lifespan and answer HTTP for it; yields the port."""
    async with (
        app.router.lifespan_context(app),
        serve(app, host=host, port=port, drain_seconds=drain_seconds) as open_port,
    ):
        yield open_port


def run_app(app: FastAPI, settings: Settings) -> None:
    """Run a process that only serves this application: the gateway's `main`."""

    async def work(stop: asyncio.Event) -> None:
        async with serve_app(
            app, host=settings.host, port=settings.port, drain_seconds=settings.drain_seconds
        ) as port:
            log.info("serving", host=settings.host, port=port)
            await stop.wait()
            log.info("draining")

    run_process(settings, work)


def run_process(settings: Settings, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Be a process: logs, the fast loop, and `stop` set by the first SIGTERM or SIGINT.

    A second signal gives up on draining.
    """
    prepare_process(settings)

    async def run() -> None:
        stop = asyncio.Event()
        this = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def on_signal() -> None:
            if stop.is_set() and this is not None:
                this.cancel()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal)
        with logs.service(settings.service):
            await work(stop)

    with (
        contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt),
        asyncio.Runner(loop_factory=_fast_loop) as runner,
    ):
        runner.run(run())


def prepare_process(settings: Settings) -> None:
    """Set up what belongs to the process: its logs, and its failpoints where a test arms them.

    Failpoints that nobody allowed end it with exit code 2.
    """
    logs.configure(level=settings.log_level, log_format=settings.log_format)
    try:
        failpoints.arm(os.environ)
    except failpoints.FailpointsRefused as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(2)


def _fast_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without its protocol asyncio leaves Nagle's algorithm on: 40 ms more for every answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
