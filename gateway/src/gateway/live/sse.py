"""Subscriptions over HTTP as server-sent events: `graphql-sse` in distinct connections mode.

One request is one operation; its results are `next` events, then `complete`. A stream that ends
without `complete` was cut, and is to be asked for again.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Any, cast

import orjson
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.http.streaming import SSETransport, merge_stream_with_heartbeat

from gateway.errors import GoingAway, formatted
from gateway.executor import Outcome
from gateway.live.hub import Session

_GRACE_SECONDS = 2.0
"""How long a stream whose session ended has to say so."""


def accepts_events(accept: str | None) -> bool:
    """Whether a request asks for a stream of events."""
    return accept is not None and SSETransport().accepts(accept)


class EventStream(StreamingResponse):
    """The outcomes of an operation; closes `stack` at its end."""

    def __init__(
        self,
        outcomes: AsyncGenerator[Outcome, None],
        *,
        session: Session | None,
        stack: ExitStack,
        heartbeat_seconds: float,
    ) -> None:
        transport = SSETransport(heartbeat_seconds)
        self._session = session
        self._stack = stack

        async def events() -> AsyncGenerator[str, None]:
            try:
                async with aclosing(outcomes):
                    async for outcome in outcomes:
                        yield transport.encode_next(cast(Any, body_of(outcome)), _encode)
            except GoingAway:
                return
            yield transport.encode_complete()

        merged = merge_stream_with_heartbeat(
            events,
            lambda: transport.encode_comment("alive"),
            heartbeat_seconds,
            send_initial_heartbeat=False,
        )
        super().__init__(merged(), headers=dict(transport.headers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream; once the session has ended, not for long any more."""
        loop = asyncio.get_running_loop()
        with self._stack:
            try:
                async with asyncio.timeout(None) as limit:
                    if self._session is not None:
                        self._session.on_end(
                            lambda _: limit.reschedule(loop.time() + _GRACE_SECONDS)
                        )
                    await super().__call__(scope, receive, send)
            except TimeoutError:  # its reader takes nothing; the connection is cut
                return


def body_of(outcome: Outcome) -> dict[str, Any]:
    """A result as it goes out; without data where nothing was run."""
    body: dict[str, Any] = {}
    if outcome.errors:
        body["errors"] = [formatted(error) for error in outcome.errors]
    if outcome.problem_status is None:
        body["data"] = outcome.data
    return body


def _encode(data: object) -> str:
    return orjson.dumps(data).decode()
