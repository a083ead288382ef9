"""Ids and deadlines: continued when they hold, begun anew when not; logs carry them."""

import asyncio
import json
import time

import pytest

from chassis import logs, tracing

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "rubbish",
        GOOD.upper(),
        GOOD.replace("00-0", "ff-0"),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        GOOD + "-more",
        GOOD + "\n",
    ],
)
def test_a_malformed_traceparent_begins_a_new_trace(header):
    trace = tracing.new_trace(traceparent=header)
    assert trace.trace_id not in (header or "").lower() or header == GOOD.upper()
    assert tracing.new_trace(traceparent=trace.traceparent).trace_id == trace.trace_id


def test_a_good_one_is_continued_by_a_span_of_our_own():
    trace = tracing.new_trace(traceparent=GOOD, request_id="abc")
    assert trace.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trace.span_id != "b7ad6b7169203331"
    assert trace.request_id == "abc"
    assert tracing.new_trace(request_id="no spaces\n").request_id != "no spaces\n"


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1e9", "9" * 40, "١٢"])
def test_a_malformed_deadline_is_the_default(header):
    until = tracing.deadline_of(header, default_seconds=10)
    assert 9 < until - time.time() <= 10


def test_no_deadline_is_farther_than_two_minutes():
    far = tracing.deadline_of(str(int((time.time() + 1e6) * 1000)), default_seconds=10)
    assert far - time.time() <= 120
    assert tracing.deadline_of("1", default_seconds=10) == 0.001


async def test_a_scope_reaches_the_tasks_begun_in_it():
    async def seen():
        await asyncio.sleep(0)
        return tracing.traceparent(), tracing.remaining(otherwise=99)

    with tracing.scope(traceparent=GOOD, seconds=5) as trace:
        inside = await asyncio.create_task(seen())
    assert inside[0] == trace.traceparent
    assert 4 < inside[1] <= 5
    assert await seen() == (None, 99)


async def test_a_request_is_one_line_without_its_query(app_client, capsys):
    await app_client.get("/v1/books?limit=7", headers={"traceparent": GOOD})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["service"] == "shelf"
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["request_id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/books", 200)
    assert "limit" not in json.dumps(line)
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


async def test_health_is_not_logged(app_client, capsys):
    await app_client.get("/livez")
    assert '"path":"/livez"' not in capsys.readouterr().err


async def test_values_of_the_database_stay_out_of_the_logs(app_client, capsys):
    for _ in range(2):
        await app_client.post("/v1/books", json={"key": "somebody", "title": "Private Person"})
    logged = capsys.readouterr().err
    assert "somebody" not in logged
    assert "Private" not in logged
    message = "bad\nDETAIL:  Key (email)=(a@b.c) already exists."
    with pytest.raises(ValueError, match="bad") as raised:
        raise ValueError(message)
    assert "a@b.c" not in logs.describe(raised.value)
