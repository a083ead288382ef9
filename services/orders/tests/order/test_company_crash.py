"""Placing a member's order survives a crash at any point: placed, or nothing is held."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import process
from chassis.idempotency import Claim
from chassis.process import Step
from contracts.orders import PlaceOrder
from orders.app import SERVICE
from orders.cart.domain import Opener
from orders.order.process import COMPANY_PLACING, begin_placing


class Crash(BaseException):
    """The process is killed here: nothing that it has in hand is written."""


Point = tuple[str, str, str, str]


def find_points(way: str) -> Iterator[Point]:
    """Every place between two rooms: step, forward or undo, room, before or after it."""
    for step in COMPANY_PLACING.steps:
        rooms = step if way == "do" else step.undo
        for room in ("read", "call", "write"):
            if rooms is not None and getattr(rooms, room) is not None:
                yield step.name, way, room, "before"
                yield step.name, way, room, "after"


FORWARD, BACK = list(find_points("do")), list(find_points("undo"))


def arm(shop: Any, point: Point) -> list[bool]:
    """Let the placing crash once at this point."""
    name, way, room, edge = point
    armed = [True]

    def crashing(inner: Callable[..., Any]) -> Callable[..., Any]:
        async def crash(*arguments: Any) -> Any:
            if armed and edge == "before":
                armed.clear()
                raise Crash
            result = await inner(*arguments)
            if armed:
                armed.clear()
                raise Crash
            return result

        return crash

    def with_crash(step: Step) -> Step:
        if step.name != name:
            return step
        rooms: Any = step if way == "do" else step.undo
        changed: Any = replace(rooms, **{room: crashing(getattr(rooms, room))})
        return changed if way == "do" else replace(step, undo=changed)

    steps = tuple(with_crash(step) for step in COMPANY_PLACING.steps)
    placing = replace(COMPANY_PLACING, steps=steps)
    shop.runtime.service = replace(SERVICE, processes=(placing,))
    return armed


async def begin(shop: Any, member: Any, *, token: str) -> Any:
    """As the route does."""
    body = PlaceOrder.model_validate(
        {"agreed_total": member.total, "payment": {"method": "test", "token": token}}
    )
    claim = Claim(scope=uuid4().bytes * 2, fingerprint=b"f")
    opener = Opener(profile=member.profile)
    cart_id = UUID(member.cart["id"])
    return await begin_placing(shop.runtime, cart_id, body, opener=opener, key=claim)


async def drive(shop: Any, row: Any) -> None:
    try:
        until = shop.runtime.clock.now() + timedelta(seconds=3)
        await process.drive(shop.runtime, row, until=until)
    except Crash:
        return


async def go_on(shop: Any, company: Any, decision: str) -> None:
    """A worker takes it up; where somebody must decide they do; the worker ends it."""
    placement_id = await shop.scalar("SELECT id FROM processes")
    await take_up(shop, placement_id)
    if any(one.status == "pending" for one in company.approvals.requests.values()):
        await company.tell(company.approvals.decide(decision))
        await take_up(shop, placement_id)
    await shop.work()


async def take_up(shop: Any, placement_id: UUID) -> None:
    """The lease of who crashed is over, and a worker goes on as far as it can."""
    async with shop.runtime.sessions() as session:
        await process.resume(session, placement_id, now=shop.runtime.clock.now())
        row = await session.get(process.ProcessRow, placement_id)
        row.lease_until = None
        await session.commit()
    await drive(shop, placement_id)


@pytest.fixture
async def member(shop, company):
    """Somebody whose order of 110.00 has to be approved."""
    await shop.sell("71053", price="20.00", on_hand=10)
    return await company.member(limit="50.00").fill(("71053", 5))


@pytest.mark.parametrize("point", FORWARD, ids="-".join)
async def test_a_crash_on_the_way_ends_in_one_order(shop, company, provider, member, point):
    armed = arm(shop, point)
    await drive(shop, await begin(shop, member, token="tok_ok"))
    await go_on(shop, company, "approved")
    assert not armed, "the crash point was not reached"
    assert await shop.scalar("SELECT status FROM processes") == "done"
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    assert list(provider.charged.values()) == [11_000]
    assert [hold.outcome for hold in company.accounts.holds.values()] == ["settled"]
    assert (await company.told())[-1][0] == "placed"
    await shop.check()


@pytest.mark.parametrize("point", BACK, ids="-".join)
async def test_a_crash_on_the_way_back_leaves_nothing_held(shop, company, provider, member, point):
    armed = arm(shop, point)
    await drive(shop, await begin(shop, member, token="tok_declined"))
    await go_on(shop, company, "approved")
    assert not armed, "the crash point was not reached"
    assert await shop.scalar("SELECT status FROM processes") == "undone"
    assert provider.charged == {}
    assert [status for status, _ in await company.told()] == ["awaiting_approval", "refused"]
    await company.check_nothing_held(member)


@pytest.mark.parametrize("point", FORWARD, ids="-".join)
async def test_a_cancel_after_a_crash_gives_everything_back(shop, company, provider, member, point):
    """Or comes too late, and there is an order."""
    arm(shop, point)
    row = await begin(shop, member, token="tok_ok")
    await drive(shop, row)
    answer = await member.cancel(str(row.id))
    await shop.work() if answer.status_code != 409 else await go_on(shop, company, "approved")
    if answer.status_code == 409:
        assert await shop.scalar("SELECT count(*) FROM orders") == 1
        await shop.check()
    else:
        assert provider.charged == {}
        await company.check_nothing_held(member)


async def test_two_workers_on_one_placing_place_one_order(shop, company, provider, member):
    row = await begin(shop, member, token="tok_ok")
    await drive(shop, row)
    await company.tell(company.approvals.decide("approved"))
    await asyncio.gather(*(drive(shop, row.id) for _ in range(4)))
    await shop.work()
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    assert len(provider.charged) == 1
    await shop.check()
