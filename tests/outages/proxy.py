"""A door before each service that a test may break: an HTTP proxy of our own.

Every call within the shop goes through it. What breaks is chosen by the trace that a call belongs
to, so that many cases go on side by side, or is the same for all. The faults are in `faults`.
"""

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
LONGEST_HEAD = 64 * 1024
CONTENT_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")
TRACE = re.compile(rb"(?i)\r\ntraceparent: 00-([0-9a-f]{32})-")
CLOSING = re.compile(rb"(?i)\r\nconnection: close(?=\r\n)")

Fault = Callable[["Exchange"], Awaitable[bool]]
"""Answers a request wrongly; whether the connection may be used for another."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: status line and headers, and all of the body."""

    head: bytes
    body: bytes

    @property
    def is_whole(self) -> bool:
        """Whether the body ends where its head says."""
        length = CONTENT_LENGTH.search(self.head)
        if length is None:
            return self.body.endswith(b"0\r\n\r\n") or not self.body
        return len(self.body) == int(length[1])

    def saying(self, body: bytes) -> "Answer":
        """The same with another body."""
        length = b"\r\ncontent-length: %d\r\n" % len(body)
        return Answer(CONTENT_LENGTH.sub(length, self.head), body)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that came in, and the two ways to go on with it."""

    path: str
    trace: str
    request: bytes
    upstream: tuple[str, int]
    writer: asyncio.StreamWriter

    async def ask(self) -> Answer:
        """Let the service do what was asked; on a connection that ends with its answer."""
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            writer.write(self.request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            await writer.drain()
            whole = await reader.read(-1)
        finally:
            writer.close()
        head, _, body = whole.partition(HEAD_END)
        return Answer(CLOSING.sub(b"", head + HEAD_END), body)

    async def say(self, what: bytes) -> None:
        """Send some of an answer."""
        self.writer.write(what)
        await self.writer.drain()

    def reset(self) -> bool:
        """Let the caller's connection break, what was not read yet lost; False, as it is over."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        return False


class Proxy:
    """Before one service. Transparent unless a fault is set, for a trace or for all."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        assert place.hostname
        assert place.port
        self.upstream = (place.hostname, place.port)
        self.fault: Fault | None = None
        self.faults: dict[str, Fault] = {}
        self.url = ""
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen; again on the port it had."""
        port = int(self.url.rpartition(":")[2] or 0)
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", port, limit=LONGEST_HEAD
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def shut(self) -> None:
        """Listen no longer, so that connections are refused, and break those there are."""
        assert self._server
        self._server.close()
        for writer in self._callers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._callers.remove(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection may be used for another."""
        head = await reader.readuntil(HEAD_END)
        length = CONTENT_LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        path = head.split(b" ", 2)[1].decode().partition("?")[0]
        found = TRACE.search(head)
        trace = found[1].decode() if found else ""
        exchange = Exchange(path, trace, head + body, self.upstream, writer)
        fault = self.faults.get(trace, self.fault)
        if fault is not None:
            return await fault(exchange)
        answer = await exchange.ask()
        await exchange.say(answer.head + answer.body)
        return answer.is_whole


class Proxies:
    """The proxies of a shop, on a thread and a loop of their own, which outlive every test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._by_name: dict[str, Proxy] = {}

    def __getitem__(self, name: str) -> Proxy:
        return self._by_name[name]

    def open(self, urls: Mapping[str, str]) -> dict[str, str]:
        """Put one before each service; the addresses that its callers are told."""
        self._thread.start()
        for name, url in urls.items():
            self._by_name[name] = Proxy(url)
            self._do(self._by_name[name].open())
        return {name: proxy.url for name, proxy in self._by_name.items()}

    def close(self) -> None:
        """End all of them."""
        if not self._thread.is_alive():
            return
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @contextmanager
    def shut(self, name: str) -> Iterator[None]:
        """While connections to a service are refused."""
        self._do(self[name].shut())
        try:
            yield
        finally:
            self._do(self[name].open())

    @contextmanager
    def broken(self, name: str, fault: Fault, *, trace: str | None = None) -> Iterator[None]:
        """While a service answers wrongly, to calls of one trace or to all."""
        proxy = self[name]
        if trace is None:
            proxy.fault = fault
        else:
            proxy.faults[trace] = fault
        try:
            yield
        finally:
            if trace is None:
                proxy.fault = None
            else:
                del proxy.faults[trace]

    def _do(self, work: Awaitable[None]) -> None:
        asyncio.run_coroutine_threadsafe(_awaited(work), self._loop).result()

    async def _end(self) -> None:
        for proxy in self._by_name.values():
            await proxy.shut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _awaited(work: Awaitable[None]) -> None:
    await work
