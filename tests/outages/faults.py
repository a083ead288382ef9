"""How a neighbour may answer wrongly: slowly, half, or rubbish. Each is a fault for a proxy."""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable
from typing import Any

from tests.outages.proxy import Answer, Exchange, Fault

SILENCE_SECONDS = 30.0
DRIP_SECONDS = 0.2
INSIDE = "inside-of-a-neighbour"
"""Stands in rubbish; nobody outside may ever read it."""
PLAIN = b"<!doctype html><title>It works</title><p>" + INSIDE.encode()
CRASH = f"Traceback (most recent call last):\n  File {INSIDE!r}\nKeyError: 'x'\n".encode()


async def be_silent(exchange: Exchange) -> bool:
    """Take the request and say nothing."""
    await asyncio.sleep(SILENCE_SECONDS)
    return exchange.reset()


async def do_and_be_silent(exchange: Exchange) -> bool:
    """Do what was asked and say nothing."""
    await exchange.ask()
    return await be_silent(exchange)


async def drip(exchange: Exchange) -> bool:
    """Do what was asked and tell it a byte at a time."""
    answer = await exchange.ask()
    await exchange.say(answer.head)
    return await trickle(exchange, answer.body)


async def drip_head(exchange: Exchange) -> bool:
    """As `drip`, from the status line on."""
    return await trickle(exchange, (await exchange.ask()).head)


async def trickle(exchange: Exchange, what: bytes) -> bool:
    for place in range(len(what)):
        await exchange.say(what[place : place + 1])
        await asyncio.sleep(DRIP_SECONDS)
    return False


async def say_half(exchange: Exchange) -> bool:
    """Do what was asked, tell half of it and close."""
    answer = await exchange.ask()
    await exchange.say(answer.head + answer.body[: len(answer.body) // 2])
    return False


async def say_half_and_break(exchange: Exchange) -> bool:
    """Do what was asked, tell half of it and break the connection."""
    await say_half(exchange)
    return exchange.reset()


async def do_and_break(exchange: Exchange) -> bool:
    """Do what was asked and break the connection."""
    await exchange.ask()
    return exchange.reset()


async def break_off(exchange: Exchange) -> bool:
    """Break the connection at once."""
    return exchange.reset()


async def never_end(exchange: Exchange) -> bool:
    """An array of zeros that goes on and on."""
    await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        await exchange.say(b"0," * 32_000)


async def never_begin(exchange: Exchange) -> bool:
    """Headers that go on and on."""
    await exchange.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await exchange.say(b"X-More: " + b"0" * 1000 + b"\r\n")


async def talk_nonsense(exchange: Exchange) -> bool:
    """Something that is no HTTP."""
    await exchange.say(b"\x16\x03\x01 220 smtp ready\r\n\x00\xff")
    return False


class Hold:
    """Does what was asked, and tells it only when it is let go; the first time in each trace."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.over = threading.Event()

    async def __call__(self, exchange: Exchange) -> bool:
        answer = await exchange.ask()
        if exchange.trace not in self.held:
            self.held.add(exchange.trace)
            await asyncio.to_thread(self.over.wait)
        await exchange.say(answer.head + answer.body)
        return True


def say(status: str, media_type: str, body: bytes, *headers: str) -> Fault:
    """The same answer to everything, with nothing done."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, *headers, "", ""]).encode()

    async def fault(exchange: Exchange) -> bool:
        await exchange.say(head + body)
        return True

    return fault


def tell(change: Callable[[Answer], Answer]) -> Fault:
    """Do what was asked and tell something else."""

    async def fault(exchange: Exchange) -> bool:
        answer = change(await exchange.ask())
        await exchange.say(answer.head + answer.body)
        return True

    return fault


def twist(change: Callable[[Any], Any]) -> Fault:
    """Do what was asked and tell other JSON."""
    return tell(
        lambda answer: answer.saying(json.dumps(change(json.loads(answer.body or b"0"))).encode())
    )


def each_leaf(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Every value that is neither an object nor a list becomes another."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(one) for name, one in value.items()}
        if isinstance(value, list):
            return [changed(one) for one in value]
        return change(value)

    return changed


def about_others(said: Any) -> Any:
    """Lines and SKUs that nobody asked about."""
    for line in [*said.get("lines", ()), *said.get("items", ())]:
        line["ref"] = line["sku"] = "other"
    return said


def not_adding_up(said: Any) -> Any:
    """A total that is not the sum of its lines."""
    for part in ("net", "tax", "gross"):
        said["total"][part]["amount"] = "0.01"
    return said


JSON = "application/json"
SLOW: dict[str, Fault] = {
    "silent": be_silent,
    "done, then silent": do_and_be_silent,
    "dripping": drip,
    "dripping from the status on": drip_head,
}
"""These take as long as they are allowed to."""
HALF: dict[str, Fault] = {
    "half, then closed": say_half,
    "half, then broken": say_half_and_break,
    "done, then broken": do_and_break,
    "broken": break_off,
}
RUBBISH: dict[str, Fault] = {
    "endless": never_end,
    "endless headers": never_begin,
    "no HTTP": talk_nonsense,
    "a page": say("200 OK", "text/html", PLAIN),
    "a page as JSON": say("200 OK", JSON, PLAIN),
    "a page that says 404": say("404 Not Found", "text/html", PLAIN),
    "a page that says 403": say("403 Forbidden", "text/html", PLAIN),
    "a redirect": say("302 Found", JSON, b"{}", "Location: http://127.0.0.1:1/"),
    "nothing": say("204 No Content", JSON, b""),
    "a crash": say("500 Internal Server Error", "text/plain", CRASH),
    "a crash as JSON": say("500 Oops", JSON, json.dumps({"detail": CRASH.decode()}).encode()),
    "a crash as a problem": say(
        "500 Oops",
        "application/problem+json",
        json.dumps(
            {"type": "/x", "title": "x", "status": 500, "detail": CRASH.decode(), "code": INSIDE}
        ).encode(),
    ),
    "a refusal that is no problem": say("409 Conflict", JSON, b'{"status": 409}'),
    "our token refused": say("401 Unauthorized", JSON, b"{}"),
    "packed, but not": say("200 OK", JSON, b'{"a": 1}', "Content-Encoding: gzip"),
    "packed": say("200 OK", JSON, gzip.compress(b"[]"), "Content-Encoding: gzip"),
    "null": say("200 OK", JSON, b"null"),
    "an array": say("200 OK", JSON, b"[]"),
    "an object": say("200 OK", JSON, b"{}"),
    "a number": say("200 OK", JSON, b"7"),
    "text": say("200 OK", JSON, f'"{INSIDE}"'.encode()),
    "not in UTF-8": say("200 OK", JSON, b'{"items": "\xff\xfe"}'),
    "half of the JSON": tell(lambda answer: answer.saying(answer.body[: len(answer.body) // 2])),
    "hollow": twist(each_leaf(lambda _: None)),
    "of other types": twist(each_leaf(lambda _: {INSIDE: True})),
    "of other names": twist(lambda said: {f"x_{name}": one for name, one in said.items()}),
}
EVERY = SLOW | HALF | RUBBISH
FEW = {name: EVERY[name] for name in ("silent", "half, then closed", "a page", "of other types")}
OF_OTHERS: dict[str, Fault] = {"about other lines": twist(about_others)}
OF_SUMS: dict[str, Fault] = {"not adding up": twist(not_adding_up)}
WELL_SHAPED: dict[str, dict[str, Fault]] = {
    "catalog": OF_OTHERS,
    "pricing": OF_OTHERS | OF_SUMS,
    "testpay": {
        "about another payment": twist(lambda said: said | {"reference": "other"}),
        "of another amount": twist(
            lambda said: said | {"amount": {"amount": "0.01", "currency": "GBP"}}
        ),
    },
}
"""By service, what is wrong with an answer to orders that looks right."""
