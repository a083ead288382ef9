"""NDJSON in, one result a line out, whatever is on the lines and however they arrive."""

import asyncio
import json

import httpx
import pytest
from sqlalchemy import text

from chassis.bulk import read_lines

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def writer(make_token):
    return {"Authorization": f"Bearer {make_token(scopes=('shelf:write',))}", **NDJSON}


async def count_books(session):
    return (await session.execute(text("SELECT count(*) FROM books"))).scalar_one()


def lines(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def book(number, **more):
    return json.dumps({"key": f"k{number}", "title": f"T{number}", **more}).encode()


async def test_one_bad_line_among_thousands(app_client, writer, session):
    body = [book(n) for n in range(1, 3001)]
    body[1499] = b'{"key": "k1500", "title": 7}'
    answer = await app_client.post("/v1/books/bulk", content=b"\n".join(body), headers=writer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    results = lines(answer)
    assert [result["line"] for result in results] == list(range(1, 3001))
    bad = results.pop(1499)
    assert bad["outcome"] == "refused"
    assert bad["key"] == "k1500"
    assert bad["errors"][0]["pointer"] == "/title"
    assert {result["outcome"] for result in results} == {"created"}
    assert await count_books(session) == 2999
    again = lines(await app_client.post("/v1/books/bulk", content=b"\n".join(body), headers=writer))
    assert {result["outcome"] for result in again} == {"unchanged", "refused"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "line-not-json"),
        (b"\xff", "line-not-json"),
        (b'{"key": "a", "title": "A\\u0000"}', "character-not-allowed"),
        (b'{"key": "a", "title": "\\ud800"}', "character-not-allowed"),
        (b'{"key": "a", "title": "A", "pages": 99999999999999999999}', "number-too-large"),
        (b'{"key": "a", "title": "A", "colour": "red"}', "extra-forbidden"),
        (b"7", "model-type"),
        (b'{"key": "a", "title": "' + b"x" * 300_000 + b'"}', "line-too-long"),
        (b'{"key": "a", "title": "full"}', "shelf-full"),
        (b'{"key": "a", "title": "only-one"}', "concurrent-change"),
    ],
)
async def test_a_bad_line_is_refused_alone(app_client, writer, session, line, code):
    body = [book(1), line, b"", b"   ", book(2), book(1, pages=3)]
    if code == "concurrent-change":
        body[0] = b'{"key": "k1", "title": "only-one"}'
    answer = await app_client.post("/v1/books/bulk", content=b"\r\n".join(body), headers=writer)
    results = {result["line"]: result for result in lines(answer)}
    assert sorted(results) == [1, 2, 5, 6]
    assert results[2]["outcome"] == "refused"
    assert [error["code"] for error in results[2]["errors"]] == [code]
    assert [results[n]["outcome"] for n in (1, 5, 6)] == ["created", "created", "updated"]
    assert await count_books(session) == 2


async def test_a_dry_run_changes_nothing(app_client, writer, session):
    answer = await app_client.post(
        "/v1/books/bulk?dry_run=true", content=book(1) + b"\n" + book(2), headers=writer
    )
    assert [result["outcome"] for result in lines(answer)] == ["created", "created"]
    assert await count_books(session) == 0


async def test_only_ndjson_is_read(app_client, writer):
    answer = await app_client.post(
        "/v1/books/bulk", content=book(1), headers={**writer, "Content-Type": "application/json"}
    )
    assert answer.status_code == 415
    assert (await app_client.post("/v1/books/bulk", content=b"", headers=writer)).text == ""
    assert (
        await app_client.post("/v1/books/bulk", content=book(1), headers=NDJSON)
    ).status_code == 401


def unchunked(answer):
    """The body of an answer in chunks."""
    _, _, rest = answer.partition(b"\r\n\r\n")
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body


async def test_a_caller_who_sends_everything_first_is_not_blocked(served, writer, session):
    """More results than sockets and buffers hold, for a client that reads none before the end."""
    number = 60_000
    body = b"\n".join(b'{"key": "BAD KEY %d"}' % n for n in range(number))
    reader, sender = await asyncio.open_connection("127.0.0.1", int(served.rpartition(":")[2]))
    head = "".join(f"{name}: {value}\r\n" for name, value in writer.items())
    sender.write(
        f"POST /v1/books/bulk HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
    )
    async with asyncio.timeout(60):
        for start in range(0, len(body), 65536):
            sender.write(body[start : start + 65536])
            await sender.drain()
        answer = await reader.read()
    sender.close()
    await sender.wait_closed()
    assert answer.startswith(b"HTTP/1.1 200")
    assert unchunked(answer).count(b'"outcome":"refused"') == number


async def test_a_caller_who_reads_along_sees_results_early(served, writer):
    sent = 0
    first_result_at = 0

    async def body():
        nonlocal sent
        for n in range(6):
            sent += 1
            yield b"\n".join(book(n * 1000 + m) for m in range(1000)) + b"\n"
            await asyncio.sleep(0.1)

    from chassis.http import create_client

    async with (
        create_client(served) as client,
        client.stream("POST", "/v1/books/bulk", content=body(), headers=writer) as answer,
    ):
        total = 0
        async for line in answer.aiter_lines():
            first_result_at = first_result_at or sent
            total += bool(line)
    assert total == 6000
    assert first_result_at < 6


async def test_a_caller_who_goes_away_leaves_whole_batches(served, writer, session, eventually):
    async def body():
        yield b"\n".join(book(n) for n in range(700)) + b"\n"
        await asyncio.sleep(0.3)
        raise RuntimeError("gone")

    async with httpx.AsyncClient() as client:
        with pytest.raises(RuntimeError):
            await client.post(f"{served}/v1/books/bulk", content=body(), headers=writer)

    async def settled():
        await session.rollback()
        return await count_books(session) == 500

    await eventually(settled)


async def test_lines_are_cut_at_their_ends_only():
    async def chunks():
        for part in (b"on", b"e\ntwo\n\nthr", b"ee", b"x" * 10, b"y\nend"):
            yield part

    found = [line async for line in read_lines(chunks(), longest=8)]
    assert found == [b"one", b"two", b"", None, b"end"]
