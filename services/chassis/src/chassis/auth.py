"""Who is calling: Ed25519 access tokens (RFC 9068, `at+jwt`), read and written.

A service checks tokens of the issuers it trusts against their JWKS, which are fetched in the
background and again when an unknown key id turns up. It signs its own tokens with its own key.
What an actor may do is said by scopes; whom it may do it for is each service's own rule.
"""

import asyncio
import contextlib
import hashlib
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args
from uuid import UUID

import httpx
import orjson
from fastapi import APIRouter, Depends, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import ValidationError

from chassis import failpoints, tracing
from chassis.clock import Clock
from chassis.logs import get_logger
from chassis.settings import Settings
from contracts.buyers import TokenBuyer
from contracts.problems import Forbidden, Unauthenticated, Unavailable

ActorKind = Literal["guest", "partner", "service", "customer", "member", "staff"]
ALGORITHMS = ("Ed25519",)
"""EdDSA on curve 25519 under its full name (RFC 9864); nothing else is ever accepted."""
TOKEN_TYPE = "at+jwt"  # noqa: S105 (the type of a token)
PEOPLE_AUDIENCE = "tandem"
PEOPLE_ISSUER = "tandem:accounts"
LIFETIME = timedelta(minutes=10)
_LEEWAY_SECONDS = 5
_LONGEST_TOKEN = 8192
_REMEMBERED_TOKENS = 4096
_REMEMBERED_SECONDS = 30
_REFRESH_SECONDS = 300.0
_SHORTEST_REFRESH_SECONDS = 5.0
_FETCH_TIMEOUT_SECONDS = 2.0
_LONGEST_DOCUMENT = 64 * 1024
_CHALLENGE = {"WWW-Authenticate": "Bearer"}

log = get_logger(__name__)


class TokenMissing(Unauthenticated):
    """This needs a token, and there was none."""

    def __init__(self) -> None:
        super().__init__("Send an access token: Authorization: Bearer ...", headers=_CHALLENGE)


class TokenInvalid(Unauthenticated):
    """The token does not hold: forged, malformed, for somebody else, or from a stranger."""

    def __init__(self, why: str = "The access token does not hold.") -> None:
        super().__init__(why, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class TokenExpired(Unauthenticated):
    """The token was good once."""

    def __init__(self) -> None:
        super().__init__(
            "The access token has expired; get a new one.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )


class AccessRevoked(Unauthenticated):
    """The token was good, but access was taken from its subject since."""

    def __init__(self) -> None:
        super().__init__(
            "This access was taken away; sign in again.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )


class TokenKeysUnavailable(Unavailable):
    """The issuer's keys could not be fetched yet, so nothing can be said about its tokens."""

    def __init__(self) -> None:
        super().__init__(
            "The keys of the token's issuer cannot be fetched right now; please try again.",
            headers={"Retry-After": "1"},
        )


class MissingScope(Forbidden):
    """Known, but without the right that this needs."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.", extra={"scope": scope})


class ServiceOnly(Forbidden):
    """Only certain services of this shop may ask for this."""

    def __init__(self) -> None:
        super().__init__("Only services of this shop may ask for this.")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who calls. A guest has no token; everybody else is named by one.

    A member's token says for whom they act (`buyer`); a service may act for a member
    (`on_behalf_of`, the member's id). `issued_at` is Unix time in seconds, to the millisecond.
    """

    kind: ActorKind
    subject: str
    scopes: frozenset[str] = frozenset()
    on_behalf_of: str | None = None
    issuer: str | None = None
    buyer: TokenBuyer | None = None
    issued_at: float = 0.0

    @property
    def member_id(self) -> UUID | None:
        """The member that calls, or that a service calls for; None for anybody else."""
        if self.buyer is not None:
            return self.buyer.member_id
        if self.kind != "service" or self.on_behalf_of is None:
            return None
        try:
            return UUID(self.on_behalf_of)
        except ValueError:
            raise TokenInvalid("on_behalf_of is no member's id.") from None

    def require(self, scope: str) -> None:
        """Raise unless the actor has the scope: TokenMissing for a guest, else MissingScope."""
        if scope in self.scopes:
            return
        if self.kind == "guest":
            raise TokenMissing
        raise MissingScope(scope)


GUEST = Actor(kind="guest", subject="guest")


def load_key(path: Path | None) -> OKPKey:
    """Read our Ed25519 key; make one (mode 0600) where the file is missing.

    Several processes may start at once: the first to link its file wins, the others read it.
    """
    if path is None:
        return OKPKey.generate_key("Ed25519")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = OKPKey.generate_key("Ed25519").as_pem(private=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(made)
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
        finally:
            os.unlink(name)
    key = OKPKey.import_key(path.read_bytes())
    if key.curve_name != "Ed25519" or not key.is_private:
        raise ValueError(f"{path} holds no private Ed25519 key")
    return key


class Signer:
    """Signs this service's tokens with its own key, and publishes the public half."""

    def __init__(
        self, *, issuer: str, key: OKPKey, clock: Clock, own_scopes: Iterable[str]
    ) -> None:
        self.issuer = issuer
        self._key = key
        self._clock = clock
        self._own_scopes = frozenset(own_scopes)
        self.kid = key.thumbprint()
        self._own: dict[tuple[str, str | None], tuple[float, str]] = {}

    def jwks(self) -> dict[str, Any]:
        """The public key as a JWK set (RFC 7517)."""
        public = self._key.as_dict(private=False)
        return {"keys": [{**public, "kid": self.kid, "alg": ALGORITHMS[0], "use": "sig"}]}

    def sign(
        self,
        *,
        subject: str,
        audience: str,
        kind: ActorKind,
        scopes: Iterable[str],
        lifetime: timedelta = LIFETIME,
        on_behalf_of: str | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Write an access token; `claims` go in beside the registered ones."""
        moment = self._clock.now().timestamp()
        now = int(moment)
        content: dict[str, Any] = {
            **(claims or {}),
            "iss": self.issuer,
            "sub": subject,
            "aud": audience,
            "iat": int(moment * 1000) / 1000,  # what revocations are compared with
            "nbf": now,
            "exp": now + int(lifetime.total_seconds()),
            "jti": os.urandom(12).hex(),
            "kind": kind,
            "scope": " ".join(sorted(scopes)),
        }
        if on_behalf_of is not None:
            content["on_behalf_of"] = on_behalf_of
        header = {"alg": ALGORITHMS[0], "kid": self.kid}
        return jwt.encode(header, content, self._key, ALGORITHMS, default_type=TOKEN_TYPE)

    def own_token(self, audience: str, *, on_behalf_of: str | None = None) -> str:
        """This service's own token for a neighbour; the same one until a minute before its end."""
        now = self._clock.now().timestamp()
        until, token = self._own.get((audience, on_behalf_of), (0.0, ""))
        if until > now:
            return token
        token = self.sign(
            subject=self.issuer.removeprefix("tandem:"),
            audience=audience,
            kind="service",
            scopes=self._own_scopes,
            on_behalf_of=on_behalf_of,
        )
        if len(self._own) >= _REMEMBERED_TOKENS:
            self._own.clear()
        self._own[audience, on_behalf_of] = (now + LIFETIME.total_seconds() - 60, token)
        return token


class Jwks:
    """The keys of one issuer, kept fresh; `url` is None for our own, which never change."""

    def __init__(self, url: str | None, client: httpx.AsyncClient, keys: Mapping[str, OKPKey]):
        self._url = url
        self._client = client
        self._keys = dict(keys)
        self._fetched_at = -_SHORTEST_REFRESH_SECONDS
        self._is_known = bool(keys)
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> OKPKey:
        """The key of that id. An unknown one makes us look again, at most every five seconds."""
        if kid not in self._keys:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(tracing.remaining(otherwise=_FETCH_TIMEOUT_SECONDS)):
                    await self.refresh()
        if kid in self._keys:
            return self._keys[kid]
        if not self._is_known:
            raise TokenKeysUnavailable
        raise TokenInvalid

    async def refresh(self) -> bool:
        """Fetch the keys unless that was tried just now; whether we know any.

        Many who ask at once share a fetch, but none that began before they asked: that one may
        hang though the issuer is well again.
        """
        if self._url is None:
            return True
        asked_at = time.monotonic()
        async with self._lock:
            is_recent = asked_at - self._fetched_at < _SHORTEST_REFRESH_SECONDS
            if self._fetched_at >= asked_at or (is_recent and self._is_known):
                return self._is_known
            self._fetched_at = time.monotonic()
            try:
                async with asyncio.timeout(_FETCH_TIMEOUT_SECONDS):
                    self._keys = _read_keys(await self._fetch(self._url))
                self._is_known = True
            except Exception as error:
                tell = log.warning if self._is_known else log.info  # at first it may just start
                tell("keys not fetched", url=self._url, why=type(error).__name__)
        return self._is_known

    async def _fetch(self, url: str) -> Any:
        failpoints.hit("keys:asking")
        async with self._client.stream("GET", url) as answer:
            answer.raise_for_status()
            document = b""
            async for part in answer.aiter_raw():
                document += part
                if len(document) > _LONGEST_DOCUMENT:
                    raise ValueError("that is no set of keys")
        failpoints.hit("keys:answered")
        return orjson.loads(document)

    async def keep_fresh(self) -> None:
        """Fetch now, soon again while there is none, and every five minutes from then on."""
        pause = 0.2
        while True:
            known = await self.refresh()
            await asyncio.sleep(_REFRESH_SECONDS if known else pause)
            pause = min(pause * 2, 10.0)


def _read_keys(document: Any) -> dict[str, OKPKey]:
    keys = {}
    for one in document["keys"][:32]:
        if one.get("kty") == "OKP" and one.get("crv") == "Ed25519" and "d" not in one:
            keys[str(one["kid"])] = OKPKey.import_key(one)
    return keys


class Verifier:
    """Turns a token into an actor, or raises why not."""

    def __init__(self, *, audience: str, issuers: Mapping[str, Jwks], clock: Clock) -> None:
        self._audience = audience
        self._issuers = issuers
        self._clock = clock
        self._remembered: OrderedDict[bytes, tuple[float, Actor]] = OrderedDict()
        self._valid_after: dict[str, float] = {}

    def revoke(self, subject: str, valid_after: datetime) -> None:
        """Refuse tokens of this subject that were issued at that moment or before.

        It is forgotten when the last of them has expired.
        """
        now = self._clock.now().timestamp()
        oldest = now - LIFETIME.total_seconds() - 2 * _LEEWAY_SECONDS
        moment = max(valid_after.timestamp(), self._valid_after.get(subject, 0.0))
        self._valid_after[subject] = moment
        for gone in [one for one, after in self._valid_after.items() if after < oldest]:
            del self._valid_after[gone]

    async def verify(self, token: str) -> Actor:
        """Check signature, issuer, audience, type, times, and that access was not taken away.

        Raises TokenInvalid, TokenExpired or AccessRevoked.

        A token that held is remembered for half a minute, which saves most of the work for a
        caller who calls often.
        """
        now = self._clock.now().timestamp()
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        until, actor = self._remembered.get(digest, (0.0, GUEST))
        if until > now:
            self._require_access(actor)
            return actor
        expires_at, actor = await self._check(token, now)
        self._require_access(actor)
        self._remembered[digest] = (min(expires_at, now + _REMEMBERED_SECONDS), actor)
        if len(self._remembered) > _REMEMBERED_TOKENS:
            self._remembered.popitem(last=False)
        return actor

    def _require_access(self, actor: Actor) -> None:
        after = self._valid_after.get(actor.subject)
        if after is not None and actor.kind != "service" and actor.issued_at <= after:
            raise AccessRevoked

    async def _check(self, token: str, now: float) -> tuple[float, Actor]:
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise TokenInvalid
        try:
            header, claims = _peek(token)
            keys = self._issuers.get(str(claims.get("iss")))
            kid = header.get("kid")
            if keys is None or not isinstance(kid, str) or header.get("alg") not in ALGORITHMS:
                raise TokenInvalid
            key = await keys.get(kid)
            verified = jwt.decode(token, key, ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, RecursionError):
            raise TokenInvalid from None
        if str(header.get("typ", "")).lower().removeprefix("application/") != TOKEN_TYPE:
            raise TokenInvalid
        return _check_times(verified, now), _read_actor(verified, self._audience)


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims before they are verified: only to find the key."""
    unverified = jws.extract_compact(token.encode())
    claims = orjson.loads(unverified.payload)
    if not isinstance(claims, dict):
        raise TokenInvalid
    return dict(unverified.headers()), claims


def _check_times(claims: Mapping[str, Any], now: float) -> float:
    expires_at, not_before = claims.get("exp"), claims.get("nbf", 0)
    for moment in (expires_at, not_before):
        if isinstance(moment, bool) or not isinstance(moment, int | float):
            raise TokenInvalid
    if not_before > now + _LEEWAY_SECONDS:
        raise TokenInvalid("The access token is not valid yet.")
    if cast(float, expires_at) + _LEEWAY_SECONDS <= now:
        raise TokenExpired
    return float(cast(float, expires_at))


def _read_actor(claims: Mapping[str, Any], audience: str) -> Actor:
    issuer, subject, kind = claims["iss"], claims.get("sub"), claims.get("kind")
    scope, on_behalf_of = claims.get("scope", ""), claims.get("on_behalf_of")
    heard = claims.get("aud")
    audiences = heard if isinstance(heard, list) else [heard]
    is_for_all = issuer == PEOPLE_ISSUER and kind != "service" and PEOPLE_AUDIENCE in audiences
    if not is_for_all and audience not in audiences:
        raise TokenInvalid("The access token is for another service.")
    if kind not in get_args(ActorKind) or kind == "guest" or not isinstance(subject, str):
        raise TokenInvalid
    if issuer != PEOPLE_ISSUER and kind != "service":
        raise TokenInvalid  # only accounts speaks for people and partners
    if kind == "service" and issuer != f"tandem:{subject}":
        raise TokenInvalid  # and each service only for itself
    if not isinstance(scope, str) or not isinstance(on_behalf_of, str | None) or not subject:
        raise TokenInvalid
    issued_at = claims.get("iat", 0.0)
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise TokenInvalid
    return Actor(
        cast(ActorKind, kind),
        subject,
        frozenset(scope.split()),
        on_behalf_of,
        issuer,
        _read_buyer(claims, subject) if kind == "member" else None,
        float(issued_at),
    )


def _read_buyer(claims: Mapping[str, Any], subject: str) -> TokenBuyer:
    """Whom a member acts for; their token is worth nothing without it."""
    try:
        buyer = TokenBuyer.model_validate(claims.get("buyer"))
    except ValidationError:
        raise TokenInvalid from None
    if str(buyer.member_id) != subject:
        raise TokenInvalid
    return buyer


@asynccontextmanager
async def open_verifier(
    settings: Settings, *, signer: Signer, client: httpx.AsyncClient, clock: Clock
) -> AsyncIterator[Verifier]:
    """A verifier whose issuers' keys are kept fresh by background tasks until the end."""
    own = {one["kid"]: OKPKey.import_key(one) for one in signer.jwks()["keys"]}
    issuers = {
        issuer: Jwks(url, client, {})
        for issuer, url in settings.trusted_issuers.items()
        if issuer != settings.issuer
    }
    tasks = [asyncio.create_task(keys.keep_fresh()) for keys in issuers.values()]
    try:
        yield Verifier(
            audience=settings.issuer,
            issuers={**issuers, settings.issuer: Jwks(None, client, own)},
            clock=clock,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class BearerToken(SecurityBase):
    """Documents the bearer token in OpenAPI; reading it is `get_actor`'s work."""

    def __init__(self) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="Access token, RFC 9068.")
        self.scheme_name = "token"

    async def __call__(self) -> None:
        return None


async def identify(request: Request) -> Actor:
    """The caller of a request: a guest without a token; looked up once per request."""
    known = request.scope.get("tandem.actor")
    if known is not None:
        return cast(Actor, known)
    header = request.headers.get("authorization")
    actor = GUEST
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenInvalid("The Authorization header must read: Bearer <access token>.")
        actor = await request.app.state.edge.verifier.verify(token.strip())
    request.scope["tandem.actor"] = actor
    return actor


async def get_actor(request: Request, _: Annotated[None, Security(BearerToken())] = None) -> Actor:
    """The caller; a bad, expired or forged token is a 401, no token a guest."""
    return await identify(request)


Caller = Annotated[Actor, Depends(get_actor)]


async def check_scopes(
    request: Request, scopes: SecurityScopes, _: Annotated[None, Security(BearerToken())] = None
) -> Actor:
    """The dependency behind `Needs`."""
    actor = await identify(request)
    for scope in scopes.scopes:
        actor.require(scope)
    return actor


def Needs(scope: str) -> Any:  # noqa: N802 (reads as a marker in a route's dependencies)
    """Route dependency: 401 without a token, 403 `missing-scope` without that scope."""
    return Security(check_scopes, scopes=[scope])


def NeedsService(*names: str) -> Any:  # noqa: N802 (reads as a marker in a route's dependencies)
    """Route dependency: 401 without a token, 403 `service-only` for all but those services."""

    async def check_service(actor: Annotated[Actor, Security(check_scopes)]) -> None:
        if actor.kind == "guest":
            raise TokenMissing
        if actor.kind != "service" or actor.subject not in names:
            raise ServiceOnly

    return Depends(check_service)


def create_router() -> APIRouter:
    """`GET /.well-known/jwks.json`: the keys to check this service's tokens with."""
    router = APIRouter(tags=["operations"])

    @router.get("/.well-known/jwks.json", summary="Public keys of this service's tokens")
    async def get_keys(request: Request) -> dict[str, list[dict[str, str]]]:
        """JWK set (RFC 7517)."""
        keys: dict[str, list[dict[str, str]]] = request.app.state.edge.signer.jwks()
        return keys

    return router
