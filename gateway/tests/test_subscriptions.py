"""Subscriptions over WebSocket and server-sent events: told within a moment, to nobody else, and
ended when access is. The gateway is served by uvicorn; events come over the bus."""

import asyncio
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from chassis.bus import DirectBus, Outgoing, RabbitBus
from chassis.server import serve_app
from contracts import orders
from contracts.approvals import ApprovalFacts, ApprovalRequestDecided
from contracts.buyers import AccessRevoked
from contracts.envelope import make_event
from contracts.ids import new_id
from contracts.orders import OrderShipped, PlacementChanged
from contracts.problems import Unauthenticated
from gateway.app import create_app
from gateway.live import sse
from gateway.settings import Settings

CART = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
MEMBER = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e20"
BUYER = {"member_id": MEMBER, "company": "brighton-gifts", "unit": "shop-one"}
PROTOCOL = Subprotocol("graphql-transport-ws")
PLACEMENTS = "subscription { placementChanged { id status } }"
PLACEMENT = "subscription ($id: ID) { placementChanged(id: $id) { status } }"
ORDERS = "subscription { orderChanged { number status shipments { carrier } } }"
ORDER = 'subscription { orderChanged(number: "T-1000042") { status version } }'
REQUESTS = "subscription { approvalRequestChanged { id status placement { status } } }"


class Live:
    """A served gateway, its bus and its shop."""

    def __init__(self, shop, bus, port, hub=None):
        self.shop = shop
        self.bus = bus
        self.port = port
        self.hub = hub

    async def tell(self, data, subject="x"):
        event = make_event(
            data, event_id=new_id(), subject=subject, sequence=1, time=datetime.now(UTC)
        )
        await self.bus.publish(
            [Outgoing(str(event.id), event.type, event.model_dump_json().encode())]
        )

    async def tell_placement(self, status="placed", company="brighton-gifts", placement=CART):
        buyer = BUYER | {"company": company}
        await self.tell(
            PlacementChanged.model_validate(
                {"placement_id": placement, "status": status, "buyer": buyer}
            )
        )

    @asynccontextmanager
    async def connect(self, token=None, *, header=None, payload=None, init=True):
        url = f"ws://127.0.0.1:{self.port}/b2b/graphql"
        headers = {"Authorization": f"Bearer {header}"} if header else None
        async with connect(
            url, subprotocols=[PROTOCOL], additional_headers=headers, open_timeout=5
        ) as ws:
            client = Client(ws)
            if init:
                if payload is None and header is None:
                    payload = {"authorization": f"Bearer {token or self.shop.token()}"}
                await client.send(type="connection_init", payload=payload or {})
                assert (await client.next())["type"] == "connection_ack"
            yield client

    @asynccontextmanager
    async def stream(self, query, variables=None, *, token=None, **headers):
        headers = {"Accept": "text/event-stream"} | headers
        if token != "":
            headers["Authorization"] = f"Bearer {token or self.shop.token()}"
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5) as client,
            client.stream(
                "POST",
                "/b2b/graphql",
                json={"query": query, "variables": variables},
                headers=headers,
            ) as response,
        ):
            yield response, events_of(response)


@asynccontextmanager
async def closed_port():
    """A port that is taken, where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class Client:
    """One end of a WebSocket that speaks graphql-transport-ws."""

    def __init__(self, ws):
        self.ws = ws

    async def send(self, **message):
        await self.ws.send(orjson.dumps(message).decode())

    async def next(self):
        async with asyncio.timeout(5):
            return orjson.loads(await self.ws.recv())

    async def subscribe(self, query, variables=None, id="1"):
        await self.send(type="subscribe", id=id, payload={"query": query, "variables": variables})

    async def told(self, id="1"):
        message = await self.next()
        assert (message["type"], message["id"]) == ("next", id), message
        return message["payload"]["data"]

    async def closed(self):
        """Code and reason of the close, whatever comes before it."""
        async with asyncio.timeout(5):
            try:
                while True:
                    await self.ws.recv()
            except ConnectionClosed as closed:
                return closed.rcvd and closed.rcvd.code


async def events_of(response):
    kind, lines = None, response.aiter_lines()
    async for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            yield kind, orjson.loads(value) if value.strip() else None
        elif line.startswith(":"):
            yield "comment", value.strip()


async def following(events):
    async with asyncio.timeout(5):
        while (event := await anext(events))[0] == "comment":
            pass
        return event


@pytest.fixture
async def open_live(shop, eventually):
    """Serve a gateway with settings (and a bus) of the test's own."""

    @asynccontextmanager
    async def opening(*, bus=None, **changes):
        bus = bus or DirectBus({})
        urls = {f"{name}_url": url for name, url in shop.urls.items()}
        app = create_app(Settings(**(urls | changes)), bus=bus)
        async with serve_app(app, host="127.0.0.1", port=0, drain_seconds=5) as port:
            (hub,) = {end.__self__ for end in app.state.edge.on_drain}
            if isinstance(bus, DirectBus):
                await eventually(lambda: bus._listeners)
            yield Live(shop, bus, port, hub)

    return opening


@pytest.fixture
async def live(open_live):
    async with open_live() as opened:
        yield opened


def watches_of(live):
    """How many subscriptions there are."""
    return live.hub._many


async def test_websocket_tells_a_change_within_a_moment(live, eventually):
    async with live.connect() as client:
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 1)
        began = asyncio.get_running_loop().time()
        await live.tell_placement()
        assert await client.told() == {
            "placementChanged": {"id": live.shop.placement_id, "status": "AWAITING_APPROVAL"}
        }
        assert asyncio.get_running_loop().time() - began < 1
        read = live.shop.called("orders")[-1]
        assert read.path == f"/v1/placements/{CART}"
        assert read.headers["authorization"].startswith("Bearer ")
        await client.send(type="complete", id="1")
        await eventually(lambda: watches_of(live) == 0)


async def test_events_are_streamed_over_http_too(live, eventually):
    async with live.stream(ORDERS) as (response, events):
        assert response.headers["content-type"].startswith("text/event-stream")
        await eventually(lambda: watches_of(live) == 1)
        shipment = live.shop.member_order["shipments"][0]
        await live.tell(
            OrderShipped.model_validate(
                {
                    "order_id": CART,
                    "number": "T-1000042",
                    "status": "partially_shipped",
                    "buyer": BUYER,
                    "shipment": orders.Shipment.model_validate(shipment),
                }
            )
        )
        kind, body = await following(events)
        assert kind == "next"
        assert body["data"]["orderChanged"] == {
            "number": "T-1000042",
            "status": "PARTIALLY_SHIPPED",
            "shipments": [{"carrier": "Royal Mail"}],
        }
    await eventually(lambda: watches_of(live) == 0)


async def test_approver_is_told_of_requests_with_what_they_are_about(live, eventually):
    async with live.connect(header=live.shop.token()) as client:
        await client.subscribe(REQUESTS)
        await eventually(lambda: watches_of(live) == 1)
        facts = ApprovalFacts.model_validate(live.shop.request, extra="ignore")
        await live.tell(ApprovalRequestDecided(request=facts))
        assert await client.told() == {
            "approvalRequestChanged": {
                "id": live.shop.request_id,
                "status": "PENDING",
                "placement": {"status": "AWAITING_APPROVAL"},
            }
        }


async def test_what_is_subscribed_by_its_name_is_told_as_it_is_first(live, make_wire):
    async with live.connect() as client:
        await client.subscribe(PLACEMENT, {"id": live.shop.placement_id})
        assert await client.told() == {"placementChanged": {"status": "AWAITING_APPROVAL"}}
        await live.tell_placement()  # it is as it was told: nothing to tell
        live.shop.member_placement = make_wire.member_placement("placed")
        await live.tell_placement()
        assert await client.told() == {"placementChanged": {"status": "PLACED"}}


async def test_what_was_missed_is_read_after_a_gap(live, make_wire):
    async with live.connect() as client:
        await client.subscribe(PLACEMENT, {"id": live.shop.placement_id})
        await client.told()
        live.shop.member_placement = make_wire.member_placement("placed")
        live.hub.gap()
        assert await client.told() == {"placementChanged": {"status": "PLACED"}}


async def test_other_companies_changes_are_not_even_read(live, eventually):
    async with live.connect() as client:
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 1)
        await live.tell_placement(company="other-company", placement=str(new_id()))
        await live.tell_placement()
        assert (await client.told())["placementChanged"]["id"] == live.shop.placement_id
        assert len(live.shop.called("orders")) == 1


async def test_what_the_owner_does_not_show_is_not_told(live, eventually):
    async with live.connect() as client:
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 1)
        await live.tell_placement(placement=str(new_id()))
        await live.tell_placement()
        assert (await client.told())["placementChanged"]["id"] == live.shop.placement_id
        assert len(live.shop.called("orders")) == 2


async def test_an_owner_that_was_away_is_asked_again(live, eventually):
    async with live.connect() as client:
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 1)
        live.shop.moods["orders"] = "broken"
        await live.tell_placement()
        await eventually(lambda: live.shop.called("orders"))
        del live.shop.moods["orders"]
        assert (await client.told())["placementChanged"]["id"] == live.shop.placement_id


async def test_taking_access_away_ends_subscriptions(live, eventually):
    async with live.connect() as client, live.stream(ORDERS) as (_, events):
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 2)
        began = asyncio.get_running_loop().time()
        await live.tell(AccessRevoked(valid_after=datetime.now(UTC)), subject=MEMBER)
        assert await client.closed() == 4403
        kind, body = await following(events)
        assert (kind, body["errors"][0]["extensions"]["code"]) == ("next", "access-revoked")
        assert await following(events) == ("complete", None)
        assert asyncio.get_running_loop().time() - began < 1
    await eventually(lambda: watches_of(live) == 0)


async def test_taking_away_another_s_access_ends_nothing(live, eventually):
    async with live.connect() as client:
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 1)
        now = datetime.now(UTC)
        await live.tell(AccessRevoked(valid_after=now), subject=str(new_id()))
        await live.tell(AccessRevoked(valid_after=now - timedelta(minutes=1)), subject=MEMBER)
        await live.tell_placement()
        await client.told()


async def test_revoked_tokens_cannot_connect(live):
    token = live.shop.token()
    await live.tell(AccessRevoked(valid_after=datetime.now(UTC)), subject=MEMBER)
    async with live.connect(init=False) as client:
        await client.send(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert await client.closed() == 4403
    async with live.stream(ORDERS, token=token) as (response, _):
        assert response.status_code == 401


async def test_a_token_that_expires_ends_subscriptions(live):
    token = live.shop.token(seconds=1)
    async with live.connect(token) as client, live.stream(ORDERS, token=token) as (_, events):
        await client.subscribe(PLACEMENTS)
        assert await client.closed() == 4403
        kind, body = await following(events)
        assert (kind, body["errors"][0]["extensions"]["code"]) == ("next", "token-expired")


async def test_an_owner_that_refuses_the_token_ends_the_connection(live, eventually):
    async with live.connect() as client:
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 1)
        live.shop.reads_refuse = Unauthenticated("Taken away.", code="access-revoked")
        await live.tell_placement()
        assert await client.closed() == 4403


@pytest.mark.parametrize("payload", [{}, {"authorization": 5}, {"authorization": "Bearer x"}])
async def test_who_does_not_say_who_they_are_is_refused(live, payload):
    async with live.connect(init=False) as client:
        await client.send(type="connection_init", payload=payload)
        assert await client.closed() == 4403


async def test_who_cannot_be_known_now_is_told_to_come_again(shop):
    async with closed_port() as port:
        urls = {f"{name}_url": url for name, url in shop.urls.items()}
        urls["accounts_url"] = f"http://127.0.0.1:{port}"
        app = create_app(Settings(**urls), bus=DirectBus({}))
        async with serve_app(app, host="127.0.0.1", port=0) as own:
            live = Live(shop, None, own)
            async with live.connect(init=False) as client:
                await client.send(
                    type="connection_init", payload={"authorization": f"Bearer {shop.token()}"}
                )
                assert await client.closed() == 1013


async def test_partners_are_refused(live):
    token = live.shop.signer.sign(subject="erp", audience="tandem", kind="partner", scopes=())
    async with live.connect(init=False) as client:
        await client.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        assert await client.closed() == 4403
    async with live.stream(ORDERS, token=token) as (_, events):
        kind, body = await following(events)
        assert (kind, body["errors"][0]["extensions"]["code"]) == ("next", "member-only")


async def test_a_guest_s_stream_says_so_and_ends(live):
    async with live.stream(ORDERS, token="") as (response, events):
        assert response.status_code == 200
        kind, body = await following(events)
        assert (kind, body["errors"][0]["extensions"]["code"]) == ("next", "token-missing")
        assert "data" not in body
        assert await following(events) == ("complete", None)


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        "5",
        "{}",
        '{"type": 5}',
        '{"type": "nothing"}',
        '{"type": "subscribe", "id": {}, "payload": {"query": "{ store { key } }"}}',
        '{"type": "subscribe", "id": "1", "payload": "x"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "", "variables": []}}',
        '{"type": "complete"}',
    ],
)
async def test_what_is_no_message_closes_the_connection(live, message):
    async with live.connect() as client:
        await client.ws.send(message)
        assert await client.closed() == 4400


async def test_messages_have_a_length(live):
    async with live.connect() as client:
        await client.subscribe("{ store { key } }" + " " * 200_000)
        assert await client.closed() == 1009


async def test_subscribing_before_the_handshake_is_refused(live):
    async with live.connect(init=False) as client:
        await client.subscribe(PLACEMENTS)
        assert await client.closed() == 4401


async def test_who_says_nothing_is_not_waited_for(open_live):
    async with (
        open_live(subscriber_seconds=0.1) as live,
        live.connect(init=False) as client,
    ):
        assert await client.closed() == 4408


async def test_another_protocol_is_refused(live):
    async with connect(f"ws://127.0.0.1:{live.port}/b2b/graphql") as ws:
        assert await Client(ws).closed() == 4406


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "query-not-readable"),
        ("subscription { nothing }", "graphql-invalid"),
        (PLACEMENTS + " query B { store { key } }", "graphql-invalid"),
        ("subscription { placementChanged { id } orderChanged { id } }", "graphql-invalid"),
        ('subscription { placementChanged(id: "x") { id } }', "id-malformed"),
        ("subscription { a: placementChanged {" + " ...F" * 3000 + "} }", "query-too-costly"),
    ],
)
async def test_bad_operations_are_told_and_limits_hold(live, query, code):
    async with live.connect() as client:
        await client.subscribe(query)
        message = await client.next()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == code
        await client.subscribe("{ store { key } }")  # the connection and the id go on
        assert (await client.told())["store"] == {"key": "b2b-eu"}
    async with live.stream(query) as (_, events):
        kind, body = await following(events)
        assert (kind, body["errors"][0]["extensions"]["code"]) == ("next", code)
        assert await following(events) == ("complete", None)


async def test_queries_and_mutations_go_over_a_websocket_too(live):
    async with live.connect() as client:
        await client.subscribe("{ me { memberId } }")
        assert (await client.told())["me"] == {"memberId": live.shop.member_id}
        assert (await client.next())["type"] == "complete"
        query = "mutation ($id: ID!) { cancelPlacement(input: {id: $id}) { placement { id } } }"
        await client.subscribe(query, {"id": live.shop.placement_id}, id="2")
        assert (await client.told("2"))["cancelPlacement"]["placement"]
        await client.send(type="ping")
        assert {(await client.next())["type"] for _ in range(2)} == {"complete", "pong"}


async def test_a_get_streams_but_changes_nothing(live):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{live.port}") as client:
        headers = {
            "Accept": "text/event-stream",
            "Authorization": f"Bearer {live.shop.token()}",
        }
        told = await client.get(
            "/b2b/graphql", params={"query": "{ store { key } }"}, headers=headers
        )
        assert '"key":"b2b-eu"' in told.text
        query = 'mutation { deactivateMember(input: {member: "ada"}) { errors { code } } }'
        told = await client.get("/b2b/graphql", params={"query": query}, headers=headers)
        assert "mutation-by-get" in told.text
    assert live.shop.called("accounts") == []


async def test_a_connection_has_so_many_subscriptions(open_live, eventually):
    async with open_live(max_connection_subscriptions=2) as live, live.connect() as client:
        for id in ("1", "2", "3"):
            await client.subscribe(PLACEMENTS, id=id)
        message = await client.next()
        assert (message["type"], message["id"]) == ("error", "3")
        assert watches_of(live) == 2


async def test_a_process_has_so_many_subscriptions(open_live, eventually):
    async with (
        open_live(max_subscriptions=2) as live,
        live.connect() as client,
        live.connect() as other,
    ):
        await client.subscribe(PLACEMENTS)
        await client.subscribe(PLACEMENTS, id="2")
        await eventually(lambda: watches_of(live) == 2)
        await other.subscribe(PLACEMENTS)
        message = await other.next()
        assert message["payload"][0]["extensions"]["code"] == "subscriptions-full"
        async with live.connect(init=False) as third:
            await third.send(
                type="connection_init", payload={"authorization": f"Bearer {live.shop.token()}"}
            )
            assert await third.closed() == 1013
        async with live.stream(ORDERS) as (response, _):
            assert response.status_code == 503


async def test_who_lets_too_much_pile_up_is_dropped(open_live, eventually):
    async with open_live(subscription_backlog=3) as live, live.connect() as client:
        live.shop.moods["orders"] = "slow"
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 1)
        for _ in range(5):
            await live.tell_placement(placement=str(new_id()))
        assert await client.closed() == 1008
        await eventually(lambda: watches_of(live) == 0)


async def test_who_takes_nothing_is_cut_off(open_live, eventually):
    async with open_live(subscriber_seconds=0.2) as live, live.connect() as client:
        live.shop.member_placement["problem"] = {
            "type": "about:blank",
            "title": "x",
            "status": 409,
            "detail": "x" * 3_000_000,
            "code": "x",
        }
        client.ws.transport.pause_reading()
        for id in "12345678":
            await client.subscribe(
                "subscription ($id: ID) { placementChanged(id: $id) { problem { message } } }",
                {"id": live.shop.placement_id},
                id=id,
            )
        await eventually(lambda: watches_of(live) == 8)
        await eventually(lambda: watches_of(live) == 0, timeout=10)
        client.ws.transport.abort()


async def test_a_stream_that_nobody_reads_is_cut_off(live, eventually, monkeypatch):
    monkeypatch.setattr(sse, "_GRACE_SECONDS", 0.1)
    live.shop.member_placement["problem"] = {
        "type": "about:blank",
        "title": "x",
        "status": 409,
        "detail": "x" * 3_000_000,
        "code": "x",
    }
    names = " ".join(f"{name}: message" for name in "abcdefghijklmn")
    query = f"subscription ($id: ID) {{ placementChanged(id: $id) {{ problem {{ {names} }} }} }}"
    body = orjson.dumps({"query": query, "variables": {"id": live.shop.placement_id}})
    _, writer = await asyncio.open_connection("127.0.0.1", live.port, limit=1000)
    head = (
        "POST /b2b/graphql HTTP/1.1",
        "Host: x",
        "Accept: text/event-stream",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Authorization: Bearer {live.shop.token(seconds=1)}",
    )
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    await eventually(lambda: watches_of(live) == 1)
    await eventually(lambda: watches_of(live) == 0)
    writer.transport.abort()


async def test_a_silent_stream_says_that_it_is_alive(open_live):
    async with open_live(heartbeat_seconds=0.05) as live, live.stream(ORDERS) as (_, events):
        async with asyncio.timeout(5):
            assert (await anext(events))[0] == "comment"


async def test_draining_ends_subscriptions_at_once(open_live, eventually):
    async with open_live() as live:
        client_of, stream_of = live.connect(), live.stream(ORDERS)
        client, (_, events) = await client_of.__aenter__(), await stream_of.__aenter__()
        await client.subscribe(PLACEMENTS)
        await eventually(lambda: watches_of(live) == 2)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 2
    assert await client.closed() == 1001
    with pytest.raises((StopAsyncIteration, httpx.RemoteProtocolError)):
        await following(events)
    await client_of.__aexit__(None, None, None)
    await stream_of.__aexit__(None, None, None)


async def test_a_connection_outlives_its_handshakes_deadline(open_live):
    loop = asyncio.get_running_loop()
    async with open_live(deadline_seconds=0.3) as live, live.connect() as client:
        began = loop.time()
        while loop.time() - began < 0.5:
            await client.subscribe("{ me { memberId } }")
            assert (await client.told())["me"] == {"memberId": live.shop.member_id}
            assert (await client.next())["type"] == "complete"


@pytest.mark.rabbitmq
async def test_changes_come_over_rabbitmq_too(open_live, rabbitmq, eventually, make_wire):
    bus = RabbitBus(rabbitmq, name="gateway")
    try:
        await bus.declare()
        async with open_live(bus=bus) as live, live.connect() as client:
            await client.subscribe(PLACEMENT, {"id": live.shop.placement_id})
            await client.told()
            live.shop.member_placement = make_wire.member_placement("placed")
            await live.tell_placement()
            assert await client.told() == {"placementChanged": {"status": "PLACED"}}
            await live.tell(AccessRevoked(valid_after=datetime.now(UTC)), subject=MEMBER)
            assert await client.closed() == 4403
    finally:
        await bus.close()


async def test_without_a_broker_nothing_can_be_subscribed(shop):
    urls = {f"{name}_url": url for name, url in shop.urls.items()}
    app = create_app(Settings(**urls))
    async with serve_app(app, host="127.0.0.1", port=0) as port:
        live = Live(shop, None, port)
        async with live.stream(ORDERS) as (_, events):
            kind, body = await following(events)
            code = body["errors"][0]["extensions"]["code"]
            assert (kind, code) == ("next", "subscriptions-away")


async def test_d2c_alone_has_no_websocket(shop):
    urls = {f"{name}_url": url for name, url in shop.urls.items()}
    app = create_app(Settings(**urls), schemas=["d2c"])
    async with serve_app(app, host="127.0.0.1", port=0) as port:
        for schema in ("d2c", "b2b"):
            with pytest.raises(InvalidStatus):
                async with connect(f"ws://127.0.0.1:{port}/{schema}/graphql"):
                    pass
