"""The inbox: once, in turn per subject, and never lost."""

import asyncio
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from chassis import inbox
from chassis.inbox import DEAD, DONE, RETRYING, WAITING, Consumer, InboxRow
from contracts.orders import OrderPlaced, StockChanged
from contracts.problems import Conflict, Forbidden, Invalid, NotFound, Unavailable


@pytest.fixture
def receive(runtime, effects):
    async def take(event, body=None):
        await inbox.receive(runtime, effects.consumer, body or event.model_dump_json().encode())

    return take


@pytest.fixture
def rows(runtime):
    async def read():
        async with runtime.sessions() as session:
            found = await session.scalars(select(InboxRow).order_by(InboxRow.received_at))
            return {row.sequence: row for row in found}

    return read


@pytest.fixture
def retry(runtime, effects):
    async def go():
        return await inbox.retry(runtime, {effects.consumer.queue: effects.consumer})

    return go


async def test_an_event_that_comes_twice_has_one_effect(receive, effects, rows, make_stock):
    event = make_stock("A", 1)
    await receive(event)
    await receive(event)
    assert await effects.seen() == [("A", 1)]
    kept = (await rows())[1]
    assert (kept.status, kept.event) == (DONE, None)


async def test_the_same_event_at_the_same_moment_has_one_effect(receive, effects, make_stock):
    event = make_stock("A", 1)
    await asyncio.gather(*(receive(event) for _ in range(4)))
    assert await effects.seen() == [("A", 1)]


async def test_events_out_of_order_are_all_handed_over(receive, effects, make_stock):
    for sequence in (3, 1, 2):
        await receive(make_stock("A", sequence))
    assert await effects.seen() == [("A", 3), ("A", 1), ("A", 2)]


async def test_what_fails_leaves_no_effect_and_is_tried_again(
    runtime, receive, retry, effects, rows, make_stock, clock
):
    runtime.clock = clock
    effects.failures["A"] = Unavailable("not now")
    await receive(make_stock("A", 1))
    kept = (await rows())[1]
    assert (kept.status, kept.attempts) == (RETRYING, 1)
    assert "not now" in kept.last_error
    assert clock.now() < kept.next_attempt_at <= clock.now() + timedelta(seconds=1)
    assert await effects.seen() == []
    assert await retry() == 0  # too early

    clock.turn(seconds=1)
    effects.failures.clear()
    assert await retry() == 1
    kept = (await rows())[1]
    assert (kept.status, kept.event, kept.next_attempt_at) == (DONE, None, None)
    assert await effects.seen() == [("A", 1)]


async def test_pauses_grow_and_the_last_attempt_makes_a_dead_letter(
    runtime, receive, retry, effects, rows, make_stock, clock
):
    runtime.clock = clock
    runtime.settings.inbox_attempts = 4
    effects.failures["A"] = RuntimeError("broken")
    await receive(make_stock("A", 1))
    pauses = []
    while (kept := (await rows())[1]).status == RETRYING:
        pauses.append((kept.next_attempt_at - clock.now()).total_seconds())
        clock.moment = kept.next_attempt_at
        await retry()
    assert (kept.status, kept.attempts) == (DEAD, 4)
    assert [1 <= pause / 2**n / 0.5 <= 2 for n, pause in enumerate(pauses)] == [True] * 3
    assert orjson.loads(kept.event)["subject"] == "A"


@pytest.mark.parametrize("failure", [Invalid("no such thing"), Forbidden("not yours")])
async def test_what_can_never_work_is_dead_at_once(receive, effects, rows, make_stock, failure):
    effects.failures["A"] = failure
    await receive(make_stock("A", 1))
    assert (await rows())[1].status == DEAD


@pytest.mark.parametrize("failure", [NotFound("not yet"), Conflict("not now"), KeyError("bug")])
async def test_what_may_work_later_is_retried(receive, effects, rows, make_stock, failure):
    effects.failures["A"] = failure
    await receive(make_stock("A", 1))
    assert (await rows())[1].status == RETRYING


async def test_later_events_of_the_subject_wait_and_others_go_on(
    runtime, receive, retry, effects, rows, make_stock, clock
):
    runtime.clock = clock
    effects.failures["A"] = Unavailable("not now")
    await receive(make_stock("A", 1))
    effects.failures.clear()
    await receive(make_stock("A", 3))
    await receive(make_stock("A", 2))
    await receive(make_stock("B", 9))
    assert await effects.seen() == [("B", 9)]
    statuses = {sequence: row.status for sequence, row in (await rows()).items()}
    assert statuses == {1: RETRYING, 2: WAITING, 3: WAITING, 9: DONE}

    clock.turn(seconds=5)
    while await retry():
        pass
    assert await effects.seen() == [("B", 9), ("A", 1), ("A", 2), ("A", 3)]


async def test_a_dead_event_frees_those_behind_it(
    receive, retry, effects, rows, make_stock, runtime, clock
):
    runtime.clock = clock
    runtime.settings.inbox_attempts = 2
    effects.failures["A"] = Unavailable("not now")
    await receive(make_stock("A", 1))
    await receive(make_stock("A", 2))
    clock.turn(seconds=5)
    assert await retry() == 1
    assert (await rows())[1].status == DEAD
    effects.failures.clear()
    assert await retry() == 1
    assert await effects.seen() == [("A", 2)]
    await receive(make_stock("A", 3))
    assert (await rows())[3].status == DONE


async def test_an_event_that_comes_while_another_of_its_subject_fails_waits_behind_it(
    receive, effects, rows, make_stock
):
    """Both are at work at once: the second must not slip past the first's failure."""
    failing, go_on = asyncio.Event(), asyncio.Event()

    async def before(event):
        if event.sequence == 1:
            failing.set()
            await go_on.wait()
            raise Unavailable("not now")

    effects.before = before
    first = asyncio.create_task(receive(make_stock("A", 1)))
    await failing.wait()
    second = asyncio.create_task(receive(make_stock("A", 2)))
    await receive(make_stock("B", 5))  # others are not held up
    assert not second.done()
    go_on.set()
    await asyncio.gather(first, second)
    statuses = {sequence: row.status for sequence, row in (await rows()).items()}
    assert statuses == {1: RETRYING, 2: WAITING, 5: DONE}


def changed(event, **fields):
    return orjson.dumps({**orjson.loads(event.model_dump_json()), **fields})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe{}",
        b"[1, 2",
        b"null",
        b'{"specversion": "1.0"}',
        b"\0" * 10,
        "subject too long",
        "subject with NUL",
        "sequence too large",
        "type of another queue",
        "data of another shape",
    ],
)
async def test_what_cannot_be_read_is_a_dead_letter_and_holds_up_nobody(
    receive, effects, make_stock, runtime, body
):
    event = make_stock("A", 1)
    bodies = {
        "subject too long": changed(event, subject="x" * 600),
        "subject with NUL": changed(event, subject="a\0b"),
        "sequence too large": event.model_dump_json()
        .replace('"sequence":1,"time"', f'"sequence":{2**63},"time"')
        .encode(),
        "type of another queue": changed(event, type=OrderPlaced.type),
        "data of another shape": changed(event, data={"items": [{"sku": "A"}]}),
    }
    bad = bodies[body] if isinstance(body, str) else body
    for _ in range(2):
        await receive(event, bad or b" ")
    async with runtime.sessions() as session:
        dead = await inbox.list_dead(session, queue=effects.consumer.queue)
    assert [row.status for row in dead] == [DEAD]
    assert dead[0].last_error
    await receive(make_stock("A", 2))
    assert await effects.seen() == [("A", 2)]


async def test_fields_that_a_consumer_does_not_know_are_accepted(receive, effects, make_stock):
    item = {"sku": "A", "sequence": 1, "available": 3, "colour": "red"}
    body = changed(make_stock("A", 1), extension="x", data={"items": [item], "more": 1})
    await receive(None, body)
    assert await effects.seen() == [("A", 1)]


async def test_a_failure_at_the_commit_is_a_failure_of_the_handler(
    runtime, receive, retry, effects, rows, make_stock, clock
):
    runtime.clock = clock
    await receive(make_stock("A", 1))
    again = make_stock("A", 1)  # another event, whose effect breaks a deferred constraint
    await receive(again)
    assert {row.status for row in await _all(runtime)} == {DONE, RETRYING}
    clock.turn(seconds=2)
    await retry()
    assert {(row.status, row.attempts) for row in await _all(runtime)} == {(DONE, 0), (RETRYING, 2)}


async def _all(runtime):
    async with runtime.sessions() as session:
        return (await session.scalars(select(InboxRow))).all()


async def test_without_a_database_the_event_is_given_back(runtime, receive, effects, make_stock):
    event = make_stock("A", 1)

    async def break_off(_):
        async with runtime.direct.connect() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = current_user"
                    " AND pid <> pg_backend_pid()"
                )
            )

    effects.before = break_off
    with pytest.raises(DBAPIError):
        await receive(event)
    effects.before = None
    assert await effects.seen() == []
    await receive(event)
    assert await effects.seen() == [("A", 1)]


async def test_a_crash_before_the_commit_leaves_nothing(runtime, receive, effects, make_stock):
    class Crash(BaseException):
        pass

    async def crash(_):
        raise Crash

    event = make_stock("A", 1)
    effects.before = crash
    with pytest.raises(Crash):
        await receive(event)
    effects.before = None
    assert await effects.seen() == []
    assert await _all(runtime) == []
    await receive(event)
    assert await effects.seen() == [("A", 1)]


async def test_a_dead_letter_is_mended_and_replayed(runtime, receive, retry, effects, make_stock):
    event = make_stock("A", 1)
    await receive(event, changed(event, data={"items": "none"}))
    async with runtime.sessions() as session:
        (dead,) = await inbox.list_dead(session)
        with pytest.raises(inbox.EventUnreadable):
            await inbox.replay(session, effects.consumer, dead.event_id, now=runtime.clock.now())
        await inbox.mend(session, dead.queue, dead.event_id, event=event.model_dump_json())
        await inbox.replay(session, effects.consumer, dead.event_id, now=runtime.clock.now())
        await session.commit()
    await retry()
    assert await effects.seen() == [("A", 1)]
    async with runtime.sessions() as session:
        with pytest.raises(inbox.EventNotDead):
            await inbox.mend(session, dead.queue, dead.event_id, event="{}")
        with pytest.raises(inbox.EventNotDead):
            await inbox.replay(session, effects.consumer, dead.event_id, now=runtime.clock.now())


async def test_a_replayed_event_waits_behind_what_is_pending(
    runtime, receive, effects, rows, make_stock
):
    effects.failures["A"] = Invalid("no")
    event = make_stock("A", 1)
    await receive(event)
    effects.failures["A"] = Unavailable("not now")
    await receive(make_stock("A", 2))
    async with runtime.sessions() as session:
        await inbox.replay(session, effects.consumer, event.id, now=runtime.clock.now())
        await session.commit()
    assert {n: row.status for n, row in (await rows()).items()} == {1: WAITING, 2: RETRYING}


async def test_two_workers_retry_an_event_once(runtime, receive, retry, effects, make_stock, clock):
    runtime.clock = clock
    effects.failures["A"] = Unavailable("not now")
    await receive(make_stock("A", 1))
    effects.failures.clear()
    clock.turn(seconds=5)
    await asyncio.gather(*(retry() for _ in range(3)))
    assert await effects.seen() == [("A", 1)]


async def test_old_done_rows_are_pruned_and_dead_letters_stay(
    runtime, receive, effects, make_stock, clock
):
    runtime.clock = clock
    await receive(make_stock("A", 1))
    effects.failures["B"] = Invalid("no")
    await receive(make_stock("B", 2))
    clock.turn(days=31)
    await receive(make_stock("C", 3))
    async with runtime.sessions() as session:
        assert await inbox.prune(session, before=clock.now() - timedelta(days=30)) == 1
        await session.commit()
    assert {row.sequence for row in await _all(runtime)} == {2, 3}


def test_a_consumer_must_take_what_the_topology_says():
    async def handle(session, event, /):
        pass

    with pytest.raises(ValueError, match=r"contracts\.topology"):
        Consumer(queue="catalog.availability", handlers={OrderPlaced: handle})
    with pytest.raises(ValueError, match=r"contracts\.topology"):
        Consumer(queue="catalog.unheard", handlers={StockChanged: handle})


async def test_the_retry_loop_works_beside_the_consumers_and_stops(
    runtime, effects, make_stock, eventually
):
    stop = asyncio.Event()
    effects.failures["A"] = Unavailable("not now")
    runtime.settings.inbox_first_retry_seconds = 0.01
    await inbox.receive(runtime, effects.consumer, make_stock("A", 1).model_dump_json().encode())
    running = asyncio.create_task(inbox.run(runtime, stop=stop))
    effects.failures.clear()

    async def is_done():
        return await effects.seen() == [("A", 1)]

    await eventually(is_done)
    stop.set()
    await running
