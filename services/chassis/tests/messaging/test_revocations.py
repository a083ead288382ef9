"""Access taken away is heard by broadcast, and what was missed is asked of accounts."""

import asyncio
from datetime import timedelta

import pytest

from chassis import revocations
from chassis.auth import AccessRevoked as TokenRefused
from chassis.bus import Outgoing
from contracts.buyers import AccessRevoked
from contracts.envelope import make_event
from contracts.ids import new_id


@pytest.fixture(autouse=True)
def trusted(runtime):
    """Accounts takes the tokens of the service under test."""
    runtime.settings.trusted_issuers[runtime.settings.issuer] = "its own keys"


async def is_refused(runtime, token):
    try:
        await runtime.verifier.verify(token)
    except TokenRefused:
        return True
    return False


async def test_a_broadcast_ends_access(runtime, any_bus, make_token, eventually, neighbour_fake):
    neighbour_fake.on("accounts", "GET", "/v1/revocations", {"items": []})
    runtime.bus = any_bus
    stop = asyncio.Event()
    listening = asyncio.create_task(revocations.run(runtime, stop=stop))
    await eventually(lambda: neighbour_fake.calls_of("accounts"))  # it listens by then
    token = make_token(subject="ada")
    assert not await is_refused(runtime, token)
    event = make_event(
        AccessRevoked(valid_after=runtime.clock.now() + timedelta(seconds=1)),
        event_id=new_id(),
        subject="ada",
        sequence=1,
        time=runtime.clock.now(),
    )
    body = event.model_dump_json().encode()
    await any_bus.publish([Outgoing(str(event.id), event.type, body)])
    await eventually(lambda: is_refused(runtime, token))
    stop.set()
    await listening


async def test_what_was_missed_is_asked_until_accounts_answers(
    runtime, neighbour_fake, make_token, eventually
):
    token = make_token(subject="ada")
    assert not await is_refused(runtime, token)  # the keys are known from now on
    neighbour_fake.down.add("accounts")
    stop = asyncio.Event()
    task = asyncio.create_task(revocations.run(runtime, stop=stop))
    moment = (runtime.clock.now() + timedelta(seconds=1)).isoformat()
    neighbour_fake.on(
        "accounts",
        "GET",
        "/v1/revocations",
        {"items": [{"subject": "ada", "valid_after": moment}]},
    )
    neighbour_fake.down.clear()
    await eventually(lambda: is_refused(runtime, token), timeout=15.0)
    stop.set()
    await task


async def test_who_is_not_trusted_asks_nobody(runtime, neighbour_fake, eventually):
    del runtime.settings.trusted_issuers[runtime.settings.issuer]
    gaps = []

    async def listen(types, hear, gap, *, stop):
        gap()
        gaps.append(types)
        await stop.wait()

    runtime.bus.listen = listen
    stop = asyncio.Event()
    task = asyncio.create_task(revocations.run(runtime, stop=stop))
    await eventually(lambda: gaps)
    stop.set()
    await task
    assert neighbour_fake.calls_of("accounts") == []
