"""Bulk writing: NDJSON in, one result per line out, in order, however many lines there are.

Lines are written in batches, a transaction each; a batch that fails as a whole is tried again
line by line, so that one bad line never costs its neighbours. Memory stays flat: lines are read
as the batches are written, and results wait on disk for a caller who sends everything before
reading anything (most clients do; writing to them meanwhile would block both sides for good).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query, Request
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaMode
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis import openapi
from chassis.db import commit, problem_of
from chassis.limits import check_json, is_stream
from chassis.logs import get_logger
from chassis.problems import BodyNotJson, MediaTypeNotSupported, field_errors
from chassis.runtime import Runtime
from contracts.bulk import LineOutcome, LineResult
from contracts.problems import FieldError, Problem

MEDIA_TYPE = "application/x-ndjson"
BATCH = 500
_IN_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024

Model = TypeVar("Model", bound=BaseModel)
Lines = list[tuple[int, Model]]
Write = Callable[[AsyncSession, list[tuple[int, Model]]], Awaitable[Sequence[LineResult]]]
"""Writes some lines (number and model) and says what became of each; never commits. In one call
no key comes twice. A refused line is a result; a raised problem refuses the whole batch, which
is then tried line by line."""

log = get_logger(__name__)

DryRun = Annotated[bool, Query(description="Judge every line, change nothing.", examples=[False])]
"""Declare as `dry_run: DryRun = False`."""


def default_key(model: BaseModel) -> str | None:
    """A line's own key: its `key`, or its `sku`."""
    return getattr(model, "key", None) or getattr(model, "sku", None)


def documents(model: type[BaseModel], *, example: str) -> dict[str, Any]:
    """Keywords that document a bulk route: `@router.post("/bulk", **documents(PutProductLine))`.

    `example` is a line or two of what is sent. The schema is that of one line: OpenAPI 3.1 has
    no other word for a stream of them.
    """
    result = LineResult(line=1, key="example", outcome=LineOutcome.CREATED)
    return {
        "response_class": Response,
        "responses": {
            200: {
                "description": "One `LineResult` a line, in the order of the lines.",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/LineResult"},
                        "example": result.model_dump_json() + "\n",
                    }
                },
            }
        },
        "openapi_extra": {
            openapi.MODELS: {
                **_schemas(model, "validation"),
                **_schemas(LineResult, "serialization"),
            },
            "requestBody": {
                "required": True,
                "description": f"One `{model.__name__}` a line.",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": f"#/components/schemas/{model.__name__}"},
                        "example": example,
                    }
                },
            },
        },
    }


def _schemas(model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
    """The schemas of a model and of what it is made of, by name."""
    whole = model.model_json_schema(ref_template="#/components/schemas/{model}", mode=mode)
    inner: dict[str, Any] = whole.pop("$defs", {})
    return {**inner, model.__name__: whole}


async def upsert_lines(
    request: Request,
    model: type[Model],
    write: Write[Model],
    runtime: Runtime,
    *,
    dry_run: bool = False,
    key: Callable[[Model], Hashable] = default_key,
) -> Response:
    """Answer a bulk request. With `dry_run` every batch is rolled back after it was written.

    `key` says which lines are about the same thing: such never share a batch, so that the later
    one finds the earlier one written. The route takes no `Session`; transactions are made here.
    Raises MediaTypeNotSupported unless the body is NDJSON.
    """
    if not is_stream(request.url.path, request.headers.get("content-type")):
        raise MediaTypeNotSupported(MEDIA_TYPE)
    work = _Work(model, write, runtime, dry_run=dry_run, key=key)
    return LineStream(work.results(request.stream()))


class _Work(Generic[Model]):
    """One bulk request: reads lines, gathers batches, writes them."""

    def __init__(
        self,
        model: type[Model],
        write: Write[Model],
        runtime: Runtime,
        *,
        dry_run: bool,
        key: Callable[[Model], Hashable],
    ) -> None:
        self._model = model
        self._write = write
        self._runtime = runtime
        self._dry_run = dry_run
        self._key = key

    async def results(self, body: AsyncIterator[bytes]) -> AsyncIterator[list[LineResult]]:
        """The results of each batch, refused lines in their places."""
        batch: Lines[Model] = []
        refused: list[LineResult] = []
        keys: set[Hashable] = set()
        number = 0
        async for raw in read_lines(body, longest=self._runtime.settings.line_limit_bytes):
            number += 1
            if raw is not None and not raw.strip():
                continue
            parsed = self._parse(number, raw)
            if isinstance(parsed, LineResult):
                refused.append(parsed)
                continue
            key = self._key(parsed)
            if len(batch) >= BATCH or len(refused) >= BATCH or key in keys:
                yield await self._flush(batch, refused)
                batch, refused, keys = [], [], set()
            batch.append((number, parsed))
            if key is not None:
                keys.add(key)
        if batch or refused:
            yield await self._flush(batch, refused)

    def _parse(self, number: int, raw: bytes | None) -> Model | LineResult:
        if raw is None:
            limit = self._runtime.settings.line_limit_bytes
            return _refusal(number, None, "line-too-long", f"is longer than {limit} bytes")
        try:
            check_json(raw)
            return self._model.model_validate_json(raw)
        except ValidationError as error:
            errors = [
                one.model_copy(update={"code": "line-not-json"})
                if one.code == "json-invalid"
                else one
                for one in field_errors([{**e, "loc": ("body", *e["loc"])} for e in error.errors()])
            ]
            return LineResult(
                line=number,
                key=_readable_key(raw),
                outcome=LineOutcome.REFUSED,
                errors=errors,
            )
        except BodyNotJson:
            return _refusal(number, None, "line-not-json", "is not JSON in UTF-8")
        except Problem as problem:
            return LineResult(line=number, outcome=LineOutcome.REFUSED, errors=_told(problem))

    async def _flush(self, batch: Lines[Model], refused: list[LineResult]) -> list[LineResult]:
        written: Sequence[LineResult] = []
        if batch:
            written = await self._write_batch(batch)
        return sorted([*written, *refused], key=lambda result: result.line)

    async def _write_batch(self, batch: Lines[Model]) -> Sequence[LineResult]:
        try:
            return await self._write_once(batch)
        except (Problem, SQLAlchemyError, OSError) as error:
            if len(batch) == 1:
                return [self._refused_line(batch[0], error)]
        results: list[LineResult] = []
        for line in batch:
            results.extend(await self._write_batch([line]))
        return results

    async def _write_once(self, batch: Lines[Model]) -> Sequence[LineResult]:
        async with self._runtime.sessions() as session:
            results = await self._write(session, batch)
            if self._dry_run:
                await session.rollback()
            else:
                await commit(session, "bulk", self._model.__name__)
        return results

    def _refused_line(self, line: tuple[int, Model], error: Exception) -> LineResult:
        problem = problem_of(error)
        if problem is None:
            raise error
        number, model = line
        key = self._key(model)
        return LineResult(
            line=number,
            key=None if key is None else str(key),
            outcome=LineOutcome.REFUSED,
            errors=_told(problem),
        )


class LineStream(Response):
    """Sends results as NDJSON while, or after, the body is read."""

    media_type = MEDIA_TYPE

    def __init__(self, results: AsyncIterator[list[LineResult]]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._results = results

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
            news = asyncio.Event()
            work = asyncio.create_task(self._spool(spool, news))
            try:
                await self._send(spool, news, work, send)
            finally:
                work.cancel()
                with suppress(asyncio.CancelledError, ClientDisconnect):
                    await work

    async def _spool(self, spool: SpooledTemporaryFile[bytes], news: asyncio.Event) -> None:
        try:
            async for results in self._results:
                lines = b"".join(
                    result.model_dump_json(exclude_defaults=False).encode() + b"\n"
                    for result in results
                )
                spool.seek(0, 2)
                spool.write(lines)
                news.set()
        finally:
            news.set()

    async def _send(
        self,
        spool: SpooledTemporaryFile[bytes],
        news: asyncio.Event,
        work: "asyncio.Task[None]",
        send: Send,
    ) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        position = 0
        while True:
            await news.wait()
            news.clear()
            is_last = work.done()
            while chunk := _read_at(spool, position):
                position += len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if is_last:
                break
            if work.done():
                news.set()
        with suppress(ClientDisconnect):
            work.result()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _read_at(spool: SpooledTemporaryFile[bytes], position: int) -> bytes:
    spool.seek(position)
    return spool.read(_CHUNK_BYTES)


async def read_lines(body: AsyncIterator[bytes], *, longest: int) -> AsyncIterator[bytes | None]:
    """The lines of a body; None stands for one that is longer than `longest`, which is dropped."""
    rest = b""
    is_dropping = False
    async for chunk in body:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield None if is_dropping or len(line) > longest else line
            is_dropping = False
        if len(rest) > longest:
            rest, is_dropping = b"", True
    if rest or is_dropping:
        yield None if is_dropping or len(rest) > longest else rest


def _refusal(number: int, key: str | None, code: str, message: str) -> LineResult:
    return LineResult(
        line=number,
        key=key,
        outcome=LineOutcome.REFUSED,
        errors=[FieldError(pointer="", code=code, message=message)],
    )


def _told(problem: Problem) -> list[FieldError]:
    if problem.errors:
        return list(problem.errors)
    return [FieldError(pointer="", code=problem.code, message=problem.detail)]


def _readable_key(raw: bytes) -> str | None:
    """The key of a line that is not valid otherwise, so that its sender finds it again."""
    try:
        value: Any = orjson.loads(raw)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    key = value.get("key", value.get("sku"))
    return key[:128] if isinstance(key, str) else None
