"""Repeated POSTs: the same key and body get the same answer, and the work is done once.

The answer is stored in the transaction of the work itself, so there is never one without the
other. While a twin is still at it, an advisory lock tells; after a crash nothing was stored and
nothing was done, so the repeat simply does it. Failures are not stored: a 4xx or 5xx leaves the
key free.

Routes of a durable process mark themselves with `KeyForProcess`: they open no session here, and
bind the key in the process' first transaction (`request.state.idempotency`).
"""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import orjson
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from sqlalchemy import (
    BigInteger,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from starlette.responses import Response

from chassis.auth import Actor, identify
from chassis.db import ChassisBase, commit
from chassis.jobs import Job
from chassis.problems import is_json
from chassis.runtime import Runtime
from contracts.problems import BadRequest, Conflict, Invalid

GUEST_SECRET = "Tandem-Cart-Secret"  # noqa: S105 (the name of a header)
_LONGEST_KEY = 255
_UNSTORED_HEADERS = frozenset({"content-length", "x-request-id", "date", "server"})
_PURGED_AT_ONCE = 5_000

KeyRule = Literal["optional", "required", "ignored", "process", "late"]


class IdempotencyRow(ChassisBase):
    """The answer to a POST that was done."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    scope: Mapped[bytes] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[list[list[str]]] = mapped_column(JSONB)
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


_TABLE = cast(Table, IdempotencyRow.__table__)
_ROW = _TABLE.c
_LOCK = select(
    func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger)).label("got")
).cte("lock")
_LOOK_UP = select(_LOCK.c.got, _ROW.fingerprint, _ROW.status, _ROW.headers, _ROW.body).select_from(
    _LOCK.outerjoin(_TABLE, _ROW.scope == bindparam("scope", type_=LargeBinary))
)
_FIND = select(_ROW.fingerprint, _ROW.status, _ROW.headers, _ROW.body).where(
    _ROW.scope == bindparam("scope", type_=LargeBinary)
)
_STORE = (
    insert(_TABLE)
    .values(
        {name: bindparam(name) for name in ("scope", "fingerprint", "status", "headers", "body")}
    )
    .on_conflict_do_nothing()
    .returning(_ROW.status)
)


class IdempotencyKeyMissing(BadRequest):
    """This operation is only done under a key."""

    def __init__(self) -> None:
        super().__init__("Send an Idempotency-Key header, so that a repeat is not done twice.")


class IdempotencyKeyMalformed(BadRequest):
    """The key is empty, too long, or has characters that no header should have."""

    def __init__(self) -> None:
        super().__init__("The Idempotency-Key must be 1 to 255 visible ASCII characters.")


class IdempotencyKeyReused(Invalid):
    """The key was used for another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a request with another content.")


class IdempotencyKeyInUse(Conflict):
    """A request with this key is still being worked on."""

    def __init__(self) -> None:
        super().__init__(
            "A request with this Idempotency-Key is still being worked on; try again shortly.",
            headers={"Retry-After": "1"},
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """A key as it binds: `scope` is the hash of principal, route and key, `fingerprint` that of
    what was asked for.
    """

    scope: bytes
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """The number of the advisory lock that a request with this key holds while at work."""
        return int.from_bytes(self.scope[:8], "big", signed=True)

    def check(self, fingerprint: bytes) -> None:
        """Raise IdempotencyKeyReused unless the stored fingerprint is ours."""
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReused


async def _mark_required() -> None:
    """Marks a route; its presence is what counts."""


async def _mark_ignored() -> None:
    """Marks a route; its presence is what counts."""


async def _mark_process() -> None:
    """Marks a route; its presence is what counts."""


def _mark_late() -> None:
    """Marks a route; its presence is what counts."""


KeyRequired: Any = Depends(_mark_required)
"""Without the header: 400 `idempotency-key-missing`."""
KeyIgnored: Any = Depends(_mark_ignored)
"""The header is not looked at: the answer holds a secret, or the work is idempotent by itself."""
KeyForProcess: Any = Depends(_mark_process)
"""The key is bound by `chassis.process`, from `request.state.idempotency`."""
KeyLate: Any = Depends(_mark_late)
"""The handler calls neighbours before it writes, so neither transaction nor lock is held until it
does. Of two twins at the same moment both call, one writes, and its answer is given to both."""


class IdempotentRoute(APIRoute):
    """`APIRouter(route_class=IdempotentRoute)`: its POSTs keep the promise of the header."""

    @property
    def key_rule(self) -> KeyRule:
        """What the route does with the header."""
        marks = {dependency.dependency for dependency in self.dependencies}
        if _mark_ignored in marks or self.path.endswith("/bulk"):
            return "ignored"
        if _mark_process in marks:
            return "process"
        if _mark_late in marks:
            return "late"
        return "required" if _mark_required in marks else "optional"

    @property
    def key_is_required(self) -> bool:
        """Whether the header must be sent."""
        return any(one.dependency is _mark_required for one in self.dependencies)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        rule = self.key_rule
        if rule == "ignored" or "POST" not in (self.methods or ()):
            return handle
        is_required = self.key_is_required

        async def handle_once(request: Request) -> Response:
            key = read_key(request.headers.get("idempotency-key"))
            if key is None:
                if is_required:
                    raise IdempotencyKeyMissing
                request.state.idempotency = None
                return await handle(request)
            claim = await _claim(request, key)
            request.state.idempotency = claim
            if rule == "process":
                return await handle(request)
            return await _once(request, claim, handle, look=_find if rule == "late" else _look_up)

        return handle_once


def read_key(header: str | None) -> str | None:
    """The key of the header: a quoted string (RFC 8941) or the bare characters."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if not 1 <= len(key) <= _LONGEST_KEY or not all("!" <= character <= "~" for character in key):
        raise IdempotencyKeyMalformed
    return key


async def _claim(request: Request, key: str) -> Claim:
    actor = await identify(request)
    route = f"{request.method} {request.url.path}"
    body = await request.body()
    if is_json(request.headers.get("content-type")):
        body = _canonical(body)
    asked = (
        request.url.query.encode(),
        request.headers.get("if-match", "").encode(),
        body,
    )
    return Claim(
        scope=_hash(_principal(actor, request).encode(), route.encode(), key.encode()),
        fingerprint=_hash(*asked),
    )


def _principal(actor: Actor, request: Request) -> str:
    """Whose key it is: a guest is known by the cart's secret, without one nobody in particular."""
    if actor.kind != "guest":
        return f"{actor.issuer} {actor.kind} {actor.subject} {actor.on_behalf_of or ''}"
    secret = request.headers.get(GUEST_SECRET)
    return f"guest {secret}" if secret else "anonymous"


def _canonical(body: bytes) -> bytes:
    """JSON with its members in order, so that another spelling of the same is the same."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except ValueError:
        return body


def _hash(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


async def _once(
    request: Request,
    claim: Claim,
    handle: Callable[[Request], Awaitable[Response]],
    *,
    look: Callable[[Runtime, AsyncSession, Claim], Awaitable[Response | None]],
) -> Response:
    """Do the work and store its answer in one transaction, or give the stored answer.

    Lock and look are one statement, so a twin may commit between that statement's snapshot and
    our lock. Then our work was done on top of the twin's and failed, or its answer cannot be
    stored; it is rolled back, and the twin's answer is there to be given.
    """
    runtime: Runtime = request.app.state.runtime
    failure: Exception | None = None
    try:
        async with runtime.sessions() as session:
            stored = await look(runtime, session, claim)
            if stored is not None:
                return stored
            response = await _handle_in(session, request, handle)
            if response.status_code < 400 and await _store(session, claim, response):
                await commit(session, "request", request.method, request.scope["path"])
                return response
    except (IdempotencyKeyInUse, IdempotencyKeyReused):
        raise
    except Exception as error:
        failure = error
    stored = await _find_after(runtime, claim, failure)
    if stored is not None:
        return stored
    if failure is not None:
        raise failure
    if response.status_code < 400:
        raise IdempotencyKeyInUse  # a twin's answer was in the way, and is gone already
    return response


async def _handle_in(
    session: AsyncSession, request: Request, handle: Callable[[Request], Awaitable[Response]]
) -> Response:
    request.scope["tandem.session"] = session
    try:
        return await handle(request)
    finally:
        del request.scope["tandem.session"]


async def _find_after(runtime: Runtime, claim: Claim, failure: Exception | None) -> Response | None:
    """A twin's answer, after our own work came to nothing; a failure of this look tells less."""
    try:
        async with runtime.sessions() as session:
            return await _find(runtime, session, claim)
    except IdempotencyKeyReused:
        raise
    except Exception:
        if failure is None:
            raise
        return None


async def _find(runtime: Runtime, session: AsyncSession, claim: Claim) -> Response | None:
    """The stored answer; the session is left alone, so that no transaction begins yet."""
    async with runtime.reader.connect() as connection:
        found = (await connection.execute(_FIND, {"scope": claim.scope})).first()
    if found is None:
        return None
    claim.check(found.fingerprint)
    return _answer(found.status, found.headers, found.body)


async def _look_up(runtime: Runtime, session: AsyncSession, claim: Claim) -> Response | None:
    """Take the key's lock and find its answer, in one round trip."""
    connection = await session.connection()
    found = (await connection.execute(_LOOK_UP, {"lock": claim.lock, "scope": claim.scope})).one()
    if found.fingerprint is not None:
        claim.check(found.fingerprint)
        return _answer(found.status, found.headers, found.body)
    if not found.got:
        raise IdempotencyKeyInUse
    return None


def _answer(status: int, headers: list[list[str]], body: bytes) -> Response:
    response = Response(body, status_code=status)
    for name, value in headers:
        response.headers.append(name, value)
    return response


async def _store(session: AsyncSession, claim: Claim, response: Response) -> bool:
    """Store the answer; False when a twin's is there already."""
    headers = [
        [name.decode("latin-1"), value.decode("latin-1")]
        for name, value in response.raw_headers
        if name.decode("latin-1").lower() not in _UNSTORED_HEADERS
    ]
    await session.flush()
    connection = await session.connection()
    stored = await connection.execute(
        _STORE,
        {
            "scope": claim.scope,
            "fingerprint": claim.fingerprint,
            "status": response.status_code,
            "headers": headers,
            "body": bytes(response.body),
        },
    )
    return stored.first() is not None


async def purge(runtime: Runtime) -> None:
    """Forget answers that are older than the promise, a few thousand at a time."""
    limit = runtime.clock.now() - timedelta(hours=runtime.settings.idempotency_hours)
    row = IdempotencyRow
    while True:
        async with runtime.sessions() as session:
            old = select(row.scope).where(row.created_at < limit).limit(_PURGED_AT_ONCE)
            gone = await session.execute(
                delete(row).where(row.scope.in_(old)).returning(func.length(row.scope))
            )
            count = len(gone.all())
            await commit(session, "job", PURGE.name)
        if count < _PURGED_AT_ONCE:
            return


PURGE = Job(name="idempotency", every=timedelta(minutes=15), run=purge)
