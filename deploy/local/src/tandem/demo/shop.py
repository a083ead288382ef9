"""A frontend's view of the shop: its GraphQL, and what can go wrong with it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from chassis.http import create_client
from tandem.errors import NotRunnable

STORE = "d2c-uk"
PORTAL = "b2b-eu"
TIMEOUT_S = 30.0


class ShopNotReachable(NotRunnable):
    """No shop answers at the address."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"No shop answers at {url}. Start one with `make run` in another terminal, "
            "or name its address with TANDEM_GATEWAY_URL."
        )


class DemoFailed(NotRunnable):
    """The shop did not do what whoever buys may expect."""


def expect(holds: bool, otherwise: str) -> None:
    """Raise DemoFailed unless something is as it should be."""
    if not holds:
        raise DemoFailed(otherwise)


class Shop:
    """A GraphQL endpoint of a gateway, asked about one store by a guest or by who signed in."""

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient,
        *,
        path: str = "/d2c/graphql",
        store: str = STORE,
        token: str | None = None,
    ) -> None:
        self.url = url
        self.path = path
        self.store = store
        self.token = token
        self._client = client

    def signed_in(self, token: str) -> "Shop":
        """The same for who has this token."""
        return Shop(self.url, self._client, path=self.path, store=self.store, token=token)

    @property
    def headers(self) -> dict[str, str]:
        """Which store, in which language, and who asks."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Tandem-Store": self.store, "Accept-Language": "en", **bearer}

    async def send(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors included: of GraphQL, or the problem of a token that does not
        hold. Raises ShopNotReachable, DemoFailed.
        """
        try:
            response = await self._client.post(
                self.path,
                json={"query": document, "variables": variables},
                headers=self.headers,
                timeout=TIMEOUT_S,
            )
            return dict(response.json())
        except httpx.TransportError as problem:
            raise ShopNotReachable(self.url) from problem
        except (ValueError, TypeError) as problem:
            raise DemoFailed(
                f"{self.url} answered {response.status_code}, and no JSON: is it Tandem's gateway?"
            ) from problem

    async def ask(self, document: str, **variables: Any) -> Any:
        """The data of an answer. Raises DemoFailed for any error of the request."""
        answer = await self.send(document, **variables)
        for code, message in problems_of(answer):
            raise DemoFailed(f"The shop answered: {message} ({code})")
        return answer["data"]

    async def change(self, document: str, **wish: Any) -> Any:
        """The payload of the document's one mutation. Raises DemoFailed for its user errors."""
        ((name, payload),) = (await self.ask(document, input=wish)).items()
        for error in payload["errors"]:
            raise DemoFailed(f"{name} was refused: {error['message']} ({error['code']})")
        return payload

    async def try_to(self, document: str, **wish: Any) -> Any:
        """The payload of a mutation that may be refused, user errors included."""
        ((_, payload),) = (await self.ask(document, input=wish)).items()
        return payload

    def stream(self, document: str) -> AbstractAsyncContextManager[httpx.Response]:
        """A subscription as server-sent events, for as long as it is read."""
        return self._client.stream(
            "POST",
            self.path,
            json={"query": document},
            headers={**self.headers, "Accept": "text/event-stream"},
            timeout=httpx.Timeout(TIMEOUT_S, read=None),
        )


def problems_of(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Code and message of each error of a request, or of the problem that is its answer."""
    if "data" not in answer and "detail" in answer:
        return [(str(answer.get("code", "no code")), str(answer["detail"]))]
    return [
        (str((error.get("extensions") or {}).get("code", "no code")), str(error["message"]))
        for error in answer.get("errors") or ()
    ]


@asynccontextmanager
async def open_shop(url: str) -> AsyncIterator[Shop]:
    """A client for the storefront of guests."""
    async with create_client(url) as client:
        yield Shop(url, client)


@asynccontextmanager
async def open_portal(url: str) -> AsyncIterator[Shop]:
    """A client for the portal of companies, with nobody signed in."""
    async with create_client(url) as client:
        yield Shop(url, client, path="/b2b/graphql", store=PORTAL)


@dataclass(frozen=True)
class Article:
    """What a guest sees of a product in a list."""

    key: str
    name: str
    sku: str
    price: Decimal
    currency: str
    available: int

    @classmethod
    def read(cls, product: Mapping[str, Any]) -> "Article | None":
        """The article, if it can be bought."""
        (variant, *_) = product["variants"]
        if variant["price"] is None or not variant["availability"]["isInStock"]:
            return None
        price = variant["price"]["unitPrice"]
        return cls(
            key=product["key"],
            name=product["name"],
            sku=variant["sku"],
            price=Decimal(price["amount"]),
            currency=price["currency"],
            available=variant["availability"]["available"],
        )
