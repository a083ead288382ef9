"""Around every request: ids, deadline, one log line, and a plain 500 for a mistake of ours."""

import asyncio
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import logs, tracing
from chassis.problems import InternalError, as_response
from contracts.problems import Unavailable

log = logs.get_logger(__name__)

QUIET = frozenset({"/livez", "/readyz"})
_GRACE_SECONDS = 0.5
"""How much later than its deadline a request is cut: what waits within knows the deadline too, and
has a better answer."""


class DeadlinePassed(Unavailable):
    """The work took longer than its caller waits. A write may have been done all the same."""

    def __init__(self) -> None:
        super().__init__(
            "This took longer than you wait; please send the same again, a write under the same"
            " Idempotency-Key.",
            headers={"Retry-After": "1"},
        )


class RequestMiddleware:
    """Gives a request its ids and deadline, logs how it went, and catches what nobody caught.

    Whatever the work waits for, at the deadline the caller is told; only an answer that has begun
    goes on.
    """

    def __init__(self, app: ASGIApp, *, service: str, deadline_seconds: float) -> None:
        self.app = app
        self.service = service
        self.deadline_seconds = deadline_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace = tracing.new_trace(
            traceparent=headers.get("traceparent"), request_id=headers.get("x-request-id")
        )
        logs.set_service(self.service)
        tracing.begin(
            trace,
            tracing.deadline_of(
                headers.get("tandem-deadline"), default_seconds=self.deadline_seconds
            ),
        )
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self._answer(scope, receive, send, trace.request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        async def send_in_time(message: Message) -> None:
            if not limit.expired():  # an answer that comes while we are being cut is still one
                limit.reschedule(None)
            await send_with_id(message)

        limit = asyncio.timeout(tracing.remaining(otherwise=0.0) + _GRACE_SECONDS)
        try:
            async with limit:
                await self.app(scope, receive, send_in_time)
        except Exception as error:
            is_late = isinstance(error, TimeoutError) and limit.expired()
            if not is_late:
                log.error(
                    "request failed", method=scope["method"], path=scope["path"], exc_info=True
                )
            if status:
                raise  # the answer has begun; only cutting the connection tells its reader
            problem = DeadlinePassed() if is_late else InternalError()
            await as_response(problem, instance=scope["path"])(scope, receive, send_with_id)
        finally:
            if scope["path"] not in QUIET:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                )
