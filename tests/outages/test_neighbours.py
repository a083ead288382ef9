"""A neighbour is away at each step of a guest's way: what can go on goes on, the rest says so."""

import asyncio
from typing import Any

from tests.outages.market import ADDRESS, STORE, Market

PRODUCTS = """
query Products($key: String!) {
  product(by: {key: $key}) { name variants { sku price { unitPrice { amount } } } }
}
"""


async def look(market: Market, sku: str) -> tuple[Any, list[str]]:
    """The page of a product in the storefront, and the codes of what could not be told."""
    headers = {"Tandem-Store": STORE}
    answer = await asyncio.to_thread(market.shop.query, PRODUCTS, {"key": sku}, **headers)
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    return answer["data"]["product"] if answer.get("data") else None, codes


async def can_look(market: Market, sku: str) -> bool:
    product, codes = await look(market, sku)
    if product is None or codes:
        return False
    return bool(product["variants"][0]["price"])


async def test_catalog_is_away(market, eventually):
    sku = await market.sell(stock=10)
    ready = await market.fill({sku: 1})
    async with market.without("catalog all"):
        assert await look(market, sku) == (None, ["catalog-unavailable"])
        filled = await market.fill({sku: 1})
        await filled.add(sku, 1)
        await filled.set_quantity(1)
        await market.count(sku, 20)
        placed = [await ready.submit(), await filled.submit()]
        assert [answer.status_code for answer in placed] == [202, 202]
    assert market.refusals == {}
    numbers = [await ready.ending(placed[0]), await filled.ending(placed[1])]
    await eventually(lambda: can_look(market, sku), timeout=30)
    await market.check(numbers=numbers)


async def test_pricing_is_away(market, eventually):
    sku = await market.sell(stock=10)
    ready, changed = await market.fill({sku: 1}), await market.fill({sku: 1})
    async with market.without("pricing api"):
        product, codes = await look(market, sku)
        assert product["variants"] == [{"sku": sku, "price": None}]
        assert codes == ["pricing-unavailable"]
        body = {"store": STORE, "lines": [{"sku": sku, "quantity": 1}]}
        assert (await market.call("orders", "POST", "/v1/carts", json=body)).status_code == 503
        steps = (
            ("PUT", f"/lines/{changed.line}", {"quantity": 5}),
            ("POST", "/lines", {"lines": [{"sku": sku, "quantity": 4}]}),
            ("DELETE", f"/lines/{changed.line}", None),
            ("PUT", "/address", {"email": "b@example.com", "delivery_address": ADDRESS}),
            ("PUT", "/delivery", {"delivery_method": STORE}),
            ("GET", "", None),
        )
        for method, path, said in steps:
            assert (await changed.ask(method, path, said)).status_code == 503, (method, path)
        assert set(market.refusals) == {"pricing-unavailable"}
        placed = await ready.submit()
        assert placed.status_code == 202
    numbers = [await ready.ending(placed)]
    await eventually(lambda: can_look(market, sku), timeout=30)
    assert (await changed.see())["lines"][0]["quantity"] == 1
    numbers.append(await changed.ending(await changed.place()))
    await market.check(numbers=numbers)


async def test_accounts_and_approvals_are_away(market):
    sku = await market.sell(stock=10)
    async with market.without("accounts all"), market.without("approvals all"):
        assert await can_look(market, sku)
        number = await market.buy({sku: 1})
        await market.count(sku, 20)
        other = await market.sell(stock=1)
    assert market.refusals == {}
    await market.sign_in()
    numbers = [number, await market.buy({other: 1})]
    await market.check(numbers=numbers)
