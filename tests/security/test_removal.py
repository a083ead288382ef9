"""Access that was taken away ends at every door and on every stream, by the broadcast and long
before the token does. That it takes no second, the demo measures: a busy machine is no reason to
fail here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.security.doors import DOORS, knock, listening
from tests.security.people import PASSWORD, Side
from tests.security.shop import Ask
from tests.security.world import World

SOON_SECONDS = 10.0
"""A sixtieth of a token's life: only the broadcast, or the copy of a profile, ends it so soon."""
Change = Callable[[World, Side], Awaitable[Any]]


async def put_leaver(world: World, side: Side, **more: Any) -> Any:
    """Write the member who leaves."""
    return await world.put_member(side, "leaver", **more)


async def by_partner(world: World, side: Side) -> None:
    await put_leaver(world, side, is_active=False)


async def by_admin(world: World, side: Side) -> None:
    path = f"/v1/companies/{side.company}/members/{side.name('leaver')}"
    headers = side.headers("admin")
    body = {
        "email": f"leaver@{side.company}.example",
        "name": "Leaver",
        "unit": side.name("shop"),
        "roles": ["buyer"],
        "is_active": False,
    }
    await world.shop.call("accounts", "PUT", path, body, headers=headers)


async def by_graph(world: World, side: Side) -> None:
    document = "mutation ($input: DeactivateMemberInput!) { deactivateMember(input: $input) {"
    body = {
        "query": document + " errors { code } } }",
        "variables": {"input": {"member": side.name("leaver")}},
    }
    ask = Ask("gateway", "POST", "/b2b/graphql", body)
    answer = await world.shop.ask(ask, side.headers("admin"))
    assert answer.body["data"]["deactivateMember"]["errors"] == [], answer


async def by_new_password(world: World, side: Side) -> None:
    await put_leaver(world, side, password=f"{PASSWORD}-{world.new('new')}")


async def by_company(world: World, side: Side) -> None:
    body = {
        "name": f"{side.company.title()} Gifts",
        "country": "GB",
        "currency": "EUR",
        "is_active": False,
    }
    await world.put("accounts", f"/v1/companies/{side.company}", body)


CHANGES = {
    "a partner": by_partner,
    "an admin": by_admin,
    "an admin by GraphQL": by_graph,
    "a new password": by_new_password,
    "the company's end": by_company,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_access_ends_everywhere(world: World, change: Change):
    side = world.people.theirs
    world.shop.do(end_access(world, side, change))
    if change is by_company:
        world.shop.do(reopen(world, side))


async def end_access(world: World, side: Side, change: Change) -> None:
    """Let somebody in everywhere, take that away, and see all of it end in time."""
    await put_leaver(world, side, password=PASSWORD)
    token = await world.people.sign_in(f"leaver@{side.company}.example")
    assert {await knock(world, ask, token) for ask in DOORS.values()} == {"ok"}
    async with listening(world, token) as told:
        await change(world, side)
        ends = asyncio.gather(*(until_refused(world, ask, token) for ask in DOORS.values()))
        async with asyncio.timeout(SOON_SECONDS):
            told_by_streams = {await told.get(), await told.get()}
            codes = set(await ends)
    assert told_by_streams <= {"closed 4403", "ended", "access-revoked"}, told_by_streams
    assert codes == {"access-revoked"}


async def until_refused(world: World, ask: Ask, token: str) -> str:
    """The code by which a door stays shut."""
    while (code := await knock(world, ask, token)) == "ok":  # noqa: ASYNC110 (others tell it)
        await asyncio.sleep(0.01)
    return code


async def reopen(world: World, side: Side) -> None:
    """Give the company back, and let its people sign in again."""
    body = {"name": f"{side.company.title()} Gifts", "country": "GB", "currency": "EUR"}
    await world.put("accounts", f"/v1/companies/{side.company}", body)
    for role in ("buyer", "approver", "admin"):
        await world.sign_in(side, role)
        assert {await knock(world, ask, side.tokens[role]) for ask in DOORS.values()} == {"ok"}


def test_who_has_no_access_does_not_sign_in(world: World):
    side = world.people.theirs

    async def attempt(email: str, password: str) -> tuple[int, str]:
        ask = Ask("accounts", "POST", "/v1/sessions", {"email": email, "password": password})
        answer = await world.shop.ask(ask)
        return answer.status, answer.code

    world.shop.do(put_leaver(world, side, password=PASSWORD, is_active=False))
    email = f"leaver@{side.company}.example"
    refused = (401, "sign-in-refused")
    assert world.shop.do(attempt(email, PASSWORD)) == refused
    assert world.shop.do(attempt("nobody@nowhere.example", PASSWORD)) == refused
    assert world.shop.do(attempt(f"buyer@{side.company}.example", "another-password")) == refused


def test_a_role_that_was_taken_away_gives_no_right(world: World):
    ours = world.people.ours

    async def lose() -> str:
        await world.put_member(ours, "deputy", roles=["approver"], unit="aurora-head")
        token = await world.sign_in(ours, "deputy")
        request = (await world.awaiting())["request_id"]
        path = f"/v1/approval-requests/{request}"
        assert await knock(world, Ask("approvals", "GET", path), token) == "ok"
        await world.put_member(ours, "deputy", roles=["buyer"], unit="aurora-head", password=None)
        async with asyncio.timeout(SOON_SECONDS):
            await until_refused(world, Ask("approvals", "GET", path), token)
        return await knock(world, Ask("approvals", "POST", f"{path}/approve", {}), token)

    assert world.shop.do(lose()) == "request-unknown"
