"""Ids that travel with the work: request id, W3C trace context and the deadline.

They live in context variables, so every task begun on behalf of a request carries them. The
middleware gives every request its ids; consumers and workers open a `scope` of their own.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_DEADLINE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Trace:
    """Where we are: the trace, our span in it, and the request a person would ask about."""

    trace_id: str
    span_id: str
    flags: str
    request_id: str

    @property
    def traceparent(self) -> str:
        """The header that makes what we call or tell a child of our span."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


_trace: ContextVar[Trace | None] = ContextVar("tandem_trace", default=None)
_deadline: ContextVar[float | None] = ContextVar("tandem_deadline", default=None)


def new_trace(*, traceparent: str | None = None, request_id: str | None = None) -> Trace:
    """Continue the trace of `traceparent`, or begin one where it is missing or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        trace_id, flags = secrets.token_hex(16), "01"
    else:
        trace_id, flags = match[1], match[3]
    if request_id is None or not _REQUEST_ID.fullmatch(request_id):
        request_id = trace_id[:16]
    return Trace(trace_id, os.urandom(8).hex(), flags, request_id)


def current() -> Trace | None:
    """The trace of the work under way, if any."""
    return _trace.get()


def traceparent() -> str | None:
    """The `traceparent` to hand on with calls and events, if any work is under way."""
    trace = _trace.get()
    return trace.traceparent if trace else None


def request_id() -> str | None:
    """The id that a person quotes when asking about this request, if there is one."""
    trace = _trace.get()
    return trace.request_id if trace else None


@contextmanager
def scope(
    *,
    traceparent: str | None = None,
    request_id: str | None = None,
    seconds: float | None = None,
) -> Iterator[Trace]:
    """Do some work under a trace (continued or new) and, if given, a deadline."""
    trace = new_trace(traceparent=traceparent, request_id=request_id)
    trace_token = _trace.set(trace)
    deadline_token = _deadline.set(None if seconds is None else time.time() + seconds)
    try:
        yield trace
    finally:
        _deadline.reset(deadline_token)
        _trace.reset(trace_token)


def deadline_of(header: str | None, *, default_seconds: float) -> float:
    """Unix time in seconds until which the caller of a request waits.

    `header` is Unix milliseconds; a malformed one counts as missing, and none is later than
    two minutes from now.
    """
    now = time.time()
    if header is None or not (header.isascii() and header.isdigit() and len(header) <= 15):
        return now + default_seconds
    return min(int(header) / 1000, now + _LONGEST_DEADLINE_SECONDS)


def deadline() -> float | None:
    """Unix time in seconds until which the caller waits, if anyone does."""
    return _deadline.get()


def remaining(*, otherwise: float) -> float:
    """Seconds left until the deadline, at least 0; `otherwise` when there is none."""
    until = _deadline.get()
    return otherwise if until is None else max(0.0, until - time.time())


def begin(trace: Trace, until: float) -> None:
    """Set the ids and the deadline of a whole request; for the middleware, which owns its task."""
    _trace.set(trace)
    _deadline.set(until)


def in_seconds(seconds: float) -> float:
    """Unix time in seconds, that long from now."""
    return time.time() + seconds


def seconds_until(moment: float) -> float:
    """Seconds from now until a Unix time, at least 0."""
    return max(0.0, moment - time.time())
