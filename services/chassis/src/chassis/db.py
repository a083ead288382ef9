"""The database: engine, the one session of a request, the autocommit reader, and what a failure
of the database means to a caller. Only the chassis commits.
"""

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import asyncpg
import orjson
from fastapi import Depends, Request
from sqlalchemy import BigInteger, MetaData, event
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

from chassis import failpoints
from chassis.settings import DatabaseSettings
from contracts.problems import Conflict, Invalid, Problem, Unavailable

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
TYPES: dict[Any, Any] = {
    datetime: TIMESTAMP(timezone=True),
    int: BigInteger(),
    UUID: PG_UUID(as_uuid=True),
}
"""`type_annotation_map` of every declarative base: aware times, 64-bit integers."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "The database cannot be reached right now; please try again.",
            headers={"Retry-After": "1"},
        )


class DatabaseBusy(Unavailable):
    """The work met a lock, a deadlock or a time limit; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "The database was too busy for this; please try again.",
            headers={"Retry-After": "1"},
        )


class ConcurrentChange(Conflict):
    """Another request changed the same thing at the same moment; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("Another request changed the same at the same moment; try again.")


class ValueNotStorable(Invalid):
    """A value passed every rule but does not fit the column it belongs in."""

    def __init__(self) -> None:
        super().__init__("A value is out of the range that can be stored.")


def new_metadata() -> MetaData:
    """Metadata whose constraints have names that do not depend on the server."""
    return MetaData(naming_convention=NAMING)


class ChassisBase(DeclarativeBase):
    """The chassis' own rows: outbox, inbox, idempotency, processes, copies, feed."""

    metadata = new_metadata()
    type_annotation_map = TYPES


def create_engine(settings: DatabaseSettings, *, direct: bool = False) -> AsyncEngine:
    """Open an engine on asyncpg.

    `direct` goes past a pooler and keeps no pool of its own: for session locks, LISTEN and
    migrations. Through PgBouncer nothing is prepared under a name that another session may
    already use, and no startup parameter is sent that it would refuse.
    """
    pooled_by_pgbouncer = settings.pgbouncer and not (direct and settings.direct_database_url)
    url = make_url((direct and settings.direct_database_url) or settings.database_url)
    connect_args: dict[str, Any] = {"timeout": settings.connect_timeout_seconds}
    if pooled_by_pgbouncer:
        connect_args["statement_cache_size"] = 0
        connect_args["prepared_statement_cache_size"] = 0
        connect_args["prepared_statement_name_func"] = lambda: f"__tandem_{uuid4()}__"
    else:
        connect_args["server_settings"] = _server_settings(settings, direct=direct)
    pool: dict[str, Any] = (
        {"poolclass": NullPool}
        if direct
        else {
            "pool_size": settings.pool_size,
            "max_overflow": settings.pool_overflow,
            "pool_timeout": settings.pool_timeout_seconds,
            "pool_use_lifo": True,
        }
    )
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        connect_args={**connect_args, "async_creator_fn": _connect},
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        **pool,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _server_settings(settings: DatabaseSettings, *, direct: bool) -> dict[str, str]:
    named = {"application_name": f"tandem-{settings.service}", "jit": "off", "timezone": "UTC"}
    if direct:
        return named
    return named | {
        "statement_timeout": str(settings.statement_timeout_ms),
        "lock_timeout": str(settings.lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.idle_transaction_timeout_ms),
    }


async def _connect(*args: Any, **options: Any) -> Any:
    try:
        return await asyncpg.connect(*args, **options)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable() from error


def _refuse_closed(connection: Any, record: Any, proxy: Any) -> None:
    """Replace a pooled connection that the server has closed meanwhile.

    asyncpg notices the end of the socket by itself, so this costs no round trip, unlike a ping.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def create_sessions(engine: AsyncEngine, **info: Any) -> async_sessionmaker[AsyncSession]:
    """Make sessions whose objects stay readable after the commit; `info` is handed to each."""
    return async_sessionmaker(engine, expire_on_commit=False, info=info)


def problem_of(error: Exception) -> Problem | None:
    """Say what a failure of the database means to the caller; None: it is our own fault."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, PoolExhausted):
        return DatabaseBusy()
    if isinstance(error, asyncpg.InterfaceError | ConnectionError):
        return DatabaseUnavailable()
    if not isinstance(error, DBAPIError):
        return None
    if error.connection_invalidated:
        return DatabaseUnavailable()
    return _problem_of_state(getattr(error.orig, "sqlstate", None) or "", error)


def _problem_of_state(state: str, error: DBAPIError) -> Problem | None:
    if state.startswith(("08", "57P", "53")):
        return DatabaseUnavailable()
    if state in {"40001", "40P01", "55P03", "57014", "25P03"}:
        return DatabaseBusy()
    if state in {"23505", "23503", "23P01"}:
        return ConcurrentChange()
    cause = getattr(error.orig, "__cause__", None)
    if state.startswith("22") or isinstance(cause, asyncpg.DataError):
        return ValueNotStorable()
    return None


async def commit(session: AsyncSession, *where: str | None) -> None:
    """Commit between the two failpoints of this place."""
    failpoints.hit(*where, "committing")
    await session.commit()
    failpoints.hit(*where, "committed")


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's one session; committed when the handler is done, before the answer goes out.

    `IdempotentRoute` may have opened one already; then that one is handed out, and it commits.
    """
    opened: AsyncSession | None = request.scope.get("tandem.session")
    if opened is not None:
        yield opened
        return
    async with request.app.state.runtime.sessions() as session:
        yield session
        await commit(session, "request", request.method, request.scope["path"])


async def get_reader(request: Request) -> AsyncIterator[AsyncConnection]:
    """A connection in autocommit, for hot reads as Core rows: no BEGIN, no COMMIT."""
    async with request.app.state.runtime.reader.connect() as connection:
        yield connection


Session = Annotated[AsyncSession, Depends(get_session, scope="function")]
Reader = Annotated[AsyncConnection, Depends(get_reader, scope="function")]


def lock_number(name: str) -> int:
    """The key of an advisory lock: 64 signed bits of the name's hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
