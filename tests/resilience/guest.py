"""A guest at a storefront whose shop may fail at any moment: it tries again, under the same key."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from tandem.demo import queries
from tests.resilience.goods import SKUS, STORE

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.05
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
}
PASSING = frozenset({"database-busy", "idempotency-key-in-use"})


class Guest:
    """One guest's way from an empty cart to an order."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.until = time.monotonic() + PATIENCE_SECONDS
        self.access: dict[str, str] = {}
        self.failures: list[str] = []

    async def buy(self, *, token: str = "tok_ok") -> dict[str, Any]:
        """Fill a cart and place it; the placement in the end, placed or refused."""
        cart = await self.fill_cart()
        return await self.place(cart, token=token)

    async def fill_cart(self) -> dict[str, Any]:
        """A cart that can be ordered, with 2 of the first goods and 3 of the second."""
        one, two = SKUS
        opened = await self.change(queries.OPEN_CART, {"lines": [{"sku": one, "quantity": 2}]})
        self.access = {"cartId": opened["cart"]["id"], "secret": opened["secret"]}
        added = {"lines": [{"sku": two, "quantity": 3}], "idempotencyKey": str(uuid4())}
        await self.change(queries.ADD_LINES, self.access | added)
        address = {"email": "ada@example.com", "deliveryAddress": ADDRESS}
        await self.change(queries.SET_ADDRESS, self.access | address)
        payload = await self.change(queries.SET_DELIVERY, self.access | {"deliveryMethod": STORE})
        cart: dict[str, Any] = payload["cart"]
        assert cart["problems"] == []
        assert {line["sku"]: line["quantity"] for line in cart["lines"]} == {one: 2, two: 3}
        return cart

    async def place(
        self, cart: dict[str, Any], *, token: str = "tok_ok", key: str | None = None
    ) -> dict[str, Any]:
        """Order the cart under one key, until it is placed or refused."""
        wish = {
            **self.access,
            "agreedTotal": cart["totals"]["total"]["gross"],
            "payment": {"method": "test", "token": token},
            "idempotencyKey": key or str(uuid4()),
        }
        payload = await self.change(queries.PLACE, wish, may_be_refused=True)
        placement: dict[str, Any] | None = payload["placement"]
        if placement is None:
            return {"status": "REFUSED", "problem": payload["errors"][0], "order": None}
        while placement["status"] == "PENDING":
            await self.rest("pending")
            data = await self.ask(
                queries.PLACEMENT, id=placement["id"], secret=self.access["secret"]
            )
            placement = data["placement"]
        return placement

    async def change(
        self, document: str, wish: Mapping[str, Any], *, may_be_refused: bool = False
    ) -> dict[str, Any]:
        """Do a mutation; what is said to pass is tried again."""
        while True:
            data = await self.ask(document, input=wish)
            (payload,) = data.values()
            codes = {error["code"] for error in payload["errors"]}
            if not codes or (may_be_refused and not codes & PASSING):
                answer: dict[str, Any] = payload
                return answer
            assert codes <= PASSING, payload["errors"]
            await self.rest(str(codes))

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer; while the shop is away, again."""
        while True:
            failure = "no connection"
            try:
                response = await self.client.post(
                    "/d2c/graphql", json={"query": document, "variables": variables}
                )
            except httpx.TransportError as error:
                failure = type(error).__name__
            else:
                told = response.json()
                errors = told.get("errors") or ()
                if not errors:
                    data: dict[str, Any] = told["data"]
                    return data
                codes = {error["extensions"]["code"] for error in errors}
                assert all(is_passing(code) for code in codes), errors
                failure = str(codes)
            await self.rest(failure)

    async def rest(self, why: str) -> None:
        self.failures.append(why)
        assert time.monotonic() < self.until, f"out of patience: {self.failures[-5:]}"
        await asyncio.sleep(PAUSE_SECONDS)


def is_passing(code: str) -> bool:
    """Whether a failure says of itself that it passes."""
    return code.endswith("-unavailable") or code in PASSING
