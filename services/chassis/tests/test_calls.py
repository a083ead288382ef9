"""Calls to neighbours: retries, deadlines, ids handed on, failures told as what they are."""

import asyncio
import time
from typing import Any

import pytest
from pydantic import BaseModel

from chassis import tracing
from chassis.http import NeighbourUnavailable
from contracts.paging import Page
from contracts.problems import Conflict, Forbidden, Invalid, NotFound, TooMany, Unavailable


class Thing(BaseModel):
    name: str


async def test_a_reply_is_parsed(runtime, neighbour_fake):
    neighbour_fake.on("catalog", "GET", "/v1/things/1", {"name": "x"})
    reply = await runtime.neighbours["catalog"].get("/v1/things/1", params={"a": "b", "c": None})
    assert reply.status == 200
    assert reply.json() == {"name": "x"}
    assert reply.parse(Thing) == Thing(name="x")
    (call,) = neighbour_fake.calls
    assert call.query == {"a": "b"}
    assert call.headers["authorization"].startswith("Bearer ey")


class Strict(BaseModel, extra="forbid"):
    name: str


async def test_a_field_that_we_do_not_know_is_ignored(runtime, neighbour_fake):
    neighbour_fake.on("catalog", "GET", "/v1/things/1", {"name": "x", "new": 1})
    reply = await runtime.neighbours["catalog"].get("/v1/things/1")
    assert reply.parse(Strict) == Strict(name="x")
    assert reply.json(Strict) == {"name": "x", "new": 1}
    with pytest.raises(NeighbourUnavailable):
        reply.json(Page[Strict])


async def test_ids_and_deadline_travel_along(app_client, neighbour_fake):
    neighbour_fake.on("catalog", "GET", "/v1/things", {})
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    until = int((time.time() + 5) * 1000)
    answer = await app_client.get(
        "/v1/ask/things",
        headers={
            "X-Request-Id": "req-1",
            "traceparent": f"00-{trace_id}-b7ad6b7169203331-01",
            "Tandem-Deadline": str(until),
        },
    )
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == "req-1"
    (call,) = neighbour_fake.calls
    assert call.headers["x-request-id"] == "req-1"
    assert call.headers["traceparent"].split("-")[1] == trace_id
    assert call.headers["traceparent"].split("-")[2] != "b7ad6b7169203331"
    assert abs(int(call.headers["tandem-deadline"]) - until) <= 1


@pytest.mark.parametrize(
    "problem",
    [
        Invalid("no", field="/lines/0/sku", code="sku-not-orderable"),
        Conflict("no", code="stock-gone", extra={"left": 3}),
        NotFound("no"),
        Forbidden("no"),
        TooMany("no", headers={"Retry-After": "7"}),
    ],
)
async def test_a_neighbours_problem_keeps_its_kind(runtime, neighbour_fake, problem):
    def refuse(call):
        raise problem

    neighbour_fake.on("pricing", "POST", "/v1/x", refuse)
    with pytest.raises(type(problem)) as raised:
        await runtime.neighbours["pricing"].post("/v1/x", json={})
    told = raised.value
    assert (told.code, told.detail, told.errors) == (problem.code, "no", problem.errors)
    assert told.extra.get("left") == problem.extra.get("left")
    if isinstance(problem, TooMany):
        assert {k.lower(): v for k, v in told.headers.items()} == {"retry-after": "7"}
    assert len(neighbour_fake.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"oops": True}),
        (503, {}),
        (302, {}, {"Location": "http://127.0.0.1:1/"}),
        (404, b"<html>not ours</html>"),
        (401, {}),
        (200, b"no json"),
        (200, b'{"name": "x"}' + b" " * 2000),
        (200, b"\x1f\x8b", {"Content-Encoding": "gzip"}),
        (500, b"packed, but not", {"Content-Encoding": "gzip"}),
    ],
)
async def test_rubbish_means_unavailable(runtime, neighbour_fake, answer, monkeypatch):
    monkeypatch.setattr("chassis.http._LONGEST_ANSWER", 2000)
    neighbour_fake.on("pricing", "POST", "/v1/x", answer)
    with pytest.raises(NeighbourUnavailable) as raised:
        (await runtime.neighbours["pricing"].post("/v1/x", json={})).parse(Thing)
    assert raised.value.code == "pricing-unavailable"
    assert isinstance(raised.value, Unavailable)
    assert len(neighbour_fake.calls) == 1, "a POST without a key is not repeated"


async def test_only_what_may_be_repeated_is_repeated(runtime, neighbour_fake):
    failures: Any = iter([])

    def sometimes(call):
        return next(failures, (200, {"name": "x"}))

    for method in ("GET", "PUT", "DELETE", "POST"):
        neighbour_fake.on("catalog", method, "/v1/x", sometimes)
    catalog = runtime.neighbours["catalog"]
    repeatable = [
        lambda: catalog.get("/v1/x"),
        lambda: catalog.put("/v1/x", json={}),
        lambda: catalog.delete("/v1/x"),
        lambda: catalog.post("/v1/x", json={}, idempotency_key="k"),
        lambda: catalog.post("/v1/x", json={}, is_read=True),
    ]
    for call in repeatable:
        failures = iter([(503, {}), (500, {})])
        neighbour_fake.calls.clear()
        assert (await call()).parse(Thing).name == "x"
        assert len(neighbour_fake.calls) == 3
        keys = {one.headers.get("idempotency-key") for one in neighbour_fake.calls}
        assert keys <= {None, "k"}
        assert len(keys) == 1
    failures = iter([(503, {})])
    neighbour_fake.calls.clear()
    with pytest.raises(NeighbourUnavailable):
        await catalog.post("/v1/x", json={})
    assert len(neighbour_fake.calls) == 1


async def test_broken_connections_are_tried_again_for_reads_only(runtime, neighbour_fake):
    neighbour_fake.on("catalog", "GET", "/v1/x", {})
    neighbour_fake.down.add("catalog")

    async def come_back():
        await asyncio.sleep(0.03)
        neighbour_fake.down.clear()

    back = asyncio.create_task(come_back())
    assert (await runtime.neighbours["catalog"].get("/v1/x")).status == 200
    await back
    neighbour_fake.down.add("catalog")
    with pytest.raises(NeighbourUnavailable):
        await runtime.neighbours["catalog"].post("/v1/x", json={})


async def test_nobody_there(runtime, settings, service):
    from chassis.edge import open_edge

    away = settings.model_copy(update={"pricing_url": "http://127.0.0.1:1"})
    async with open_edge(away) as edge:
        with pytest.raises(NeighbourUnavailable) as raised:
            await edge.neighbours["pricing"].post("/v1/x", json={})
    assert raised.value.headers["Retry-After"] == "1"
    assert "no connection" in raised.value.detail


async def test_what_was_never_sent_may_be_sent_again(settings, unused_tcp_port):
    """A POST without a key, to a neighbour that only comes up between two tries."""
    from aiohttp import web

    from chassis.edge import open_edge

    async def answer(request):
        return web.json_response({"ok": True})

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()

    async def come_up():
        await asyncio.sleep(0.06)
        await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()

    late = settings.model_copy(update={"pricing_url": f"http://127.0.0.1:{unused_tcp_port}"})
    async with open_edge(late) as edge:
        coming = asyncio.create_task(come_up())
        reply = await edge.neighbours["pricing"].post("/v1/x", json={})
        assert reply.json() == {"ok": True}
        await coming
    await runner.cleanup()


async def test_nothing_waits_past_the_deadline(runtime, neighbour_fake):
    async def sleep(call):
        await asyncio.sleep(3)
        return {}

    neighbour_fake.on("catalog", "GET", "/v1/slow", sleep)
    catalog = runtime.neighbours["catalog"]
    with tracing.scope(seconds=0.2), pytest.raises(NeighbourUnavailable):
        await catalog.get("/v1/slow", deadline=time.time() + 60)
    with pytest.raises(NeighbourUnavailable):
        await catalog.get("/v1/slow", deadline=time.time() + 0.2)
    with tracing.scope(seconds=0), pytest.raises(NeighbourUnavailable):
        await catalog.get("/v1/slow")
    assert len(neighbour_fake.calls) == 2


async def test_a_failing_neighbour_is_a_503_of_ours(app_client, neighbour_fake):
    neighbour_fake.on("catalog", "GET", "/v1/things", (500, {}))
    answer = await app_client.get("/v1/ask/things")
    assert answer.status_code == 503
    assert answer.json()["code"] == "catalog-unavailable"


async def test_long_answers_are_read_line_by_line(runtime, neighbour_fake):
    lines = b'{"cursor": "x"}\n' + b"".join(b'{"n": %d}\n' % n for n in range(10_000)) + b"last"
    neighbour_fake.on("catalog", "GET", "/v1/snapshots/things", (200, lines))
    neighbour_fake.on("catalog", "GET", "/v1/snapshots/none", lambda call: (500, {}))
    async with runtime.neighbours["catalog"].stream("/v1/snapshots/things") as stream:
        read = [line async for line in stream]
    assert read[0] == b'{"cursor": "x"}'
    assert len(read) == 10_002
    assert read[-1] == b"last"
    with pytest.raises(NeighbourUnavailable):
        async with runtime.neighbours["catalog"].stream("/v1/snapshots/none"):
            pass
    with pytest.raises(NotFound):
        async with runtime.neighbours["catalog"].stream("/v1/snapshots/unknown"):
            pass


async def test_a_name_stays_one_segment(runtime, neighbour_fake):
    from chassis.http import segment

    names = ["POST 1", "a/b", "a?b#c", "ä\x0f%2F", "%2e%2e"]
    for name in names:
        with pytest.raises(NotFound):
            await runtime.neighbours["catalog"].get(f"/v1/x/{segment(name)}")
    assert [call.path for call in neighbour_fake.calls] == [f"/v1/x/{name}" for name in names]
    for name in (".", ".."):
        with pytest.raises(Invalid):
            segment(name)
