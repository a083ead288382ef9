"""A market: a whole shop on servers of its own, which may be stopped at any time, and its buyers.

What holds in the end is read from the databases by `tandem.verify`, which trusts no service.
"""

import asyncio
import os
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tandem import postgres, rabbitmq
from tandem.verify import verify
from tests.outages.proxy import Proxies
from tests.shop import Shop

ROUNDS = int(os.environ.get("TANDEM_TEST_ROUNDS", "5"))
"""How often a race is run; from 50 on, everything that there is to try is tried."""
STORE = "market"
HEAL_SECONDS = 60.0
"""How long anything may take to be right again by itself."""
PATIENCE_SECONDS = 60.0
"""How long a buyer goes on trying."""
PAUSE_SECONDS = 0.05
PRICE = {"amount": "10.00", "currency": "GBP"}
DELIVERY = {"amount": "5.00", "currency": "GBP"}
PAYMENT = {"method": "test", "token": "tok_ok"}
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}

Ask = Callable[..., Awaitable[Any]]


async def until(holds: Callable[[], Any]) -> None:
    """Wait until it does; whoever waits sets the limit."""
    while True:
        holding = holds()
        if await holding if isawaitable(holding) else holding:
            return
        await asyncio.sleep(PAUSE_SECONDS)


@dataclass
class Servers:
    """PostgreSQL and RabbitMQ, started and stopped on one thread that outlives every test.

    A server ends with the thread that started it, and a test must go on while they start.
    """

    folder: Path
    hands: Executor
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _database: postgres.Postgres | None = None
    _broker: rabbitmq.RabbitMQ | None = None
    _port: int | None = None

    @property
    def database(self) -> postgres.Postgres:
        assert self._database is not None
        return self._database

    @property
    def broker(self) -> rabbitmq.RabbitMQ:
        assert self._broker is not None
        return self._broker

    def start_database(self) -> None:
        """Start it, on the same port as before: nothing that was committed may be missing."""
        self._database = postgres.start(self.folder / "postgres", password=self.password)

    def start_broker(self) -> None:
        """Start it, on the same port as before."""
        broker = rabbitmq.start(self.folder / "rabbitmq", password=self.password, port=self._port)
        self._broker = broker
        self._port = int(broker.url.rpartition(":")[2].rstrip("/"))

    def kill_database(self) -> None:
        """End it as a crash does: no session is told, recovery is left to the next start."""
        assert self.database.child is not None
        self.database.child.process.kill()
        self.database.child.process.wait()

    def kill_broker(self) -> None:
        """End it as a crash does, and its epmd, which would keep the node's name."""
        for child in self.broker.children:
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()

    async def administer(self, statement: str, *values: Any) -> None:
        """Say something to PostgreSQL as its superuser."""
        connection = await asyncpg.connect(self.database.url)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    def stop(self) -> None:
        """End both."""
        for server in (self._broker, self._database):
            if server is not None:
                server.stop()

    async def do(self, work: Callable[[], None]) -> None:
        """Start or stop something while others go on."""
        await asyncio.get_running_loop().run_in_executor(self.hands, work)


@dataclass
class Market:
    """A shop, its servers, and what a test needs of both."""

    shop: Shop
    servers: Servers
    client: httpx.AsyncClient
    proxies: Proxies | None = None
    """Before its services; a shop in one process has none."""
    partner: dict[str, str] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    """How often a 503 was answered, by its code."""
    may_be_gone: bool = False
    """Whether nobody may be there to answer, for a process was killed."""

    async def call(self, service: str, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask once. A failure of ours must be a 503 that says so as a problem."""
        answer = await self.client.request(method, self.shop.urls[service] + path, **request)
        if answer.status_code >= 500:
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            self.refusals[answer.json()["code"]] += 1
        return answer

    async def insist(self, service: str, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask the same again until it is neither a 503 nor still being worked on."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    answer = await self.call(service, method, path, **request)
                except httpx.TransportError:
                    if not self.may_be_gone:
                        raise
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                is_busy = answer.status_code == 409 and answer.json()["code"] in _BUSY
                if answer.status_code != 503 and not is_busy:
                    return answer
                await asyncio.sleep(PAUSE_SECONDS)

    async def put(self, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """Write something as the partner."""
        answer = await self.insist(service, "PUT", path, json=body, headers=self.partner)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def sign_in(self) -> None:
        """The partner's token."""
        answer = await self.client.post(
            f"{self.shop.urls['accounts']}/v1/tokens",
            data={"grant_type": "client_credentials"},
            auth=(self.shop.credentials.client_id, self.shop.credentials.client_secret),
        )
        assert answer.status_code == 200, answer.text
        self.partner = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def open(self) -> None:
        """The store with its prices, warehouse and delivery; nothing to sell yet."""
        places = {"currencies": ["GBP"], "locales": ["en"], "countries": ["GB"]}
        store = {"name": {"en": "Market"}, "audience": "d2c", "tax_display": "gross"}
        listed = {"name": "Market", "currency": "GBP", "stores": [STORE], "is_tax_included": True}
        rate = {"country": "GB", "tax_class": "standard", "rate": "0.2", "name": "VAT 20 %"}
        method = {"name": {"en": "Cart"}, "stores": [STORE], "countries": ["GB"], "price": DELIVERY}
        await self.put("catalog", f"/v1/stores/{STORE}", store | places)
        await self.put("pricing", f"/v1/price-lists/{STORE}", listed)
        await self.put("pricing", "/v1/tax-rates/gb", rate)
        await self.put("orders", f"/v1/warehouses/{STORE}", {"name": "Market", "country": "GB"})
        await self.put("orders", f"/v1/delivery-methods/{STORE}", method)

    async def sell(self, stock: int) -> str:
        """Put new goods on sale, so that every service knows them; their SKU."""
        sku = await self.write_goods(stock)
        body = {"store": STORE, "lines": [{"sku": sku, "quantity": 1}]}

        async def is_on_sale() -> bool:
            answer = await self.client.post(f"{self.shop.urls['orders']}/v1/carts", json=body)
            return answer.status_code == 201 and bool(answer.json()["cart"]["lines"][0]["total"])

        async with asyncio.timeout(HEAL_SECONDS):
            await until(is_on_sale)
        return sku

    async def write_goods(self, stock: int) -> str:
        """Publish, price and count new goods; their SKU."""
        sku = f"m-{uuid4().hex}"
        await self.name(sku, "Goods")
        tiers = {"tiers": [{"amount": PRICE["amount"]}]}
        await self.put("pricing", f"/v1/price-lists/{STORE}/prices/{sku}", tiers)
        await self.count(sku, stock)
        return sku

    async def name(self, sku: str, name: str) -> None:
        """Write the product of a SKU."""
        body = {"name": {"en": name}, "variants": [{"sku": sku}], "is_published": True}
        await self.put("catalog", f"/v1/products/{sku}", body)

    async def count(self, sku: str, on_hand: int) -> None:
        """Write what is on hand of a SKU."""
        await self.put("orders", f"/v1/warehouses/{STORE}/stock/{sku}", {"on_hand": on_hand})

    async def fill(self, wish: Mapping[str, int]) -> "Cart":
        """A cart that could be placed: goods, address, delivery."""
        cart = await self.open_cart(wish)
        address = {"email": "ada@example.com", "delivery_address": ADDRESS}
        await cart.change("PUT", "/address", address)
        shown = await cart.change("PUT", "/delivery", {"delivery_method": STORE})
        assert shown["problems"] == []
        cart.total = shown["totals"]["total"]["gross"]
        return cart

    async def open_cart(self, wish: Mapping[str, int]) -> "Cart":
        """A cart with goods in it."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wish.items()]
        body = {"store": STORE, "lines": lines}
        answer = await self.insist("orders", "POST", "/v1/carts", json=body)
        assert answer.status_code == 201, answer.text
        cart, secret = answer.json()["cart"], answer.json()["secret"]
        line = cart["lines"][0]
        return Cart(self, cart["id"], secret, sku=line["sku"], line=line["id"])

    async def buy(self, wish: Mapping[str, int]) -> str:
        """A whole order; its number."""
        cart = await self.fill(wish)
        number = await cart.ending(await cart.place())
        assert number.startswith("T-")
        return number

    async def sold(self, sku: str) -> int:
        """How many pieces are in orders."""
        lines = "SELECT coalesce(sum(quantity), 0) FROM order_lines WHERE sku = $1"
        return int((await self.rows("orders", lines, sku))[0][0])

    @asynccontextmanager
    async def without(self, name: str) -> AsyncIterator[None]:
        """While a process is stopped; it is ready again afterwards."""
        assert self.proxies
        service, role = name.split(" ")
        await asyncio.to_thread(self.shop.stop, name)
        try:
            with self.proxies.shut(service):
                yield
        finally:
            await asyncio.to_thread(self.shop.start, name, service, role, ready=service)

    async def rows(self, service: str, statement: str, *values: Any) -> list[Any]:
        """Ask a service's database."""
        return await self.shop.rows(service, statement, *values)

    async def has_told_all(self, service: str) -> bool:
        """Whether no event of a service is still to be published."""
        return not await self.rows(service, UNSENT)

    async def check(self, *, numbers: Iterable[str] = ()) -> None:
        """Everything comes to rest and is right; these orders are there, each once.

        No event may have been given up, but what nobody could read.
        """
        databases = {
            name.removeprefix("database:"): url
            for name, url in self.shop.urls.items()
            if name.startswith("database:")
        }
        report = await verify(databases, settle=HEAL_SECONDS)
        assert (report.findings, report.moving) == ((), ())
        assert all("(unreadable of nothing)" in letter for letter in report.dead_letters)
        told = list(numbers)
        assert len(set(told)) == len(told)
        kept = {f"T-{row[0]}" for row in await self.rows("orders", "SELECT serial FROM orders")}
        assert set(told) <= kept


@dataclass
class Cart:
    """A guest's cart and what opens it."""

    market: Market
    id: str
    secret: str
    total: dict[str, str] = field(default_factory=dict)
    sku: str = ""
    line: str = ""
    placing: str = ""
    number: str = ""
    key: str = field(default_factory=lambda: uuid4().hex)

    async def change(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Change it; the cart as it is then."""
        headers = {"Tandem-Cart-Secret": self.secret}
        path = f"/v1/carts/{self.id}{path}"
        answer = await self.market.insist("orders", method, path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def submit(self, key: str | None = None, **headers: str) -> httpx.Response:
        """Place it, asking once."""
        return await self._place(self.market.call, {"Idempotency-Key": key or self.key} | headers)

    async def place(self) -> httpx.Response:
        """Place it, asking the same until there is an answer."""
        return await self._place(self.market.insist, {"Idempotency-Key": self.key})

    async def _place(self, ask: Ask, headers: dict[str, str]) -> httpx.Response:
        headers = {"Tandem-Cart-Secret": self.secret, **headers}
        body = {"agreed_total": self.total, "payment": PAYMENT}
        path = f"/v1/carts/{self.id}/place"
        answer: httpx.Response = await ask("orders", "POST", path, json=body, headers=headers)
        return answer

    async def ending(self, placed: httpx.Response) -> str:
        """The order's number, waiting for it where the answer was a 202, or why there is none."""
        if placed.status_code == 409:
            refused: str = placed.json()["code"]
            return refused
        assert placed.status_code in (201, 202), placed.text
        placement = placed.json()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while placement["status"] == "pending":
                await asyncio.sleep(PAUSE_SECONDS)
                placement = await self._read(f"/v1/placements/{placement['id']}")
        said = placement["order"] or placement["problem"]
        ending: str = said["number"] if placement["status"] == "placed" else said["code"]
        return ending

    async def see(self) -> Any:
        """The cart as it is now."""
        return await self._read(f"/v1/carts/{self.id}")

    async def add(self, sku: str, quantity: int) -> None:
        """More of a SKU."""
        lines = {"lines": [{"sku": sku, "quantity": quantity}]}
        await self.change("POST", "/lines", lines)

    async def set_quantity(self, quantity: int) -> httpx.Response:
        """Change the first line, asking once."""
        return await self.ask("PUT", f"/lines/{self.line}", {"quantity": quantity})

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Ask something of it once."""
        headers = {"Tandem-Cart-Secret": self.secret}
        path = f"/v1/carts/{self.id}{path}"
        return await self.market.call("orders", method, path, json=body, headers=headers)

    async def _read(self, path: str) -> Any:
        headers = {"Tandem-Cart-Secret": self.secret}
        answer = await self.market.insist("orders", "GET", path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


_BUSY = frozenset({"idempotency-key-in-use"})

UNSENT = "SELECT event_id FROM outbox WHERE published_at IS NULL"
SENT = "SELECT event_id FROM outbox WHERE type = ANY($1)"
