"""As `test_kill`, for companies: submit, approve, reject, cancel and ship, with SIGKILL at every
failpoint that they pass, on orders, accounts, approvals and the others.

`make test` kills at every eighth point of those that no story before it was killed at; `make soak`
at all of them.
"""

import os
from typing import Any

import pytest

from tests.company import Person
from tests.resilience.company import KEY, PORTAL
from tests.resilience.goods import SKUS
from tests.resilience.killing import Stage, kill, record

EVERY = int(os.environ.get("TANDEM_TEST_KILL_EVERY", "8"))
SMALL, LARGE = 2, 20
"""Pieces of 2.00: an order of 20 is over the buyer's limit of 50.00, with delivery and tax."""


async def enter(stage: Stage, role: str) -> Person:
    """A member of the company, signed in."""
    email = f"{role}@{KEY}.example"
    return await Person(stage.shop, stage.storefront, email, PORTAL).sign_in()


async def wait_for_approval(stage: Stage) -> tuple[Person, Any]:
    """A buyer whose order is over the limit, and its placement."""
    buyer = await enter(stage, "buyer0")
    waiting = await buyer.place(await buyer.fill({SKUS[0]: LARGE}))
    assert waiting["status"] == "awaiting_approval", waiting
    return buyer, waiting


async def submit(stage: Stage) -> int:
    """A buyer orders within their limit."""
    buyer = await enter(stage, "buyer0")
    placed = await buyer.place(await buyer.fill({SKUS[0]: SMALL}))
    assert placed["status"] == "placed", placed
    return 1


async def approve(stage: Stage) -> int:
    """An approver approves what is over the limit."""
    buyer, waiting = await wait_for_approval(stage)
    decided = await (await enter(stage, "approver")).decide(waiting, "approve")
    assert decided.status_code == 200, decided.text
    placed = await buyer.follow(await buyer.look(waiting), past="awaiting_approval")
    assert placed["status"] == "placed", placed
    return 1


async def reject(stage: Stage) -> int:
    """An approver rejects it: everything held is given back."""
    buyer, waiting = await wait_for_approval(stage)
    decided = await (await enter(stage, "approver")).decide(waiting, "reject")
    assert decided.status_code == 200, decided.text
    refused = await buyer.follow(await buyer.look(waiting), past="awaiting_approval")
    assert (refused["status"], refused["problem"]["code"]) == ("refused", "order-rejected")
    return 0


async def cancel(stage: Stage) -> int:
    """The buyer thinks better of it while somebody decides."""
    buyer, waiting = await wait_for_approval(stage)
    cancelled = await buyer.cancel(waiting)
    assert cancelled.status_code in (200, 202), cancelled.text
    refused = await buyer.follow(await buyer.look(waiting), past="awaiting_approval")
    assert (refused["status"], refused["problem"]["code"]) == ("refused", "placement-cancelled")
    return 0


async def ship(stage: Stage) -> int:
    """A WMS ships an order in two parcels."""
    buyer = await enter(stage, "buyer0")
    placed = await buyer.place(await buyer.fill({SKUS[0]: SMALL}))
    number = placed["order"]["number"]
    part = {"lines": [{"sku": SKUS[0], "quantity": 1}]}
    for body, status in ((part, "partially_shipped"), ({}, "shipped")):
        path = f"/v1/orders/{number}/shipments"
        key = f"{number}-{status}"
        shipped = await stage.partner.insist("POST", "orders", path, body, key=key)
        assert shipped["status"] == status
    return 1


@pytest.mark.parametrize("story", [submit, approve, reject, cancel, ship])
async def test_a_companys_story_survives_a_kill_at_every_failpoint(stage, subtests, story):
    points = await record(stage, story)
    assert points
    for name, point in points[::EVERY]:
        with subtests.test(f"{name} at {point}"):
            await kill(stage, story, name, point)
