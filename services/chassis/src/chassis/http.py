"""Calls to neighbours: one pooled client each, deadlines handed on, ids passed along, retries
only of what may be repeated, and a neighbour's problem raised as the same kind of problem here.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, TypeVar
from urllib.parse import quote
from uuid import UUID

import aiohttp
import httpx
import orjson
from httpx_aiohttp import AiohttpTransport
from pydantic import BaseModel, ValidationError

from chassis import failpoints, tracing
from chassis.auth import Signer
from chassis.settings import Settings
from contracts.problems import FieldError, Invalid, ProblemDetail, Unavailable, kind_of

Model = TypeVar("Model", bound=BaseModel)
Params = Mapping[str, str | int | list[str] | None]

OWN = "own"
"""Call with a token of our own."""
_ATTEMPTS = 3
_FIRST_PAUSE_SECONDS = 0.05
_CONNECT_SECONDS = 2.0
_STREAM_READ_SECONDS = 60.0
_KEEPALIVE_SECONDS = 30.0
_LONGEST_ANSWER = 16 * 1024 * 1024
"""Bytes, of an answer or of a line of a long one; what is longer is no answer of ours."""
_RETRIED = frozenset({502, 503, 504})


class NeighbourUnavailable(Unavailable):
    """A neighbour did not answer, or not sensibly; its name is in the code."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"{name} cannot be reached right now ({why}); please try again.",
            code=f"{name}-unavailable",
            headers={"Retry-After": "1"},
        )
        self.neighbour = name


def segment(value: str | UUID) -> str:
    """A name as one segment of a path, whatever is in it.

    Raises Invalid for `.` and `..`, which no quoting keeps from meaning another path.
    """
    if value in (".", ".."):
        raise Invalid("is not a name", code="name-not-allowed")
    return quote(str(value), safe="")


class Reply:
    """A neighbour's answer, parsed when asked to be."""

    __slots__ = ("_neighbour", "body", "headers", "status")

    def __init__(self, neighbour: str, status: int, headers: httpx.Headers, body: bytes) -> None:
        self._neighbour = neighbour
        self.status = status
        self.headers = headers
        self.body = body

    def json(self, shape: type[BaseModel] | None = None) -> Any:
        """The body as plain values, of the given shape; rubbish means the neighbour is unavailable.

        Plain values may be all that is needed, and cost less than a model's own.
        """
        if shape is not None:
            self.parse(shape)
        try:
            return orjson.loads(self.body)
        except ValueError as error:
            raise NeighbourUnavailable(self._neighbour, "its answer is not JSON") from error

    def parse(self, model: type[Model]) -> Model:
        """The body as a model of `contracts`; rubbish means the neighbour is unavailable.

        A field that we do not know is none of our business, however strict the model is.
        """
        try:
            return model.model_validate_json(self.body, extra="ignore")
        except ValidationError as error:
            raise NeighbourUnavailable(self._neighbour, "its answer cannot be read") from error


class Neighbour:
    """Another service, called over HTTP.

    A path is given as it is sent: put names into it by `segment`. `token` is whose right is
    used: our own (`OWN`, "own"), nobody's (None), or a given one. `deadline` is Unix time in
    seconds; without it the present request's, else ten seconds on.
    """

    def __init__(
        self, name: str, *, client: httpx.AsyncClient, signer: Signer, wait_seconds: float
    ) -> None:
        self.name = name
        self._client = client
        self._signer = signer
        self._wait_seconds = wait_seconds

    async def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        token: str | None = OWN,
        on_behalf_of: str | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """GET; repeated when it fails."""
        return await self.send(
            "GET",
            path,
            params=params,
            token=token,
            on_behalf_of=on_behalf_of,
            deadline=deadline,
            headers=headers,
        )

    async def post(
        self,
        path: str,
        *,
        json: Any = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        params: Params | None = None,
        token: str | None = OWN,
        on_behalf_of: str | None = None,
        idempotency_key: str | UUID | None = None,
        is_read: bool = False,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST; repeated only with an idempotency key, or where it only reads (`is_read`)."""
        return await self.send(
            "POST",
            path,
            json=json,
            content=content,
            params=params,
            token=token,
            on_behalf_of=on_behalf_of,
            idempotency_key=idempotency_key,
            is_read=is_read,
            deadline=deadline,
            headers=headers,
        )

    async def put(
        self,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Params | None = None,
        token: str | None = OWN,
        on_behalf_of: str | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """PUT; repeated when it fails."""
        return await self.send(
            "PUT",
            path,
            json=json,
            content=content,
            params=params,
            token=token,
            on_behalf_of=on_behalf_of,
            deadline=deadline,
            headers=headers,
        )

    async def delete(
        self,
        path: str,
        *,
        params: Params | None = None,
        token: str | None = OWN,
        on_behalf_of: str | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """DELETE; repeated when it fails."""
        return await self.send(
            "DELETE",
            path,
            params=params,
            token=token,
            on_behalf_of=on_behalf_of,
            deadline=deadline,
            headers=headers,
        )

    async def send(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        *,
        json: Any = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        params: Params | None = None,
        token: str | None = OWN,
        on_behalf_of: str | None = None,
        idempotency_key: str | UUID | None = None,
        is_read: bool = False,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Call and answer with what is below 400; the rest is raised as its kind of problem.

        Raises NeighbourUnavailable on timeouts, broken connections, 5xx and rubbish.
        """
        until = self._until(deadline)
        request = self._client.build_request(
            method,
            path,
            params={k: v for k, v in (params or {}).items() if v is not None},
            content=_body(json, content),
            headers={
                **self._headers(token, on_behalf_of, until),
                **({} if json is None else {"Content-Type": "application/json"}),
                **({} if idempotency_key is None else {"Idempotency-Key": str(idempotency_key)}),
                **(headers or {}),
            },
        )
        may_repeat = method != "POST" or idempotency_key is not None or is_read
        is_whole = content is None or isinstance(content, bytes)
        attempts = _ATTEMPTS if is_whole else 1
        for attempt in range(1, attempts + 1):
            try:
                return await self._once(request, until, is_own=token == OWN)
            except NeighbourUnavailable as failure:
                was_sent = not _never_connected(failure.__cause__)
                pause = _FIRST_PAUSE_SECONDS * 3 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311
                if (
                    attempt == attempts
                    or (was_sent and not may_repeat)
                    or pause >= tracing.seconds_until(until)
                ):
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def stream(
        self, path: str, *, params: Params | None = None, token: str | None = OWN
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """GET a long NDJSON answer line by line; limited by silence, not by its length."""
        headers = self._headers(token, None, None)
        wanted = {k: v for k, v in (params or {}).items() if v is not None}
        failpoints.hit("call", self.name, "GET", path, "asking")
        with self._failures():
            async with self._client.stream(
                "GET",
                path,
                params=wanted,
                headers=headers,
                timeout=httpx.Timeout(_STREAM_READ_SECONDS, connect=_CONNECT_SECONDS),
            ) as response:
                if response.status_code >= 400:
                    body = await self._read(response)
                    raise self._problem(response, body, is_own=token == OWN)
                failpoints.hit("call", self.name, "GET", path, "answered")
                yield self._lines(response)

    def _until(self, deadline: float | None) -> float:
        inherited = tracing.deadline()
        if deadline is None:
            return tracing.in_seconds(self._wait_seconds) if inherited is None else inherited
        return deadline if inherited is None else min(deadline, inherited)

    def _headers(
        self, token: str | None, on_behalf_of: str | None, until: float | None
    ) -> dict[str, str]:
        headers: dict[str, str] = {}
        if token == OWN:
            token = self._signer.own_token(f"tandem:{self.name}", on_behalf_of=on_behalf_of)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if (trace := tracing.current()) is not None:
            headers["X-Request-Id"] = trace.request_id
            headers["traceparent"] = trace.traceparent
        if until is not None:
            headers["Tandem-Deadline"] = str(int(until * 1000))
        return headers

    async def _once(self, request: httpx.Request, until: float, *, is_own: bool) -> Reply:
        left = tracing.seconds_until(until)
        if left <= 0:
            raise NeighbourUnavailable(self.name, "the deadline has passed")
        request.extensions["timeout"] = httpx.Timeout(
            left, connect=min(left, _CONNECT_SECONDS)
        ).as_dict()
        place = ("call", self.name, request.method, request.url.path)
        failpoints.hit(*place, "asking")
        with self._failures():
            async with asyncio.timeout(left):
                response = await self._client.send(request, stream=True)
                body = await self._read(response)
        failpoints.hit(*place, "answered")
        if response.status_code >= 400:
            raise self._problem(response, body, is_own=is_own)
        return Reply(self.name, response.status_code, response.headers, body)

    async def _read(self, response: httpx.Response) -> bytes:
        """The whole body as it came: we ask for nothing packed."""
        parts: list[bytes] = []
        size = 0
        try:
            async for part in response.aiter_raw():
                size += len(part)
                self._limit(size)
                parts.append(part)
        finally:
            await response.aclose()
        return b"".join(parts)

    async def _lines(self, response: httpx.Response) -> AsyncIterator[bytes]:
        rest = b""
        async for part in response.aiter_raw():
            *lines, rest = (rest + part).split(b"\n")
            self._limit(len(rest))
            for line in lines:
                if line.strip():
                    yield line
        if rest.strip():
            yield rest

    def _limit(self, size: int) -> None:
        if size > _LONGEST_ANSWER:
            raise NeighbourUnavailable(self.name, "its answer is too long")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            why = "no answer in time" if _is_late(error) else "no connection"
            raise NeighbourUnavailable(self.name, why) from error

    def _problem(self, response: httpx.Response, body: bytes, *, is_own: bool) -> Exception:
        """The neighbour's problem as ours, or that it is unavailable.

        Our own token being refused is a fault between the two of us, nothing the caller did.
        """
        status = response.status_code
        if status >= 500:
            return NeighbourUnavailable(self.name, f"it answered {status}")
        if status == 401 and is_own:
            return NeighbourUnavailable(self.name, "it refused our token")
        try:
            told = ProblemDetail.model_validate_json(body)
        except ValidationError:
            return NeighbourUnavailable(self.name, f"it answered {status} without a problem")
        headers = {k: v for k, v in response.headers.items() if k.lower() == "retry-after"}
        return kind_of(status)(
            told.detail,
            code=told.code,
            errors=[FieldError.model_validate(one.model_dump()) for one in told.errors],
            extra=told.model_extra,
            headers=headers,
        )


class Neighbours:
    """The services around us, by name."""

    def __init__(self, by_name: Mapping[str, Neighbour]) -> None:
        self._by_name = by_name

    def __getitem__(self, name: str) -> Neighbour:
        return self._by_name[name]


def create_client(
    base_url: str = "", *, is_secure: bool | None = None, connections: int = 100
) -> httpx.AsyncClient:
    """An HTTP client on aiohttp's transport: no proxies, no redirects, no cookies.

    Reading the certificates of a TLS context takes long, so only a secure client does.
    """
    verify: ssl.SSLContext | bool = False
    if is_secure or (is_secure is None and not base_url.startswith("http://")):
        verify = ssl.create_default_context()

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections,
                keepalive_timeout=_KEEPALIVE_SECONDS,
                ssl=verify if isinstance(verify, ssl.SSLContext) else True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=256 * 1024,
        )

    transport = AiohttpTransport(verify=verify, client=open_session, trust_env=False)
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"Accept-Encoding": "identity"},
        transport=transport,
        trust_env=False,
        follow_redirects=False,
    )


@asynccontextmanager
async def open_neighbours(settings: Settings, *, signer: Signer) -> AsyncIterator[Neighbours]:
    """One pool for each service; connections open when first needed."""
    clients = {name: create_client(settings.url_of(name)) for name in settings.neighbours}
    try:
        yield Neighbours(
            {
                name: Neighbour(
                    name,
                    client=client,
                    signer=signer,
                    wait_seconds=settings.deadline_seconds,
                )
                for name, client in clients.items()
            }
        )
    finally:
        for client in clients.values():
            await client.aclose()


def _never_connected(error: BaseException | None) -> bool:
    """Whether nothing was sent. The transport calls a refused connection a timeout too, so only
    what it was raised from tells.
    """
    return isinstance(error and error.__cause__, aiohttp.ClientConnectorError)


def _is_late(error: Exception) -> bool:
    if isinstance(error, TimeoutError):
        return True
    broken = aiohttp.ClientConnectionError
    is_late = isinstance(error.__cause__, aiohttp.ServerTimeoutError)
    return isinstance(error, httpx.TimeoutException) and (
        is_late or not isinstance(error.__cause__, broken)
    )


def _body(json: Any, content: Any) -> Any:
    if json is None:
        return content
    return orjson.dumps(json, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)
