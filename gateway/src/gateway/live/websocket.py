"""Subscriptions over WebSocket: the protocol `graphql-transport-ws`.

Strawberry's handler speaks it; documents are read, limited and run by our own executor, and
errors masked as everywhere. A connection introduces itself with a member's token, in the payload
of `connection_init` or the header Authorization, and is closed with 4403 when that ends.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing, suppress
from datetime import timedelta
from json import JSONDecodeError
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.unset import UNSET

from chassis import tracing
from contracts.problems import Problem, Unavailable
from gateway.context import Context
from gateway.errors import GoingAway, SubscriberTooSlow, formatted
from gateway.executor import Executor, Outcome, Request
from gateway.live.hub import Session
from gateway.settings import Settings

UNKNOWN_PROTOCOL = 4406
FORBIDDEN = 4403
GOING_AWAY = 1001
TOO_SLOW = 1008
TRY_LATER = 1013
_CLOSING_SECONDS = 1.0

Introduce = Callable[[WebSocket, str | None, ExitStack], Awaitable[Session]]
"""From an Authorization header to a Session, open until the stack is left; raises Problem."""


class Connection:
    """One WebSocket: what Strawberry's handler asks of its view, its schema and its context."""

    def __init__(
        self,
        ws: WebSocket,
        executor: Executor,
        *,
        settings: Settings,
        introduce: Introduce,
        context_of: Callable[[Session], Context],
    ) -> None:
        self.ws = ws
        self.connection_params: Mapping[str, Any] = {}
        self._executor = executor
        self._settings = settings
        self._introduce = introduce
        self._context_of = context_of
        self._session: Session | None = None
        self._stack = ExitStack()
        self._task: asyncio.Task[Any] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Speak until either side closes."""
        if GRAPHQL_TRANSPORT_WS_PROTOCOL not in self.ws.scope["subprotocols"]:
            await self.ws.accept()
            await self.ws.close(UNKNOWN_PROTOCOL, "Speak graphql-transport-ws.")
            return
        await self.ws.accept(subprotocol=GRAPHQL_TRANSPORT_WS_PROTOCOL)
        handler: BaseGraphQLTransportWSHandler[Any, None] = BaseGraphQLTransportWSHandler(
            view=self,  # type: ignore[arg-type]
            websocket=_Socket(self, self.ws, self._settings.subscriber_seconds),
            context=self,
            root_value=None,
            schema=self,  # type: ignore[arg-type]
            connection_init_wait_timeout=timedelta(seconds=self._settings.subscriber_seconds),
            max_subscriptions_per_connection=self._settings.max_connection_subscriptions,
        )
        self._task = asyncio.current_task()
        with self._stack, suppress(_Dropped):
            try:
                await handler.handle()
            except asyncio.CancelledError:
                if self._closing is None:
                    raise
                raise _Dropped from None

    def end(self, problem: Problem) -> None:
        """Close the connection, saying why by its code."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(problem))

    async def _close(self, problem: Problem) -> None:
        """Close; who does not even take that in time is cut off."""
        code, reason = FORBIDDEN, "Forbidden"
        if isinstance(problem, GoingAway):
            code, reason = GOING_AWAY, problem.detail
        elif isinstance(problem, SubscriberTooSlow):
            code, reason = TOO_SLOW, problem.detail
        elif isinstance(problem, Unavailable):
            code, reason = TRY_LATER, problem.detail
        try:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self.ws.close(code, reason)
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            if self._task is not None:
                self._task.cancel()

    # what Strawberry's handler asks of a view

    async def on_ws_connect(self, context: Any) -> Any:
        """Take the token. Raises ConnectionRejectionError, which closes with 4403, or with 1013
        where it cannot be told now whether it holds.
        """
        params = {name.lower(): value for name, value in self.connection_params.items()}
        given = params.get("authorization")
        header = given if isinstance(given, str) else self.ws.headers.get("authorization")
        try:
            self._session = await self._introduce(self.ws, header, self._stack)
        except Problem as problem:
            if isinstance(problem, Unavailable):
                self.end(problem)
            raise ConnectionRejectionError from None
        self._session.on_end(self.end)
        return UNSET

    def decode_json(self, text: str | bytes) -> object:
        """A message of the protocol. Raises JSONDecodeError for what is none."""
        message = orjson.loads(text)
        if not _is_message(message):
            raise JSONDecodeError("not a message of graphql-transport-ws", str(text)[:50], 0)
        return message

    def encode_json(self, data: object) -> str:
        """A message as it goes out."""
        return orjson.dumps(data).decode()

    # what it asks of a schema

    async def stream(
        self,
        query: str,
        *,
        variable_values: dict[str, Any] | None,
        context_value: Any,
        root_value: None,
        operation_name: str | None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of an operation as they come."""
        request = Request(query, variable_values, operation_name)
        if self._session is None:
            raise AssertionError("an operation before the handshake")
        context = self._context_of(self._session)
        return _results(
            self._executor.stream(request, context), seconds=self._settings.deadline_seconds
        )


class _Dropped(Exception):
    """The connection was cut off by us."""


class _Socket(ASGIWebSocketAdapter):
    """Sends with a limit of time, and nothing once the connection is being closed."""

    def __init__(self, connection: Connection, ws: WebSocket, seconds: float) -> None:
        super().__init__(connection, ws, ws)  # type: ignore[arg-type]
        self._connection = connection
        self._seconds = seconds

    async def send_json(self, message: Mapping[str, object]) -> None:
        if self._connection._closing is not None:
            return
        try:
            async with asyncio.timeout(self._seconds):
                await super().send_json(message)
        except TimeoutError:
            self._connection.end(SubscriberTooSlow())
        except RuntimeError:  # it was closed while this waited
            return

    async def close(self, code: int, reason: str) -> None:
        if self._connection._closing is not None:
            return
        with suppress(RuntimeError):  # it is closed already
            await super().close(code, reason)


class _Told(GraphQLError):
    """An error that says of itself what goes out."""

    def __init__(self, error: GraphQLError) -> None:
        super().__init__(error.message)
        self._told = formatted(error)

    @property
    def formatted(self) -> Any:
        return self._told


async def _results(
    outcomes: AsyncGenerator[Outcome, None], *, seconds: float
) -> AsyncGenerator[ExecutionResult, None]:
    """The outcomes as Strawberry's handler takes them, each with a deadline of its own: the
    connection's was that of its handshake."""
    async with aclosing(outcomes):
        while True:
            with tracing.scope(
                traceparent=tracing.traceparent(),
                request_id=tracing.request_id(),
                seconds=seconds,
            ):
                try:
                    outcome = await anext(outcomes)
                except (StopAsyncIteration, GoingAway):
                    return
                errors: list[GraphQLError] = [_Told(error) for error in outcome.errors]
            kind = ExecutionResult if outcome.problem_status is None else PreExecutionError
            yield kind(data=outcome.data, errors=errors or None)


def _is_message(message: Any) -> bool:
    """Whether it has the shape that its type says; the handler checks all else."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return True
    if not isinstance(message.get("id"), str) or not message["id"]:
        return False
    payload = message.get("payload")
    if message["type"] == "complete":
        return True
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )
