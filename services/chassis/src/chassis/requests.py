"""Around every request: ids, deadline, one log line, and a plain 500 for a mistake of ours."""

import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import logs, tracing
from chassis.problems import InternalError, as_response

log = logs.get_logger(__name__)

QUIET = frozenset({"/livez", "/readyz"})


class RequestMiddleware:
    """Gives a request its ids and deadline, logs how it went, and catches what nobody caught."""

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

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            log.error("request failed", method=scope["method"], path=scope["path"], exc_info=True)
            if status:
                raise  # the answer has begun; only cutting the connection tells its reader
            answer = as_response(InternalError(), instance=scope["path"])
            await answer(scope, receive, send_with_id)
        finally:
            if scope["path"] not in QUIET:
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                )
