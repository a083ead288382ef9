"""What a body may be: its length, its encoding, and values that no database takes.

Bodies are read here, up to the limit, before any route runs; only NDJSON for a path that ends in
`/bulk` streams through. A JSON body must be UTF-8; strings with NUL or half a surrogate pair and
integers beyond 64 bits are refused with a pointer to where they stand.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import BodyNotJson, BodyTooLarge, as_response, is_json
from contracts.problems import FieldError, Invalid, Problem

_SUSPICIOUS = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]|[0-9]{19}|[0-9][eE]\+?[0-9]{3}|NaN|Infinity")
_BIGGEST = 2**63 - 1
_INFINITE = (float("inf"), float("-inf"))
_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_SECONDS = 5.0


class ValueNotAllowed(Invalid):
    """A string or number that JSON can write and no database can keep."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(f"{errors[0].pointer}: {errors[0].message}", errors=errors)


class BodyLimitMiddleware:
    """Reads a body up to the limit and hands it on whole."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self.app = app
        self.limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            check_address(scope)
            if scope["method"] in {"POST", "PUT", "PATCH", "DELETE"}:
                receive = await self._checked(scope, receive)
        except Problem as problem:
            await as_response(problem, instance=scope["path"])(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        content_type = headers.get("content-type")
        if is_stream(scope["path"], content_type):
            return receive
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self.limit_bytes:
            raise await self._too_large(receive)
        body = await self._read(receive)
        if body is None:
            return receive
        if body and is_json(content_type):
            check_json(body)
        return _replay(body, receive)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None when the caller went away before its end."""
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(chunk)
            if size > self.limit_bytes:
                raise await self._too_large(receive if more else None)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _too_large(self, receive: Receive | None) -> BodyTooLarge:
        """The problem to raise; the connection goes on unless the rest of the body is endless."""
        problem = BodyTooLarge(self.limit_bytes)
        if receive is not None and not await _drain(receive):
            problem.headers["Connection"] = "close"
        return problem


def is_stream(path: str, content_type: str | None) -> bool:
    """Whether a body is NDJSON for a bulk route, which reads it line by line."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/x-ndjson" and path.endswith("/bulk")


def check_address(scope: Scope) -> None:
    """Refuse NUL in path and query: no name of ours has one, and PostgreSQL takes none."""
    if b"%00" in scope.get("raw_path", b"") or "\0" in scope["path"]:
        raise Invalid("The path has a NUL character.", code="value-not-allowed")
    query: bytes = scope.get("query_string", b"")
    if b"%00" in query or b"\0" in unquote_to_bytes(query):
        raise Invalid("The query has a NUL character.", code="value-not-allowed")


def check_json(body: bytes) -> None:
    """Refuse a body that is not UTF-8, or that says what cannot be kept.

    The usual body is only looked over by one search; it is parsed here only when something in
    it is suspicious.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        raise BodyNotJson from None
    if not _SUSPICIOUS.search(body):
        return
    value = parse_json(body)
    if errors := list(_unkeepable(value, "")):
        raise ValueNotAllowed(errors)


def parse_json(body: bytes) -> Any:
    """Parse JSON as Python does, which keeps half surrogates and long integers for us to see."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BodyNotJson from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _unkeepable(value: Any, pointer: str) -> Iterator[FieldError]:
    if isinstance(value, str):
        yield from _unkeepable_text(value, pointer)
    elif isinstance(value, int | float):
        if abs(value) > _BIGGEST and (isinstance(value, int) or value in _INFINITE):
            yield FieldError(
                pointer=pointer, code="number-too-large", message="is too large a number"
            )
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unkeepable(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unkeepable_text(key, pointer)
            name = key.encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")
            yield from _unkeepable(item, f"{pointer}/{name}")


def _unkeepable_text(value: str, pointer: str) -> Iterator[FieldError]:
    if "\0" in value:
        yield FieldError(
            pointer=pointer, code="character-not-allowed", message="must not contain NUL"
        )
    elif any("\ud800" <= character <= "\udfff" for character in value):
        yield FieldError(
            pointer=pointer, code="character-not-allowed", message="has half a surrogate pair"
        )


async def _drain(receive: Receive) -> bool:
    """Read on for a while without keeping anything; whether that reached the body's end.

    A caller that is still sending would see a reset connection instead of our answer.
    """
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while size < _DRAIN_BYTES:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return True
                size += len(message.get("body", b""))
    except TimeoutError:
        pass
    return False


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
