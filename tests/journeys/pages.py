"""Pages that tell what to send and what comes back, read so that a test can do what they say.

A block ```graphql is a query of a guest; ```graphql b2b BUYER_TOKEN is one at the portal for
companies, by who has that token (by nobody without it), and a subscription among these is one whose
first message is the answer. A block ```http is a request to a service: its first line has method
and address, its headers follow, then an empty line and the body. The ```json block behind each is
its answer, with the status beside it where that is none of 2xx; ```json variables before a query
holds its variables.

In an answer, a word in capitals such as `CART_ID` stands for whatever comes there; from then on it
means that. A string "..." stands for anything, an entry "..." of an object for more entries.
"""

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tandem.demo.merchant import Merchant, new_company
from tandem.demo_data.partner import open_partner
from tandem.settings import PARTS, LocalSettings
from tests.shop import Shop

BLOCK = re.compile(r"^```(graphql|http|json)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
MORE = "..."
SECONDS = 30
PORTS: dict[str, int] = {
    name: LocalSettings.model_fields[f"{name}_port"].default for name in ("gateway", *PARTS)
}
"""Where `make run` has each service, and pages say so."""


@dataclass
class Step:
    """What a page says to send, and what it says comes back."""

    kind: str
    sent: str
    schema: str = "d2c"
    token: str | None = None
    variables: str = "{}"
    answer: str | None = None
    status: int | None = None

    @property
    def only_reads(self) -> bool:
        """Whether it may be sent again and changes nothing."""
        return self.sent.split(maxsplit=1)[0] in ("{", "query", "subscription", "GET")


@dataclass
class Reader:
    """Somebody who follows a page, and remembers what the names stand for."""

    known: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        return NAME.sub(lambda name: self.known.get(name[0], name[0]), text)

    def compare(self, told: Any, came: Any, where: str = "") -> None:
        """Fails where what came is not what the page tells."""
        if told == MORE:
            return
        if isinstance(told, dict):
            assert isinstance(came, dict), where
            if MORE in told:
                came = {name: came.get(name) for name in told}
            assert list(came) == list(told), where
            for name, value in told.items():
                self.compare(value, came[name], f"{where}/{name}")
        elif isinstance(told, list):
            assert isinstance(came, list), where
            assert len(came) == len(told), where
            for index, value in enumerate(told):
                self.compare(value, came[index], f"{where}/{index}")
        elif isinstance(told, str) and NAME.fullmatch(told) and told not in self.known:
            self.known[told] = str(came)
        else:
            filled = self.fill(told) if isinstance(told, str) else told
            assert came == filled, where

    def follow(self, shop: Shop, step: Step, where: str) -> None:
        """Do what a step says, and fail where what comes is not what it tells.

        What only reads is asked again for a while: a page says what comes of something, which may
        take a moment.
        """
        assert step.answer is not None, f"{where}: something without its answer"
        told = json.loads(step.answer)
        give_up_at = time.monotonic() + (SECONDS if step.only_reads else 0)
        before = dict(self.known)
        while True:
            try:
                status, came = self.send(shop, step)
                expected = step.status or (status if 200 <= status < 300 else 200)
                assert status == expected, (where, came)
                self.compare(told, came, where=where)
                return
            except AssertionError:
                if time.monotonic() >= give_up_at:
                    raise
                self.known = dict(before)
                time.sleep(0.05)

    def send(self, shop: Shop, step: Step) -> tuple[int, Any]:
        """Do what a step says: the status and the answer."""
        if step.kind == "http":
            return send_http(shop, self.fill(step.sent))
        document, variables = self.fill(step.sent), json.loads(self.fill(step.variables))
        token = None if step.token is None else self.known[step.token]
        if document.lstrip().startswith("subscription"):
            assert token is not None
            first = first_of_stream(shop, document, variables, token)
            assert first_of_socket(shop, document, variables, token) == first
            return 200, first
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return 200, shop.query(document, variables, schema=step.schema, **headers)


def steps_of(text: str) -> Iterator[Step]:
    """The steps of a page, in their order."""
    variables = "{}"
    step: Step | None = None
    for kind, info, body in BLOCK.findall(text):
        words = info.split()
        if kind != "json":
            if step:
                yield step
            schema, token = [*words, "", ""][:2]
            step = Step(kind, body, schema or "d2c", token or None, variables)
            variables = "{}"
        elif words == ["variables"]:
            variables = body
        elif step and step.answer is None:
            step.answer = body
            step.status = int(words[0]) if words else None
    if step:
        yield step


def meet(shop: Shop) -> Reader:
    """A reader with a company of their own, and a partner's token."""
    company = new_company()
    asyncio.run(_found(shop, company))
    basic = f"{shop.credentials.client_id}:{shop.credentials.client_secret}"
    return Reader(
        {
            "BUYER_EMAIL": company.email("buyer"),
            "APPROVER_EMAIL": company.email("approver"),
            "ADMIN_EMAIL": company.email("admin"),
            "THE_PASSWORD": company.password,
            "COMPANY_KEY": company.key,
            "CLIENT_ID": basic.partition(":")[0],
            "CLIENT_SECRET": basic.partition(":")[2],
        }
    )


async def _found(shop: Shop, company: Any) -> None:
    async with open_partner(shop.urls, shop.credentials) as partner:
        await Merchant(partner).found(company)


def send_http(shop: Shop, text: str) -> tuple[int, Any]:
    """Send a request as it stands in a page, to where that service is in this shop."""
    head, _, body = text.partition("\n\n")
    first, *lines = head.splitlines()
    method, url = first.split()
    here = {f"http://127.0.0.1:{PORTS[name]}": shop.urls[name] for name in PORTS}
    address = url[: url.index("/", len("http://"))]
    request = urllib.request.Request(
        here[address] + url.removeprefix(address),
        data=body.strip().encode() or None,
        headers=dict(line.split(": ", 1) for line in lines),
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def first_of_stream(shop: Shop, document: str, variables: Any, token: str) -> Any:
    """The first message of a subscription as server-sent events."""
    request = urllib.request.Request(
        f"{shop.urls['gateway']}/b2b/graphql",
        data=json.dumps({"query": document, "variables": variables}).encode(),
        headers={
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Authorization": f"Bearer {token}",
        },
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        for line in response:
            name, _, value = line.decode().partition(":")
            if name == "data":
                return json.loads(value)
    raise AssertionError("The stream ended without a message.")


def first_of_socket(shop: Shop, document: str, variables: Any, token: str) -> Any:
    """The first message of a subscription over a WebSocket."""
    url = f"ws{shop.urls['gateway'].removeprefix('http')}/b2b/graphql"
    with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        who = {"authorization": f"Bearer {token}"}
        socket.send(json.dumps({"type": "connection_init", "payload": who}))
        assert json.loads(socket.recv(SECONDS))["type"] == "connection_ack"
        asked = {"query": document, "variables": variables}
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
        message = json.loads(socket.recv(SECONDS))
        assert (message["type"], message["id"]) == ("next", "1"), message
        return message["payload"]
