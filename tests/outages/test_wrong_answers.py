"""A neighbour is slow, answers half or rubbish at each step of a guest's way: no request outlives
its deadline, none fails as 500, what can go on goes on, and nothing is half done.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.outages import faults
from tests.outages.market import ROUNDS, STORE, Cart, Market
from tests.outages.proxy import Fault
from tests.outages.steps import GRAPHQL, NEIGHBOURS, REST, Fate, Step, Wish

DEADLINE_SECONDS = 10.0
"""Where the caller names none."""
SHORT_SECONDS = 2.0
"""What the caller names, so that a test need not wait that long."""
AT_ONCE = 12
"""Faults at once: it is about what a neighbour says, not about load."""
SLACK_SECONDS = 5.0
"""For a busy machine; a neighbour is silent for much longer than all of it."""


@dataclass(frozen=True)
class Case:
    """One step while one neighbour has one fault."""

    step: Step
    neighbour: str
    name: str
    fault: Fault

    @property
    def fate(self) -> Fate:
        return self.step.fate(self.neighbour)

    @property
    def seconds(self) -> float:
        """How long the caller waits: short where the fault is that nothing comes."""
        is_cut = self.name in faults.SLOW and self.fate is Fate.AWAY
        return SHORT_SECONDS if is_cut else DEADLINE_SECONDS


def cases_of(step: Step) -> list[Case]:
    """All faults of whom the asked one calls; a few of who stands behind, or is not needed."""
    found = []
    for neighbour in NEIGHBOURS:
        is_behind = "orders" in step.fates and neighbour != "orders"
        is_needed = step.fate(neighbour) is not Fate.SAME
        is_new = is_needed and not is_behind and not step.is_like_another
        wanted = faults.EVERY if is_new or ROUNDS >= 50 else faults.FEW
        if is_needed and not is_behind:
            wanted = wanted | more_of(step, neighbour)
        found += [Case(step, neighbour, name, fault) for name, fault in wanted.items()]
    return found


def more_of(step: Step, neighbour: str) -> dict[str, Fault]:
    """What is wrong with an answer that looks right: orders adds up, the gateway only reads."""
    if step not in GRAPHQL:
        return faults.WELL_SHAPED.get(neighbour, {})
    return faults.OF_OTHERS if neighbour == "pricing" else {}


async def send(market: Market, wish: Wish, trace: str, seconds: float | None) -> httpx.Response:
    headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01", **wish.headers}
    if seconds is not None:
        headers["Tandem-Deadline"] = str(int((time.time() + seconds) * 1000))
    url = market.shop.urls[wish.service] + wish.path
    return await market.client.request(wish.method, url, json=wish.body, headers=headers)


async def prepare(market: Market, step: Step, sku: str) -> Cart:
    """A guest who has come as far as the step needs."""
    if step.of == "goods":
        return Cart(market, "", "", sku=sku)
    if step.of == "cart":
        return await market.open_cart({sku: 1})
    cart = await market.fill({sku: 1})
    if step.of == "order":
        placed = await cart.place()
        cart.number = await cart.ending(placed)
        cart.placing = placed.json()["id"]
    return cart


def judge(answer: httpx.Response, case: Case, fate: Fate) -> str | None:
    """What is wrong with an answer, if anything."""
    for inside in (faults.INSIDE, "Traceback"):
        if inside in answer.text:
            return f"it tells what nobody may know: {answer.text[:300]}"
    said = answer.json() if answer.content else None
    is_right = is_right_graphql if case.step in GRAPHQL else is_right_rest
    if is_right(answer.status_code, said, case, fate):
        return None
    return f"{answer.status_code} {answer.text[:300]}"


def is_right_graphql(status: int, said: Any, case: Case, fate: Fate) -> bool:
    if status != 200 or len(said["data"]) != 1:
        return False
    (value,) = said["data"].values()
    codes = {error["extensions"]["code"] for error in said.get("errors", ())}
    if fate is Fate.AWAY:
        owner = "catalog" if case.neighbour == "catalog" else "orders"
        return value is None and codes == {f"{owner}-unavailable"}
    if value is None or value.get("errors") if isinstance(value, dict) else not value:
        return False
    if case.step.of == "whole cart":
        is_pending: bool = value["placement"]["status"] == "PENDING"
        return not codes and (is_pending or fate is Fate.SAME)
    if fate is Fate.PRICELESS:
        return codes == {"pricing-unavailable"} and prices_of(value) == [None]
    has_prices = case.step.fates.get("pricing") is not Fate.PRICELESS or None not in prices_of(
        value
    )
    return not codes and has_prices


def prices_of(value: Any) -> list[Any]:
    """The prices in a list of products or a product's page."""
    products = value.get("nodes", [value])
    return [variant["price"] for product in products for variant in product["variants"]]


def is_right_rest(status: int, said: Any, case: Case, fate: Fate) -> bool:
    if fate is Fate.AWAY:
        return status == 503 and said["code"] == f"{case.neighbour}-unavailable"
    if fate is Fate.PENDING:
        return status == 202 and said["status"] == "pending"
    return status in (200, 201) or (status == 202 and case.step.of == "whole cart")


async def run(market: Market, case: Case, cart: Cart) -> list[str]:
    """Ask while it is broken and again when it is not; what is wrong."""
    wrong = []
    trace = secrets.token_hex(16)
    seconds = case.seconds
    assert market.proxies
    with market.proxies.broken(case.neighbour, case.fault, trace=trace):
        began = time.monotonic()
        named = None if seconds == DEADLINE_SECONDS else seconds
        answer = await send(market, case.step.wish(cart), trace, named)
        took = time.monotonic() - began
        wrong.append(judge(answer, case, case.fate))
        if took > seconds + SLACK_SECONDS:
            wrong.append(f"it took {took:.1f} s")
    again = await send(market, case.step.wish(cart), secrets.token_hex(16), None)
    if case.step.of == "whole cart":
        number = await cart.ending(await cart.place())
        if not number.startswith("T-"):
            wrong.append(f"it was not placed in the end: {number}")
    else:
        wrong.append(judge(again, case, Fate.SAME))
    if case.step.of == "cart":
        seen = await cart.see()
        if not case.step.leaves(seen):
            wrong.append(f"the cart is not as asked: {seen}")
    return [f"{case.neighbour} {case.name}: {one}" for one in wrong if one is not None]


STEPS = [
    *(pytest.param(step, id=f"graphql {step.name}") for step in GRAPHQL),
    *(pytest.param(step, id=f"rest {step.name}") for step in REST),
]


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_while_a_neighbour_answers_wrongly(market, step):
    sku = await market.sell(stock=1000)
    cases = cases_of(step)
    is_alone = step.of in ("cart", "whole cart")
    carts = await asyncio.gather(
        *(prepare(market, step, sku) for _ in (cases if is_alone else cases[:1]))
    )
    carts = carts if is_alone else carts * len(cases)
    both = zip(cases, carts, strict=True)
    few = asyncio.Semaphore(AT_ONCE)

    async def run_one(case: Case, cart: Cart) -> list[str]:
        async with few:
            return await run(market, case, cart)

    found = await asyncio.gather(*(run_one(case, cart) for case, cart in both))
    wrong = [one for some in found for one in some]
    assert not wrong, "\n".join(wrong)
    if step.of == "whole cart":
        assert await market.sold(sku) == len(cases)


@pytest.mark.parametrize(
    ("neighbour", "name"),
    [
        (neighbour, name)
        for neighbour in ("catalog", "pricing", "orders")
        for name in (faults.EVERY if ROUNDS >= 50 else ("silent",))
    ],
)
async def test_all_is_well_at_once_when_a_neighbour_is(market, neighbour, name):
    """It answered nobody, while the gateway had nothing in its cache."""
    steps = (*GRAPHQL, *REST)
    sku = await market.sell(stock=100)
    carts = await asyncio.gather(*(prepare(market, step, sku) for step in steps))
    cases = [Case(step, neighbour, name, faults.EVERY[name]) for step in steps]
    await asyncio.to_thread(market.shop.stop, "gateway api")
    await asyncio.to_thread(market.shop.start, "gateway api", "gateway", "api", ready="gateway")

    async def ask(case: Case, cart: Cart, seconds: float) -> httpx.Response:
        return await send(market, case.step.wish(cart), secrets.token_hex(16), seconds)

    with market.proxies.broken(neighbour, faults.EVERY[name]):
        began = time.monotonic()
        both = zip(cases, carts, strict=True)
        answers = await asyncio.gather(*(ask(case, cart, SHORT_SECONDS) for case, cart in both))
        assert time.monotonic() - began < SHORT_SECONDS + SLACK_SECONDS
        assert {answer.status_code for answer in answers} <= {200, 201, 202, 503}
        assert not [answer.text for answer in answers if "internal-error" in answer.text]
    both = zip(cases, carts, strict=True)
    again = await asyncio.gather(*(ask(case, cart, DEADLINE_SECONDS) for case, cart in both))
    wrong = [judge(answer, case, Fate.SAME) for answer, case in zip(again, cases, strict=True)]
    assert not any(wrong), wrong
    await market.check()


@pytest.mark.parametrize("name", ["silent", "dripping", "endless"])
async def test_a_service_starts_while_accounts_answers_wrongly(market, name):
    """Nobody's token can be checked then; that is said in time, to many at once, and heals."""
    sku = await market.sell(stock=1)
    path, body = f"/v1/warehouses/{STORE}/stock/{sku}", {"on_hand": 2}
    roles = market.without("orders api")
    with market.proxies.broken("accounts", faults.EVERY[name]):
        async with roles:
            pass
        until = str(int((time.time() + SHORT_SECONDS) * 1000))
        headers = {"Tandem-Deadline": until, **market.partner}
        began = time.monotonic()
        answers = await asyncio.gather(
            *(market.call("orders", "PUT", path, json=body, headers=headers) for _ in range(20))
        )
        assert time.monotonic() - began < SHORT_SECONDS + SLACK_SECONDS
        assert {answer.json()["code"] for answer in answers} == {"token-keys-unavailable"}
        await market.buy({sku: 1})
    answer = await market.call("orders", "PUT", path, json=body, headers=market.partner)
    assert answer.status_code == 200
