"""GraphQL over HTTP: POST with JSON, GET for queries, and the query page for people.

Where there are members (`b2b`) their token goes on to the services, and subscriptions come as
server-sent events or over a WebSocket at the same path.

Follows the GraphQL-over-HTTP specification: in `application/graphql-response+json` a query that
cannot be parsed is 400 and one that cannot be run 422; in `application/json` every readable
request is answered with 200. A cross-site form cannot send JSON, so nothing else is taken.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from importlib import resources
from typing import Any

import orjson
from fastapi import APIRouter, WebSocket
from fastapi import Request as HttpRequest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from chassis.auth import Actor, TokenMissing, identify
from contracts.problems import NotFound, UnsupportedMedia
from gateway.context import Caches, Context, languages_of
from gateway.errors import MemberOnly, RequestNotReadable
from gateway.executor import Executor, Outcome, Request
from gateway.live.hub import Hub, Session
from gateway.live.sse import EventStream, accepts_events, body_of
from gateway.live.websocket import Connection
from gateway.settings import Settings

RESPONSE_TYPE = "application/graphql-response+json"
_LEGACY_TYPE = "application/json"
_ASSETS = {
    "page.js": "text/javascript",
    "page.css": "text/css",
    "graphiql.min.js": "text/javascript",
    "graphiql.min.css": "text/css",
    "react.production.min.js": "text/javascript",
    "react-dom.production.min.js": "text/javascript",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


class MediaTypeNotJson(UnsupportedMedia):
    """The body is not announced as JSON."""

    def __init__(self) -> None:
        super().__init__(
            "Send the request as application/json.", headers={"Accept": "application/json"}
        )


class AssetUnknown(NotFound):
    """The query page has no such file."""


def create_router(
    name: str, executor: Executor, *, settings: Settings, caches: Caches, hub: Hub | None = None
) -> APIRouter:
    """The endpoint of one schema at `/<name>/graphql`; for members where there is a hub."""
    router = APIRouter(include_in_schema=False)
    path = f"/{name}/graphql"
    make = partial(_context, settings=settings, caches=caches, hub=hub)

    async def answer(http: HttpRequest, request: Request, *, may_change: bool = True) -> Response:
        actor = await identify(http)  # a token that does not hold is told, not taken for no token
        if hub is not None and accepts_events(http.headers.get("accept")):
            return _stream(http, executor, request, make, actor, hub, may_change=may_change)
        return _answer(http, await executor.run(request, make(http, actor), may_change=may_change))

    async def post(http: HttpRequest) -> Response:
        request = _from_body(http.headers.get("content-type"), await http.body())
        return await answer(http, request)

    async def get(http: HttpRequest) -> Response:
        if "query" not in http.query_params and _wants_page(http):
            if settings.graphiql:
                return _file("index.html", "text/html", {"Content-Security-Policy": _POLICY})
            raise AssetUnknown("The query page is switched off here.")
        return await answer(http, _from_params(http.query_params), may_change=False)

    async def asset(file: str) -> Response:
        if file not in _ASSETS or not settings.graphiql:
            raise AssetUnknown("The query page has no such file.")
        return _file(file, _ASSETS[file], {"Cache-Control": "public, max-age=3600"})

    if hub is not None:
        _add_websocket(router, path, executor, settings=settings, hub=hub, make=make)
    router.add_api_route(path, post, methods=["POST"], name=f"{name}_post")
    router.add_api_route(path, get, methods=["GET"], name=f"{name}_get")
    router.add_api_route(f"{path}/{{file}}", asset, methods=["GET"], name=f"{name}_asset")
    return router


def _context(
    http: HTTPConnection,
    actor: Actor,
    session: Session | None = None,
    *,
    settings: Settings,
    caches: Caches,
    hub: Hub | None,
) -> Context:
    default_store = settings.default_store if hub is None else settings.default_b2b_store
    return Context(
        settings=settings,
        neighbours=http.app.state.edge.neighbours,
        caches=caches if hub is None else caches.of_one_viewer(settings),
        store=http.headers.get("tandem-store") or default_store,
        languages=languages_of(http.headers.get("accept-language")),
        actor=actor,
        token=None if hub is None else session.token if session else _token(http),
        session=session,
    )


def _stream(
    http: HttpRequest,
    executor: Executor,
    request: Request,
    make: Callable[..., Context],
    actor: Actor,
    hub: Hub,
    *,
    may_change: bool,
) -> Response:
    """The operation as server-sent events; a member's may be a subscription."""
    token = _token(http)
    with ExitStack() as stack:
        session = None
        if token is not None and actor.buyer is not None:
            session = stack.enter_context(hub.session(actor, token))
        return EventStream(
            executor.stream(request, make(http, actor, session), may_change=may_change),
            session=session,
            stack=stack.pop_all(),
            heartbeat_seconds=http.app.state.edge.settings.heartbeat_seconds,
        )


def _add_websocket(
    router: APIRouter,
    path: str,
    executor: Executor,
    *,
    settings: Settings,
    hub: Hub,
    make: Callable[..., Context],
) -> None:
    async def talk(ws: WebSocket) -> None:
        await Connection(
            ws,
            executor,
            settings=settings,
            introduce=partial(_introduce, hub),
            context_of=lambda session: make(ws, session.actor, session),
        ).serve()

    router.add_api_websocket_route(path, talk)


async def _introduce(hub: Hub, ws: WebSocket, header: str | None, stack: ExitStack) -> Session:
    """A session for who says by a token who they are.

    Raises TokenMissing, TokenInvalid, TokenExpired, AccessRevoked, MemberOnly, SubscriptionsFull.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing
    actor = await ws.app.state.edge.verifier.verify(token.strip())
    if actor.buyer is None:
        raise MemberOnly
    return stack.enter_context(hub.session(actor, token.strip()))


def _token(http: HTTPConnection) -> str | None:
    """The caller's token, which was found to hold; None for a guest."""
    return http.headers.get("authorization", "").partition(" ")[2].strip() or None


def _from_body(content_type: str | None, body: bytes) -> Request:
    """Read a POST. Raises MediaTypeNotJson, RequestNotReadable."""
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise MediaTypeNotJson
    try:
        given = orjson.loads(body)
    except ValueError:
        raise RequestNotReadable("The body is not JSON in UTF-8.") from None
    if isinstance(given, list):
        raise RequestNotReadable("Batches are not taken; send one request at a time.")
    return _checked(given)


def _from_params(params: Mapping[str, str]) -> Request:
    """Read a GET. Raises RequestNotReadable."""
    given: dict[str, Any] = {
        "query": params.get("query"),
        "operationName": params.get("operationName"),
    }
    try:
        given["variables"] = orjson.loads(params.get("variables") or "null")
    except ValueError:
        raise RequestNotReadable("`variables` is not JSON.") from None
    return _checked(given)


def _checked(given: Any) -> Request:
    if not isinstance(given, dict) or not isinstance(given.get("query"), str):
        raise RequestNotReadable('Send {"query": "...", "variables": {...}}.')
    variables, name = given.get("variables"), given.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise RequestNotReadable("`variables` must be an object.")
    if name is not None and not isinstance(name, str):
        raise RequestNotReadable("`operationName` must be a string.")
    return Request(given["query"], variables, name or None)


def _answer(http: HttpRequest, outcome: Outcome) -> Response:
    body = body_of(outcome)
    media_type = _accepted(http.headers.get("accept"))
    status = outcome.problem_status or 200
    if media_type == _LEGACY_TYPE and status != 405:
        status = 200
    headers = {"Allow": "POST"} if status == 405 else None
    return Response(orjson.dumps(body), status, headers, f"{media_type}; charset=utf-8")


def _accepted(accept: str | None) -> str:
    """`application/json` for a client that names only that; else the type made for GraphQL."""
    if accept and RESPONSE_TYPE not in accept and _LEGACY_TYPE in accept:
        return _LEGACY_TYPE
    return RESPONSE_TYPE


def _wants_page(http: HttpRequest) -> bool:
    return "text/html" in http.headers.get("accept", "")


def _file(name: str, media_type: str, headers: Mapping[str, str]) -> Response:
    content = resources.files("gateway").joinpath("graphiql", name).read_bytes()
    return Response(content, 200, dict(headers), f"{media_type}; charset=utf-8")
