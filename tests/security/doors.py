"""A door of every service that opens to members, and the gateway's, by request and by stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.security.matrix import outcome_of
from tests.security.people import bearer
from tests.security.shop import Ask
from tests.security.world import B2B, LINES, World

DOORS = {
    "accounts": Ask("accounts", "GET", "/v1/companies"),
    "approvals": Ask("approvals", "GET", "/v1/approval-requests"),
    "catalog": Ask("catalog", "GET", "/v1/products", query={"store": B2B}),
    "pricing": Ask("pricing", "POST", "/v1/prices/resolve", {"store": B2B, "lines": LINES}),
    "orders": Ask("orders", "GET", "/v1/orders"),
    "gateway": Ask("gateway", "POST", "/b2b/graphql", {"query": "{ me { memberId } }"}),
}
FEEDS = {
    service: Ask(service, "GET", "/v1/changes")
    for service in ("accounts", "approvals", "catalog", "pricing", "orders", "testpay")
}
"""A door of every service that opens to partners."""
CHANGES = "subscription { placementChanged { id status } }"
PROTOCOL = Subprotocol("graphql-transport-ws")


async def knock(world: World, ask: Ask, token: str | None) -> str:
    """`ok`, or the code of the problem."""
    answer = await world.shop.ask(ask, bearer(token))
    outcome = outcome_of(answer)
    return answer.code if outcome.isdecimal() else outcome


@asynccontextmanager
async def listening(world: World, token: str) -> AsyncIterator[asyncio.Queue[str]]:
    """A WebSocket and a stream of events that hear of placings; what each tells, in one queue:
    the id of a placement, or `closed` or `ended`.
    """
    told: asyncio.Queue[str] = asyncio.Queue()
    ready = [asyncio.Event(), asyncio.Event()]
    tasks = [
        asyncio.create_task(_by_socket(world, token, told, ready[0])),
        asyncio.create_task(_by_stream(world, token, told, ready[1])),
    ]
    try:
        for event in ready:
            await event.wait()
        yield told
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _by_socket(
    world: World, token: str, told: asyncio.Queue[str], ready: asyncio.Event
) -> None:
    try:
        await _speak(world, token, told, ready)
    except ConnectionClosed as closed:
        await told.put(f"closed {closed.rcvd.code if closed.rcvd else ''}".strip())
    finally:
        ready.set()


async def _speak(world: World, token: str, told: asyncio.Queue[str], ready: asyncio.Event) -> None:
    url = world.shop.settings.url_of("gateway").replace("http", "ws", 1) + "/b2b/graphql"
    async with connect(url, subprotocols=[PROTOCOL], proxy=None) as ws:
        payload = {"Authorization": f"Bearer {token}"}
        await ws.send(json.dumps({"type": "connection_init", "payload": payload}))
        await ws.recv()
        subscribe = {"type": "subscribe", "id": "1", "payload": {"query": CHANGES}}
        await ws.send(json.dumps(subscribe))
        await ws.send(json.dumps({"type": "ping"}))
        while True:
            message = json.loads(await ws.recv())
            if message["type"] == "pong":
                ready.set()
            if message["type"] == "next":
                await told.put(_placement_of(message["payload"]))


async def _by_stream(
    world: World, token: str, told: asyncio.Queue[str], ready: asyncio.Event
) -> None:
    url = world.shop.settings.url_of("gateway") + "/b2b/graphql"
    headers = bearer(token) | {"Accept": "text/event-stream"}
    with suppress(asyncio.CancelledError):
        async with world.shop.client.stream(
            "POST", url, headers=headers, json={"query": CHANGES}
        ) as stream:
            ready.set()
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    await told.put(_placement_of(json.loads(line.removeprefix("data: "))))
        await told.put("ended")


def _placement_of(result: Any) -> str:
    if result.get("errors"):
        return str(result["errors"][0]["extensions"]["code"])
    return str(result["data"]["placementChanged"]["id"])
