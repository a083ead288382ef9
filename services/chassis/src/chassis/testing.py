"""The pytest plugin: a service under test on a real PostgreSQL, its neighbours faked at HTTP.

A service's `conftest.py` only says which service it is:

    @pytest.fixture(scope="session")
    def service() -> Service:
        return SERVICE

Every test that asks for `database` (or anything resting on it) gets an empty database of its own,
from a template that was migrated once. The servers are named by `TANDEM_TEST_POSTGRES_URL` (a
superuser) and `TANDEM_TEST_AMQP_URL`.
"""

import asyncio
import fcntl
import hashlib
import inspect
import json
import os
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI
    from sqlalchemy.ext.asyncio import AsyncSession

    from chassis.auth import ActorKind
    from chassis.runtime import Runtime
    from chassis.service import Service
    from chassis.settings import DatabaseSettings

# Everything of the chassis is imported inside the fixtures: the plugin is loaded for every run of
# pytest, also where no database driver is installed.

ROLE = "tandem_test"
PASSWORD = "tandem_test"  # noqa: S105 (of a throw-away server)
Result = TypeVar("Result")
_TEMPLATES = pytest.StashKey[dict[str, str]]()
_DATABASES = pytest.StashKey[dict[str, "Databases"]]()


def pytest_configure(config: pytest.Config) -> None:
    """Log as in production, where pytest captures it."""
    from chassis import logs

    logs.configure(level="INFO", log_format="json")


@pytest.fixture(scope="session")
def service() -> "Service":
    """The service under test; every service's conftest says which."""
    pytest.fail("override the fixture `service` in conftest.py")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """URL of a superuser on the PostgreSQL that the tests use."""
    url = os.environ.get("TANDEM_TEST_POSTGRES_URL")
    if not url:
        pytest.fail("set TANDEM_TEST_POSTGRES_URL to a superuser of a PostgreSQL to test on")
    return url


@pytest.fixture
def database_template(service: "Service", postgres_url: str, pytestconfig: pytest.Config) -> str:
    """Name of a migrated database to clone; made once, however many workers there are.

    The name holds a hash of the revisions, so a changed revision never meets an old template.
    A fixture of the session would stay that of the first service where one session tests several.
    """
    templates = pytestconfig.stash.setdefault(_TEMPLATES, {})
    if service.name not in templates:
        name = f"template_{service.name}_{_hash_of_revisions(service)}"
        with _locked(name):
            _in_thread(_make_template(service, postgres_url, name))
        templates[service.name] = name
    return templates[service.name]


@pytest.fixture
def database(
    database_template: str, postgres_url: str, pytestconfig: pytest.Config
) -> Iterator[str]:
    """URL of a database of this test's own, migrated and empty, as the service's role sees it."""
    opened = pytestconfig.stash.setdefault(_DATABASES, {})
    if database_template not in opened:
        opened[database_template] = Databases(postgres_url, database_template)
        pytestconfig.add_cleanup(opened[database_template].close)
    yield opened[database_template].take()
    opened[database_template].give_back()


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One Ed25519 key that the service under test and all faked neighbours share."""
    from chassis.auth import load_key

    path = tmp_path_factory.mktemp("keys") / "key.pem"
    load_key(path)
    return path


@pytest.fixture
def settings(
    service: "Service", database: str, key_file: Path, neighbour_fake: "NeighbourFake"
) -> "DatabaseSettings":
    """Settings of the service under test: own database, all neighbours faked, no broker."""
    names = service.settings.neighbours
    urls: dict[str, Any] = {f"{name}_url": neighbour_fake.url(name) for name in names}
    return service.settings(
        service=service.name,
        port=0,
        database_url=database,
        amqp_url=None,
        key_file=key_file,
        pool_size=5,
        sweep_seconds=0.1,
        **urls,
    )


@pytest.fixture
async def runtime(service: "Service", settings: "DatabaseSettings") -> AsyncIterator["Runtime"]:
    """The service under test, open on the direct bus."""
    from chassis.runtime import open_runtime

    async with open_runtime(service, settings) as opened:
        yield opened


@pytest.fixture
async def session(runtime: "Runtime") -> AsyncIterator["AsyncSession"]:
    """A session to prepare and to look; what should be seen by requests must be committed."""
    async with runtime.sessions() as opened:
        yield opened


@pytest.fixture
async def app(
    service: "Service", settings: "DatabaseSettings", runtime: "Runtime"
) -> AsyncIterator["FastAPI"]:
    """The service's application, its lifespan entered."""
    from chassis.service import create_app

    made = create_app(service, settings, runtime=runtime)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def app_client(app: "FastAPI") -> AsyncIterator["httpx.AsyncClient"]:
    """Calls the application in this process."""
    import httpx

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.fixture
async def served(app: "FastAPI") -> AsyncIterator[str]:
    """URL of the application behind a real HTTP server."""
    from chassis.server import serve

    async with serve(app, host="127.0.0.1", port=0) as port:
        yield f"http://127.0.0.1:{port}"


MakeToken = Callable[..., str]


@pytest.fixture
def make_token(service: "Service", key_file: Path) -> MakeToken:
    """Makes access tokens that the service under test believes."""
    from chassis.auth import Signer, load_key
    from chassis.clock import Clock

    key = load_key(key_file)

    def make(
        *,
        kind: "ActorKind" = "partner",
        subject: str = "partner-1",
        scopes: tuple[str, ...] = (),
        issuer: str | None = None,
        audience: str | None = None,
        lifetime: timedelta = timedelta(minutes=10),
        on_behalf_of: str | None = None,
        **claims: Any,
    ) -> str:
        is_service = kind == "service"
        signer = Signer(
            issuer=issuer or (f"tandem:{subject}" if is_service else "tandem:accounts"),
            key=key,
            clock=Clock(),
            own_scopes=(),
        )
        return signer.sign(
            subject=subject,
            audience=audience or (f"tandem:{service.name}" if is_service else "tandem"),
            kind=kind,
            scopes=scopes,
            lifetime=lifetime,
            on_behalf_of=on_behalf_of,
            claims=claims,
        )

    return make


@dataclass
class FakeCall:
    """A call that reached a faked neighbour."""

    neighbour: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as plain values."""
        import orjson

        return orjson.loads(self.body)


Answer = Any
"""What a faked route answers: plain values or a model (200), or (status, values[, headers]), or a
function (also async) of the `FakeCall` that gives one of these; raising a `Problem` answers it."""


@dataclass
class NeighbourFake:
    """All neighbours, answering as a test tells them to; whatever it does not tell is a 404."""

    base_url: str
    key_file: Path
    calls: list[FakeCall] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    """Neighbours that break every connection."""
    jwks: dict[str, Any] = field(default_factory=dict)
    """Keys of neighbours that have others than the shared one."""
    _answers: dict[tuple[str, str, str], Answer] = field(default_factory=dict)

    def url(self, neighbour: str) -> str:
        """Base URL of a neighbour."""
        return f"{self.base_url}/{neighbour}"

    def on(self, neighbour: str, method: str, path: str, answer: Answer) -> None:
        """Answer calls of a path (without query) from now on; `*` is every path not told of."""
        self._answers[neighbour, method, path] = answer

    def calls_of(self, neighbour: str, path: str | None = None) -> list[FakeCall]:
        """The calls that reached a neighbour, at a path if given."""
        return [
            call for call in self.calls if call.neighbour == neighbour and path in (None, call.path)
        ]

    async def answer(self, call: FakeCall) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers for a call."""
        from chassis.problems import RouteNotFound
        from contracts.problems import MEDIA_TYPE, Problem

        if call.path == "/.well-known/jwks.json":
            return 200, _as_json(self.jwks.get(call.neighbour) or _keys(self.key_file)), {}
        self.calls.append(call)
        exact, any_path = ((call.neighbour, call.method, path) for path in (call.path, "*"))
        try:
            answer = self._answers.get(exact, self._answers.get(any_path))
            if answer is None:
                raise RouteNotFound
            if callable(answer):
                answer = answer(call)
                if inspect.isawaitable(answer):
                    answer = await answer
        except Problem as problem:
            told = problem.as_detail(instance=call.path).model_dump_json().encode()
            return problem.status, told, {**problem.headers, "Content-Type": MEDIA_TYPE}
        if not isinstance(answer, tuple):
            return 200, _as_json(answer), {}
        status, body, *rest = answer
        return status, _as_json(body), rest[0] if rest else {}


@pytest.fixture
async def neighbour_fake(key_file: Path) -> AsyncIterator[NeighbourFake]:
    """The services around the one under test, behind a real HTTP server."""
    from aiohttp import web

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        _, neighbour, *rest = request.path.split("/")
        call = FakeCall(
            neighbour=neighbour,
            method=request.method,
            path="/" + "/".join(rest),
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
        )
        if neighbour in fake.down:
            if request.transport is not None:
                request.transport.close()
            return web.Response(status=500)
        status, body, headers = await fake.answer(call)
        headers = {"Content-Type": "application/json", **headers}
        return web.Response(status=status, body=body, headers=headers)

    server = web.Server(handle)
    runner = web.ServerRunner(server, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    fake = NeighbourFake(f"http://127.0.0.1:{port}", key_file)
    yield fake
    await runner.cleanup()


@pytest.fixture
def call_every_operation(served: str) -> Callable[..., Awaitable[set[str]]]:
    """`await call_every_operation(headers=..)` has Schemathesis call all that the OpenAPI document
    lists, with good and bad values: no 5xx, no answer that the document does not know.

    `skip` names operations (`POST /v1/x/bulk`) to leave out; answers the statuses seen.
    """

    async def call(
        *, headers: dict[str, str] | None = None, skip: tuple[str, ...] = (), examples: int = 20
    ) -> set[str]:
        # Schemathesis is synchronous, and this loop serves the application.
        return await asyncio.to_thread(_call_all, served, headers or {}, skip, examples)

    return call


def _call_all(
    served: str, headers: dict[str, str], skip: tuple[str, ...], examples: int
) -> set[str]:
    import hypothesis
    import schemathesis
    from schemathesis import checks
    from schemathesis.core.failures import FailureGroup

    seen: set[str] = set()
    failures: list[str] = []
    schema = schemathesis.openapi.from_url(f"{served}/openapi.json")
    wanted = checks.CHECKS.get_by_names(
        [
            "not_a_server_error",
            "status_code_conformance",
            "content_type_conformance",
            "response_schema_conformance",
        ]
    )

    @schemathesis.serializer("application/x-ndjson")
    def write_lines(context: Any, value: Any) -> bytes:
        return json.dumps(value).encode() + b"\n"

    def check(case: Any) -> None:
        response = case.call(headers=headers, timeout=20)
        seen.add(str(response.status_code))
        case.validate_response(response, checks=wanted)

    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        if operation.label in skip:
            continue
        for mode in schemathesis.GenerationMode:
            run = hypothesis.settings(
                max_examples=examples,
                derandomize=True,
                deadline=None,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
                phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            )(hypothesis.given(case=operation.as_strategy(generation_mode=mode))(check))
            try:
                run()
            except hypothesis.errors.Unsatisfiable:
                continue  # nothing bad can be sent to an operation without parameters
            except FailureGroup as group:
                failures += [f"{operation.label}: {failure}" for failure in group.exceptions]
    assert not failures, "\n".join(failures)  # noqa: S101
    return seen


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    """`await eventually(fn, timeout=5)`: asks until `fn` answers something true, without sleeping
    longer than needed; AssertionErrors count as not yet. The last answer or error is the outcome.
    """

    async def ask(question: Callable[[], Any], *, timeout: float = 5.0, pause: float = 0.02) -> Any:
        until = time.monotonic() + timeout
        while True:
            try:
                answer = question()
                if inspect.isawaitable(answer):
                    answer = await answer
                if answer:
                    return answer
                failure: AssertionError = AssertionError(f"still {answer!r} after {timeout} s")
            except AssertionError as error:
                failure = error
            if time.monotonic() > until:
                raise failure
            await asyncio.sleep(pause)

    return ask


@pytest.fixture
async def rabbitmq() -> str:
    """URL of a virtual host that this test has for itself, with nothing left of earlier ones."""
    url = os.environ.get("TANDEM_TEST_AMQP_URL")
    if not url:
        pytest.fail("set TANDEM_TEST_AMQP_URL to a RabbitMQ to test on")
    await _clean_broker(url)
    return url


async def _clean_broker(url: str) -> None:
    import aio_pika

    from chassis.bus import DEAD_QUEUE
    from contracts.topology import QUEUES

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for queue in (*QUEUES, DEAD_QUEUE):
            await channel.queue_delete(queue)


def _as_json(value: Any) -> bytes:
    import orjson
    from pydantic import BaseModel

    if isinstance(value, bytes):
        return value
    if isinstance(value, BaseModel):
        return value.model_dump_json().encode()
    return orjson.dumps(
        value,
        default=lambda inner: (
            inner.model_dump(mode="json") if isinstance(inner, BaseModel) else str(inner)
        ),
    )


def _keys(key_file: Path) -> dict[str, Any]:
    from chassis.auth import Signer, load_key
    from chassis.clock import Clock

    return Signer(issuer="tandem:test", key=load_key(key_file), clock=Clock(), own_scopes=()).jwks()


def _hash_of_revisions(service: "Service") -> str:
    from chassis.revisions import CHASSIS, folder_of

    digest = hashlib.sha256()
    for package in (CHASSIS, service.migrations):
        for file in sorted((folder_of(package) / "versions").glob("*.py")):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[Any]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    async with _connection(url) as connection:
        await connection.execute(statement)


async def _make_template(service: "Service", postgres_url: str, name: str) -> None:
    """Make the template under another name, and rename it when it is whole."""
    from chassis.migrate import migrate

    async with _connection(postgres_url) as connection:
        if await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", ROLE) is None:
            await connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            return
        draft = f"draft_{uuid4().hex}"
        await connection.execute(f'CREATE DATABASE "{draft}" OWNER {ROLE} TEMPLATE template0')
        settings = service.settings(
            service=service.name, port=0, database_url=_url_of(postgres_url, draft)
        )
        await migrate(service, settings)
        await connection.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')


def _url_of(postgres_url: str, database: str) -> str:
    parts = urlsplit(postgres_url)
    place = f"{ROLE}:{PASSWORD}@{parts.hostname}:{parts.port or 5432}"
    return urlunsplit(("postgresql", place, f"/{database}", "", ""))


_FINGERPRINT = """
SELECT md5(
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM (
        SELECT c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull, a.atthasdef
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
    ) AS t)
    || (SELECT coalesce(string_agg(p.proname, ',' ORDER BY p.proname), '')
        FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace)
    || (SELECT coalesce(string_agg(conname, ',' ORDER BY conname), '')
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace)
    || (SELECT count(*) FROM pg_trigger)
    || (SELECT version_num FROM alembic_version)
    || (SELECT version_num FROM alembic_version_chassis)
)
"""
_TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_USED_SEQUENCES = """
SELECT quote_ident(sequencename) FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL
"""
_TABLES = """
SELECT quote_ident(tablename) FROM pg_tables
WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'alembic_version_chassis')
"""


class Databases:
    """Clones of the template, one at a time, emptied between tests.

    Cloning costs ten times what emptying does. A test that changed the schema, or a template that
    holds rows from its migrations, gets a new clone for the next.
    """

    def __init__(self, postgres_url: str, template: str) -> None:
        self._postgres_url = postgres_url
        self._template = template
        self._name = ""
        self._connection: Any = None
        self._fingerprint = ""
        self._dirty_tables = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Drop what there is."""
        self._run(self._drop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def take(self) -> str:
        """URL of a migrated, empty database."""
        if not self._name:
            self._run(self._clone())
        return _url_of(self._postgres_url, self._name)

    def give_back(self) -> None:
        """Empty what was taken, or drop it where that is not enough."""
        self._run(self._clean())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _clone(self) -> None:
        import asyncpg

        self._name = f"test_{uuid4().hex}"
        await _execute(
            self._postgres_url,
            f'CREATE DATABASE "{self._name}" TEMPLATE "{self._template}" OWNER {ROLE}',
        )
        url = urlunsplit(urlsplit(self._postgres_url)._replace(path=f"/{self._name}"))
        self._connection = await asyncpg.connect(url)
        self._fingerprint = await self._connection.fetchval(_FINGERPRINT)
        names = [row[0] for row in await self._connection.fetch(_TABLES)]
        self._dirty_tables = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})"  # noqa: S608
            for name in names
        )
        if names and await self._connection.fetch(self._dirty_tables):
            self._fingerprint = ""  # migrations left rows, which emptying would lose

    async def _clean(self) -> None:
        import asyncpg

        try:
            await self._connection.execute(_TERMINATE)
            is_same = await self._connection.fetchval(_FINGERPRINT) == self._fingerprint
        except asyncpg.PostgresError:
            is_same = False
        if not is_same:
            await self._drop()
            return
        dirty = await self._connection.fetch(self._dirty_tables) if self._dirty_tables else []
        if dirty:
            names = ", ".join(row[0] for row in dirty)
            await self._connection.execute(f"TRUNCATE {names} CASCADE")
        for row in await self._connection.fetch(_USED_SEQUENCES):
            await self._connection.execute(f"ALTER SEQUENCE {row[0]} RESTART")

    async def _drop(self) -> None:
        if not self._name:
            return
        await self._connection.close()
        await _execute(self._postgres_url, f'DROP DATABASE "{self._name}" WITH (FORCE)')
        self._name = ""


class _locked:  # noqa: N801 (reads as a statement)
    """Holds a file lock that all workers on this machine share."""

    def __init__(self, name: str) -> None:
        self._path = Path(tempfile.gettempdir()) / f"tandem-{os.getuid()}-{name}.lock"

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def _in_thread(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own, whatever runs in this thread."""
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
