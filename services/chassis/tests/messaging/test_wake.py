"""Bells and pauses."""

import asyncio
from random import Random

from chassis.backoff import Backoff, delay
from chassis.wake import OUTBOX, Wake


async def test_a_bell_rung_before_the_wait_is_heard():
    wake = Wake()
    with wake.bell(OUTBOX) as bell:
        wake.ring(OUTBOX)
        assert await bell.wait(60)
        assert not await bell.wait(0.01)
    wake.ring(OUTBOX)  # nobody is left to hear it


async def test_many_rings_are_few_notifies(runtime, eventually):
    heard = []
    async with runtime.direct.connect() as outer:
        connection = (await outer.get_raw_connection()).driver_connection
        await connection.add_listener("tandem_outbox", lambda *notified: heard.append(notified))
        for _ in range(500):
            runtime.wake.ring(OUTBOX)
        await eventually(lambda: heard)
        await runtime.wake.close()
        assert 1 <= len(heard) <= 3
        with runtime.wake.bell(OUTBOX) as bell:
            runtime.wake.ring(OUTBOX)  # closed: only here
            assert await bell.wait(60)


async def test_who_is_served_here_notifies_nobody(runtime):
    with runtime.wake.bell(OUTBOX) as bell:
        bell.serves = True
        runtime.wake.ring(OUTBOX)
        assert runtime.wake._notifier is None


async def test_without_a_database_a_ring_is_still_heard_here(runtime):
    await runtime.engine.dispose()
    wake = Wake(runtime.engine.execution_options(), pause_seconds=0)
    with wake.bell(OUTBOX) as bell:
        wake.ring(OUTBOX)
        assert await bell.wait(60)
    await asyncio.wait_for(wake.close(), 10)


def test_pauses_double_up_to_a_cap_and_never_fall_to_nothing():
    backoff = Backoff(Random(1), first=1, cap=8)
    pauses = [backoff.next() for _ in range(6)]
    assert all(
        full / 2 <= pause <= full for pause, full in zip(pauses, (1, 2, 4, 8, 8, 8), strict=True)
    )
    backoff.reset()
    assert backoff.next() <= 1
    assert delay(10_000, first=1, cap=60, random=Random(1)) <= 60
