"""A partner's system: client credentials, one client per service, and calls that do not give up
at the first stumble. It uses nothing but the public REST APIs.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from chassis.http import create_client
from contracts.accounts import PARTNER_SCOPES, Token
from contracts.bulk import LineOutcome, LineResult
from contracts.problems import ProblemDetail
from tandem.errors import NotRunnable

CALLED = ("accounts", "catalog", "pricing", "orders")
ATTEMPTS = 8
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
TIMEOUT_S = 60.0
RENEW_BEFORE_S = 30.0
_PASSING = frozenset({409, 429, 502, 503, 504})


class PartnerRefused(NotRunnable):
    """A service did not take what the partner sent; the text says which and why."""


class _Away(Exception):
    """A service cannot be reached at this moment."""


@dataclass(frozen=True)
class Credentials:
    """Client id and secret of a partner application."""

    client_id: str
    client_secret: str = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Credentials":
        """Read them from a file such as TANDEM_BOOTSTRAP_PARTNER_FILE names."""
        try:
            content = json.loads(path.read_bytes())
            return cls(content["client_id"], content["client_secret"])
        except (OSError, ValueError, TypeError, KeyError) as problem:
            raise NotRunnable(f"{path} holds no credentials of a partner application.") from problem

    def as_dict(self) -> dict[str, Any]:
        """The content of such a file: an application that may do all that partners may."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scopes": sorted(PARTNER_SCOPES),
        }


@dataclass
class Outcomes:
    """How many lines were made, changed, and were as they should be already."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    @property
    def changed(self) -> int:
        """How many lines made a difference."""
        return self.created + self.updated

    def __add__(self, other: "Outcomes") -> "Outcomes":
        return Outcomes(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
        )

    def __str__(self) -> str:
        counts = {"new": self.created, "changed": self.updated, "unchanged": self.unchanged}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"


class Partner:
    """A partner application at work."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient], credentials: Credentials) -> None:
        self._clients = clients
        self._credentials = credentials
        self._token = ""
        self._renew_at = 0.0

    async def get(self, service: str, path: str, **params: str | int | None) -> Any:
        """The JSON at a path, None where there is nothing."""
        wanted = {name: value for name, value in params.items() if value is not None}
        response = await self._call(service, "GET", path, params=wanted)
        return None if response.status_code == 404 else self._read(service, path, response)

    async def post(
        self, service: str, path: str, body: BaseModel, *, key: str | None = None
    ) -> Any:
        """Send a question, or something that may happen twice; with a key it happens once."""
        response = await self._call(
            service,
            "POST",
            path,
            content=body.model_dump_json(exclude_unset=True),
            headers={
                "Content-Type": "application/json",
                **({} if key is None else {"Idempotency-Key": key}),
            },
        )
        return self._read(service, path, response)

    async def put(self, service: str, path: str, body: BaseModel | Mapping[str, Any]) -> Outcomes:
        """Write one thing. Whether it changed is seen by its version."""
        before = await self.get(service, path)
        response = await self._call(
            service,
            "PUT",
            path,
            content=body.model_dump_json(exclude_unset=True)
            if isinstance(body, BaseModel)
            else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        after = self._read(service, path, response)
        if before is None:
            return Outcomes(created=1)
        return Outcomes(updated=1) if after != before else Outcomes(unchanged=1)

    async def put_lines(self, service: str, path: str, lines: Sequence[BaseModel]) -> Outcomes:
        """Write many things in one request. Raises PartnerRefused for the first bad line."""
        content = b"\n".join(line.model_dump_json(exclude_unset=True).encode() for line in lines)
        response = await self._call(
            service,
            "POST",
            path,
            content=content,
            headers={"Content-Type": "application/x-ndjson"},
        )
        if response.status_code != 200:
            raise self._refusal(service, path, response)
        results = [LineResult.model_validate_json(one) for one in response.content.splitlines()]
        for result in results:
            if result.outcome is LineOutcome.REFUSED:
                why = "; ".join(f"{one.pointer} {one.message}".strip() for one in result.errors)
                raise PartnerRefused(
                    f"{service} refused line {result.line} ({result.key}) of {path}: {why}"
                )
        if len(results) != len(lines):
            raise PartnerRefused(
                f"{service} answered {len(results)} of {len(lines)} lines of {path}."
            )
        counts = [result.outcome for result in results]
        return Outcomes(
            created=counts.count(LineOutcome.CREATED),
            updated=counts.count(LineOutcome.UPDATED),
            unchanged=counts.count(LineOutcome.UNCHANGED),
        )

    async def _call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """Call with a token that holds; wait and repeat while the trouble is a passing one.

        Everything the partner sends may be repeated: it only puts and asks.
        """
        pause = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            is_last = attempt == ATTEMPTS
            try:
                token = await self._valid_token()
                bearer = {**(headers or {}), "Authorization": f"Bearer {token}"}
                response = await self._send(service, method, path, headers=bearer, **request)
            except _Away as away:
                if is_last:
                    raise PartnerRefused(str(away)) from away
            else:
                if response.status_code == 401:
                    self._renew_at = 0.0
                elif response.status_code not in _PASSING:
                    return response
                if is_last:
                    return response
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        raise AssertionError("unreachable")

    async def _valid_token(self) -> str:
        """The present token, or a new one when its end is near."""
        if time.monotonic() < self._renew_at:
            return self._token
        path = "/v1/tokens"
        response = await self._send(
            "accounts",
            "POST",
            path,
            data={"grant_type": "client_credentials"},
            auth=(self._credentials.client_id, self._credentials.client_secret),
        )
        if response.status_code in _PASSING:
            raise _Away(f"accounts answered {response.status_code} to {path}.")
        token = Token.model_validate(self._read("accounts", path, response))
        self._token = token.access_token
        self._renew_at = time.monotonic() + max(1.0, token.expires_in - RENEW_BEFORE_S)
        return self._token

    async def _send(self, service: str, method: str, path: str, **request: Any) -> httpx.Response:
        client = self._clients[service]
        try:
            return await client.request(method, path, timeout=TIMEOUT_S, **request)
        except httpx.TransportError as problem:
            url = str(client.base_url).rstrip("/")
            raise _Away(f"{service} does not answer at {url}.") from problem

    def _read(self, service: str, path: str, response: httpx.Response) -> Any:
        if response.status_code >= 400:
            raise self._refusal(service, path, response)
        return response.json()

    def _refusal(self, service: str, path: str, response: httpx.Response) -> PartnerRefused:
        try:
            told = ProblemDetail.model_validate_json(response.content)
        except ValidationError:
            return PartnerRefused(f"{service} answered {response.status_code} to {path}.")
        fields = "".join(f" ({one.pointer}: {one.message})" for one in told.errors[:3])
        return PartnerRefused(f"{service} refused {path}: {told.detail}{fields}")


@asynccontextmanager
async def open_partner(urls: Mapping[str, str], credentials: Credentials) -> AsyncIterator[Partner]:
    """A partner with a client for each service; `urls` are their addresses by name."""
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(create_client(urls[name])) for name in CALLED
        }
        yield Partner(clients, credentials)
