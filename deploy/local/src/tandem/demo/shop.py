"""A storefront's view of the shop: its d2c GraphQL, and what can go wrong with it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from chassis.http import create_client
from tandem.errors import NotRunnable

STORE = "d2c-uk"
TIMEOUT_S = 30.0


class ShopNotReachable(NotRunnable):
    """No shop answers at the address."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"No shop answers at {url}. Start one with `make run` in another terminal, "
            "or name its address with TANDEM_GATEWAY_URL."
        )


class DemoFailed(NotRunnable):
    """The shop did not do what a guest may expect."""


def expect(holds: bool, otherwise: str) -> None:
    """Raise DemoFailed unless something is as it should be."""
    if not holds:
        raise DemoFailed(otherwise)


class Shop:
    """The d2c GraphQL of a gateway."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self._client = client

    async def ask(self, document: str, **variables: Any) -> Any:
        """The data of an answer. Raises DemoFailed for any error of the request."""
        try:
            response = await self._client.post(
                "/d2c/graphql",
                json={"query": document, "variables": variables},
                headers={"Tandem-Store": STORE, "Accept-Language": "en"},
                timeout=TIMEOUT_S,
            )
            answer: dict[str, Any] = dict(response.json())
        except httpx.TransportError as problem:
            raise ShopNotReachable(self.url) from problem
        except (ValueError, TypeError) as problem:
            raise DemoFailed(
                f"{self.url} answered {response.status_code}, and no JSON: is it Tandem's gateway?"
            ) from problem
        for error in answer.get("errors") or ():
            code = (error.get("extensions") or {}).get("code", "no code")
            raise DemoFailed(f"The shop answered: {error['message']} ({code})")
        return answer["data"]

    async def change(self, document: str, **wish: Any) -> Any:
        """The payload of the document's one mutation. Raises DemoFailed for its user errors."""
        ((name, payload),) = (await self.ask(document, input=wish)).items()
        for error in payload["errors"]:
            raise DemoFailed(f"{name} was refused: {error['message']} ({error['code']})")
        return payload


@asynccontextmanager
async def open_shop(url: str) -> AsyncIterator[Shop]:
    """A client for the shop."""
    async with create_client(url) as client:
        yield Shop(url, client)


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
