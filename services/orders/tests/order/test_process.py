"""Placing survives a crash at any point, and neighbours that are away, slow or mad."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import process
from chassis.clock import Clock
from chassis.idempotency import Claim
from chassis.process import Step
from contracts.orders import PlaceOrder
from contracts.problems import Invalid
from orders.app import SERVICE
from orders.cart.domain import Opener
from orders.order.process import PLACING, begin_placing


class Crash(BaseException):
    """The process is killed here: nothing that it has in hand is written."""


@pytest.fixture
def begin(shop):
    """Begins to place a guest's cart, as the route does."""

    async def begin_one(guest, *, token="tok_ok"):
        body = PlaceOrder.model_validate(
            {"agreed_total": guest.total, "payment": {"method": "test", "token": token}}
        )
        claim = Claim(scope=uuid4().bytes * 2, fingerprint=b"f")
        return await begin_placing(
            shop.runtime, UUID(guest.cart_id), body, opener=Opener(guest.secret), key=claim
        )

    return begin_one


def points() -> Iterator[tuple[str, str, str, str]]:
    """Every place between two rooms: step, forward or undo, room, before or after it."""
    for step in PLACING.steps:
        for way, rooms in (("do", step), ("undo", step.undo)):
            for room in ("read", "call", "write"):
                if rooms is not None and getattr(rooms, room) is not None:
                    for edge in ("before", "after"):
                        yield step.name, way, room, edge


def crashing(room: Callable[..., Any], edge: str, armed: list[bool]) -> Callable[..., Any]:
    async def crash(*arguments: Any) -> Any:
        if armed and edge == "before":
            armed.clear()
            raise Crash
        result = await room(*arguments)
        if armed:
            armed.clear()
            raise Crash
        return result

    return crash


def arm(shop, point) -> list[bool]:
    """Let the placing crash once at this point."""
    name, way, room, edge = point
    armed = [True]

    def with_crash(step: Step) -> Step:
        if step.name != name:
            return step
        rooms: Any = step if way == "do" else step.undo
        changed: Any = replace(rooms, **{room: crashing(getattr(rooms, room), edge, armed)})
        return changed if way == "do" else replace(step, undo=changed)

    steps = tuple(with_crash(step) for step in PLACING.steps)
    shop.runtime.service = replace(SERVICE, processes=(replace(PLACING, steps=steps),))
    return armed


async def drive(shop, row) -> None:
    try:
        await process.drive(
            shop.runtime, row, until=shop.runtime.clock.now() + timedelta(seconds=10)
        )
    except Crash:
        return


@pytest.mark.parametrize("point", [p for p in points() if p[1] == "do"], ids="-".join)
async def test_a_crash_anywhere_on_the_way_ends_in_one_order(shop, provider, begin, point):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    armed = arm(shop, point)
    row = await begin(guest)
    await drive(shop, row)
    assert not armed, "the crash point was not reached"
    await shop.work()
    assert await shop.scalar("SELECT status FROM processes") == "done"
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    assert list(provider.charged.values()) == [
        await shop.scalar("SELECT total_gross_minor FROM orders")
    ]
    assert (await guest.get()).json()["status"] == "ordered"
    await shop.check()


@pytest.mark.parametrize("point", [p for p in points() if p[1] == "undo"], ids="-".join)
async def test_a_crash_anywhere_on_the_way_back_ends_with_nothing_done(
    shop, provider, begin, point
):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    armed = arm(shop, point)
    row = await begin(guest, token="tok_declined")
    await drive(shop, row)
    assert not armed, "the crash point was not reached"
    await shop.work()
    assert await shop.scalar("SELECT status FROM processes") == "undone"
    assert await shop.scalar("SELECT count(*) FROM orders") == 0
    assert provider.charged == {}
    assert await shop.scalar("SELECT reserved FROM stock_items") == 0
    assert (await guest.get()).json()["status"] == "open"
    await shop.check()


async def test_a_charge_whose_answer_was_lost_is_voided_when_time_runs_out(shop, provider, begin):
    """The provider charged, we crashed before we knew, and then it stayed away too long."""
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    arm(shop, ("pay", "do", "call", "after"))
    row = await begin(guest)
    await drive(shop, row)
    assert len(provider.charged) == 1
    shop.runtime.clock = Later(minutes=16)
    shop.runtime.sessions.configure(info={"clock": shop.runtime.clock})
    await shop.work()
    assert provider.charged == {}
    answer = await shop.client.get(f"/v1/placements/{row.id}", headers=guest.headers)
    assert answer.json()["problem"]["code"] == "placement-overdue"
    assert (await guest.get()).json()["status"] == "open"
    await shop.check()


class Later(Clock):
    """Some time from now."""

    def __init__(self, **time: float) -> None:
        self.ahead = timedelta(**time)

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def settings(settings):
    """A buyer who is kept waiting only briefly."""
    return settings.model_copy(update={"place_wait_seconds": 0.4})


@pytest.mark.parametrize("neighbour", ["pricing", "catalog"])
async def test_a_neighbour_away_makes_it_wait_and_go_on_by_itself(shop, neighbour_fake, neighbour):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    neighbour_fake.down.add(neighbour)
    answer = await guest.place(key="k1")
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "pending"
    assert answer.headers["location"] == f"/v1/placements/{answer.json()['id']}"
    pending = await shop.client.get(answer.headers["location"], headers=guest.headers)
    assert pending.json() == answer.json()
    assert await shop.scalar("SELECT count(*) FROM stock_reservations") == 0
    changed = await guest.put("delivery", {"delivery_method": "standard"})
    assert (changed.status_code, changed.json()["code"]) == (409, "cart-being-placed")
    other = await guest.place(key="k2")
    assert (other.status_code, other.json()["code"]) == (409, "cart-being-placed")
    assert other.json()["placement_id"] == answer.json()["id"]

    neighbour_fake.down.clear()
    await shop.work()
    placed = await shop.client.get(answer.headers["location"], headers=guest.headers)
    assert placed.json()["status"] == "placed"
    again = await guest.place(key="k1")
    assert (again.status_code, again.json()) == (201, placed.json())
    await shop.check()


async def test_a_neighbour_away_until_the_deadline_undoes_all_of_it(shop, neighbour_fake):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    neighbour_fake.down.add("pricing")
    answer = await guest.place(key="k1")
    shop.runtime.clock = Later(minutes=16)
    await shop.work()
    refused = await guest.place(key="k1")
    assert (refused.status_code, refused.json()["code"]) == (409, "placement-overdue")
    told = await shop.client.get(f"/v1/placements/{answer.json()['id']}", headers=guest.headers)
    assert told.json()["status"] == "refused"
    neighbour_fake.down.clear()
    assert (await guest.get()).json()["status"] == "open"
    assert (await guest.place(key="k2")).status_code == 201
    await shop.check()


async def test_a_provider_away_holds_the_stock_until_it_is_back(shop, provider):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    provider.is_away = True
    answer = await guest.place(key="k1")
    assert answer.status_code == 202
    assert await shop.scalar("SELECT reserved FROM stock_items") == 3
    provider.is_away = False
    await shop.work()
    assert (await guest.place(key="k1")).status_code == 201
    await shop.check()


@pytest.mark.parametrize("neighbour", ["pricing", "catalog"])
@pytest.mark.parametrize("answer", [b"rubbish", (500, b""), (200, b"{}"), (404, b"<html>")])
async def test_rubbish_from_a_neighbour_is_never_placed_on(shop, neighbour_fake, neighbour, answer):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    paths = {"pricing": "/v1/prices/resolve", "catalog": "/v1/entitlements/check"}
    healthy = {"pricing": shop.neighbours.resolve, "catalog": shop.neighbours.check}
    neighbour_fake.on(neighbour, "POST", paths[neighbour], answer)
    told = await guest.place(key="k1")
    assert told.status_code in (202, 409), told.text
    assert await shop.scalar("SELECT count(*) FROM orders") == 0
    neighbour_fake.on(neighbour, "POST", paths[neighbour], healthy[neighbour])
    await shop.work()
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    await shop.check()


async def test_a_catalog_that_speaks_of_something_else_is_not_believed(shop, neighbour_fake):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    neighbour_fake.on("catalog", "POST", "/v1/entitlements/check", {"items": []})
    assert (await guest.place()).status_code == 202
    assert await shop.scalar("SELECT count(*) FROM orders") == 0


async def test_a_slow_neighbour_does_not_keep_the_buyer(shop, neighbour_fake):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))

    async def sleep(call):
        await asyncio.sleep(3)
        return shop.neighbours.check(call)

    neighbour_fake.on("catalog", "POST", "/v1/entitlements/check", sleep)
    began = asyncio.get_running_loop().time()
    answer = await guest.place(key="k1")
    assert answer.status_code == 202
    assert asyncio.get_running_loop().time() - began < 2
    neighbour_fake.on("catalog", "POST", "/v1/entitlements/check", shop.neighbours.check)
    await shop.work()
    assert (await guest.place(key="k1")).status_code == 201


async def test_what_pricing_says_while_checking_decides(shop, neighbour_fake):
    def refuse(call):
        raise Invalid("There is no tax rate for GB.", code="country-without-tax")

    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", refuse)
    answer = await guest.place()
    assert (answer.status_code, answer.json()["code"]) == (409, "cart-not-priceable")
    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", shop.neighbours.resolve)
    assert (await guest.get()).json()["status"] == "open"


async def test_two_workers_on_one_placing_place_one_order(shop, provider, begin):
    await shop.sell("71053", on_hand=5)
    guest = await shop.ready(("71053", 3))
    row = await begin(guest)
    until = shop.runtime.clock.now() + timedelta(seconds=10)
    await asyncio.gather(
        process.drive(shop.runtime, row, until=until),
        *(process.drive(shop.runtime, row.id, until=until) for _ in range(3)),
    )
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    assert len(provider.charged) == 1
    await shop.check()
