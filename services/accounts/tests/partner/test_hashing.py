"""Secrets are checked off the loop, few at a time, and a flood is turned away."""

import asyncio

import pytest

from accounts.errors import TooManyTokenRequests
from accounts.partner.hashing import HASHER, NO_SECRET, HashingGate, hash_secret, is_secret_of

SECRET = "a-secret"


@pytest.fixture
def slow(monkeypatch):
    """Checks that take until they are let go, and how many run now and ran at most."""
    release, running = asyncio.Event(), {"now": 0, "most": 0}

    async def check(function, *arguments):
        running["now"] += 1
        running["most"] = max(running.values())
        await release.wait()
        running["now"] -= 1
        return True

    monkeypatch.setattr("accounts.partner.hashing.asyncio.to_thread", check)
    return release, running


def test_a_secret_belongs_to_its_hash_alone():
    assert is_secret_of(hash_secret(SECRET), SECRET)
    assert not is_secret_of(hash_secret(SECRET), SECRET + " ")
    assert not is_secret_of("damaged", SECRET)


def test_unknown_clients_cost_as_much_as_known_ones():
    assert not HASHER.check_needs_rehash(NO_SECRET)


async def test_only_so_many_checks_run_side_by_side(slow):
    release, running = slow
    gate = HashingGate(threads=2, queue=8)
    checks = [
        asyncio.create_task(gate.is_secret_of("hash", SECRET, client=f"client-{number}"))
        for number in range(8)
    ]
    await asyncio.sleep(0)
    assert running["now"] == 2
    release.set()
    assert all(await asyncio.gather(*checks))
    assert running["most"] == 2


async def test_past_the_queue_callers_are_sent_away_at_once(slow):
    release, _ = slow
    gate = HashingGate(threads=1, queue=3)
    checks = [
        asyncio.create_task(gate.is_secret_of("hash", SECRET, client=f"client-{number}"))
        for number in range(4)
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooManyTokenRequests):
        await gate.is_secret_of("hash", SECRET, client="one-more")
    release.set()
    await asyncio.gather(*checks)
    assert await gate.is_secret_of("hash", SECRET, client="one-more")


async def test_one_client_leaves_room_for_others(slow):
    release, _ = slow
    gate = HashingGate(threads=1, queue=3)
    flood = [asyncio.create_task(gate.is_secret_of("hash", SECRET, client="")) for _ in range(10)]
    await asyncio.sleep(0)
    good = asyncio.create_task(gate.is_secret_of("hash", SECRET, client="erp"))
    await asyncio.sleep(0)
    release.set()
    assert await good
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(one, TooManyTokenRequests) for one in outcomes) == 8


async def test_a_crowd_leaves_room_for_others_and_each_of_it_for_the_rest(slow):
    release, _ = slow
    gate = HashingGate(threads=1, queue=15)

    def come(client, crowd="/people"):
        return asyncio.create_task(gate.is_secret_of("hash", SECRET, client=client, crowd=crowd))

    of_one = [come("ada") for _ in range(10)]
    of_all = [come(f"person-{number}") for number in range(10)]
    partners = [come("erp", None), come("people", None)]
    await asyncio.sleep(0)
    release.set()
    sent_away = [
        sum(isinstance(one, TooManyTokenRequests) for one in outcomes)
        for outcomes in [
            await asyncio.gather(*tasks, return_exceptions=True)
            for tasks in (of_one, of_all, partners)
        ]
    ]
    assert sent_away == [6, 6, 0]
    assert not gate._pending


async def test_a_caller_who_goes_away_leaves_no_trace(slow):
    _, _ = slow
    gate = HashingGate(threads=1, queue=1)
    for _ in range(5):
        waiting = asyncio.create_task(gate.is_secret_of("hash", SECRET, client="erp"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert not gate._pending
