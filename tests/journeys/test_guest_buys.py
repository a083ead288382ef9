"""A guest buys over separate processes and a real RabbitMQ, and everybody learns of it."""

import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rich.console import Console

from tandem.demo import play
from tandem.demo_data import load


@pytest.fixture
async def partner(shop) -> AsyncIterator[httpx.AsyncClient]:
    """A partner's system, its token in hand."""
    async with httpx.AsyncClient(timeout=20) as client:
        answer = await client.post(
            f"{shop.urls['accounts']}/v1/tokens",
            data={"grant_type": "client_credentials"},
            auth=(shop.credentials.client_id, shop.credentials.client_secret),
        )
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


async def play_demo(shop) -> str:
    return await play(shop.urls["gateway"], Console(file=io.StringIO()))


async def read_feed(shop, partner: httpx.AsyncClient, service: str) -> list[dict[str, Any]]:
    """The whole change feed of a service."""
    events: list[dict[str, Any]] = []
    after = None
    while True:
        page = await partner.get(
            f"{shop.urls[service]}/v1/changes",
            params={"limit": 200} | ({"after": after} if after else {}),
        )
        assert page.status_code == 200, page.text
        events += page.json()["items"]
        after = page.json()["next"]
        if not page.json()["items"]:
            return events


async def test_the_demo_plays_again_and_again(shop):
    numbers = [await play_demo(shop) for _ in range(3)]
    assert len(set(numbers)) == 3


async def test_an_order_is_told_in_the_feed_without_who_bought(shop, partner, eventually):
    number = await play_demo(shop)

    async def placed() -> dict[str, Any] | None:
        events = await read_feed(shop, partner, "orders")
        told = [event for event in events if event["data"].get("number") == number]
        assert len(told) <= 1
        return told[0] if told else None

    event = await eventually(placed, timeout=10)
    assert event["type"] == "tandem.orders.order.placed.v1"
    order = await partner.get(f"{shop.urls['orders']}/v1/orders/{number}")
    assert order.status_code == 200
    assert event["data"]["order_id"] == order.json()["id"]
    assert event["data"]["total"] == order.json()["totals"]["total"]
    assert order.json()["email"] not in str(event)
    assert order.json()["delivery_address"]["line1"] not in str(event)


async def test_snapshot_and_feed_agree_on_stock(shop, partner, eventually):
    await play_demo(shop)

    async def agree() -> bool:
        latest: dict[str, tuple[int, int]] = {}
        for event in await read_feed(shop, partner, "orders"):
            if event["type"] != "tandem.orders.stock.changed.v1":
                continue
            for item in event["data"]["items"]:
                assert latest.get(item["sku"], (-1, 0))[0] < item["sequence"]
                latest[item["sku"]] = (item["sequence"], item["available"])
        lines = (await partner.get(f"{shop.urls['orders']}/v1/snapshots/stock")).text.splitlines()
        snapshot = [httpx.Response(200, text=line).json() for line in lines]
        assert "cursor" in snapshot[0]
        held = {item["sku"]: (item["sequence"], item["available"]) for item in snapshot[1:]}
        assert held == latest
        return True

    await eventually(agree, timeout=10)


async def test_loading_the_demo_again_changes_nothing(shop):
    loaded = await load(shop.urls, shop.credentials)
    assert {name: outcome.changed for name, outcome in loaded.outcomes.items()} == dict.fromkeys(
        loaded.outcomes, 0
    )
