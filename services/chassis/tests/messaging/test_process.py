"""Durable processes: whatever is killed and whenever, they end done or fully undone."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select, text

from chassis import process
from chassis.clock import Clock
from chassis.idempotency import Claim, IdempotencyKeyReused
from chassis.process import (
    DONE,
    RUNNING,
    UNDONE,
    WAITING,
    Go,
    Process,
    ProcessBegun,
    ProcessRow,
    Refuse,
    Step,
    Undo,
    Wait,
)
from chassis.wake import WORK
from contracts.ids import new_id
from contracts.problems import Conflict, Invalid, Unavailable


class RunningClock(Clock):
    """Runs as it should, and can be turned on."""

    def __init__(self):
        self.ahead = timedelta()

    def now(self):
        return super().now() + self.ahead

    def turn(self, **step):
        self.ahead += timedelta(**step)


@pytest.fixture
def clock():
    return RunningClock()


class Crash(BaseException):
    """The process is killed here."""


@dataclass
class Neighbour:
    """Keeps holds by id, once each; a released id stays released."""

    holds: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)

    def hold(self, name):
        self.calls["hold", name] += 1
        if name in self.released:
            raise Conflict("this was released")
        self.holds.add(name)

    def release(self, name):
        self.calls["release", name] += 1
        self.released.add(name)
        self.holds.discard(name)


class Shop:
    """Three steps: stock (local), credit (a call) and place (the pivot), then tell (a call).

    `at` maps a point to what happens there: an exception to raise, an outcome to return, or a
    function to await.
    """

    def __init__(self, runtime):
        self.runtime = runtime
        self.neighbour = Neighbour()
        self.at = {}
        self.passed = []
        self.process = Process(
            kind="order",
            steps=(
                Step(
                    "stock",
                    write=self.reserve,
                    undo=Undo(write=self.unreserve),
                ),
                Step(
                    "credit",
                    read=self.read("credit"),
                    call=self.hold,
                    write=self.write("credit"),
                    undo=Undo(call=self.release, write=self.write_undone("credit")),
                ),
                Step("place", read=self.read("place"), write=self.place),
                Step("tell", call=self.tell, write=self.write("tell")),
            ),
            pivot="place",
            deadline=timedelta(minutes=5),
        )

    async def point(self, name):
        self.passed.append(name)
        found = self.at.get(name)
        if isinstance(found, list):
            found = found.pop(0) if found else None
        if isinstance(found, BaseException):
            raise found
        if callable(found):
            found = await found()
        return found

    async def reserve(self, session, row, reply):
        await session.execute(text("UPDATE books SET pages = pages - 1 WHERE key = 'stock'"))
        return await self.point("stock.write") or Go()

    async def unreserve(self, session, row, reply):
        """Gives back only what was taken: an undo must bear that there is nothing to undo."""
        if row.data.get("is_reserved"):
            await session.execute(text("UPDATE books SET pages = pages + 1 WHERE key = 'stock'"))
            row.data["is_reserved"] = False
        await self.point("stock.undo.write")

    def read(self, name):
        async def read(session, row):
            await self.point(f"{name}.read")
            if name == "credit":
                row_now = await session.get(ProcessRow, row.id)
                assert row_now.step == "credit"
            return str(row.id)

        return read

    async def hold(self, runtime, need):
        await self.point("credit.call")
        self.neighbour.hold(need)
        await self.point("credit.called")
        return "granted"

    async def release(self, runtime, need):
        await self.point("credit.undo.call")
        self.neighbour.release(str(self.id))

    async def tell(self, runtime, need):
        await self.point("tell.call")

    def write(self, name):
        async def write(session, row, reply):
            row.data[name] = reply
            return await self.point(f"{name}.write") or Go()

        return write

    def write_undone(self, name):
        async def write(session, row, reply):
            await self.point(f"{name}.undo.write")

        return write

    async def place(self, session, row, reply):
        await session.execute(text("UPDATE books SET pages = pages + 1 WHERE key = 'placed'"))
        return await self.point("place.write") or Go({"number": "T-1"})

    async def start(self, key=None):
        self.id = new_id()
        return await process.start(
            self.runtime, self.process, process_id=self.id, key=key, data={"sku": "A"}
        )

    async def run(self):
        """Start and drive, as a route does."""
        row = await self.start()
        return await self.drive(row)

    async def drive(self, row=None, seconds=5):
        until = self.runtime.clock.now() + timedelta(seconds=seconds)
        return await process.drive(self.runtime, row or self.id, until=until)

    async def row(self):
        return await process.get(self.runtime, self.id)

    async def books(self):
        async with self.runtime.reader.connect() as connection:
            found = await connection.execute(text("SELECT key, pages FROM books"))
            return {row.key: row.pages for row in found}


@pytest.fixture
async def shop(runtime):
    made = Shop(runtime)

    async def reserve(session, row, reply):
        row.data["is_reserved"] = True
        return await Shop.reserve(made, session, row, reply)

    steps = made.process.steps
    made.process = replace(made.process, steps=(replace(steps[0], write=reserve), *steps[1:]))
    runtime.service = replace(runtime.service, processes=(made.process,))
    runtime.random = Random(3)
    async with runtime.sessions() as session:
        for key, pages in (("stock", 10), ("placed", 0)):
            await session.execute(
                text("INSERT INTO books (key, title, pages) VALUES (:key, :key, :pages)"),
                {"key": key, "pages": pages},
            )
        await session.commit()
    return made


async def drive_to(shop, step):
    row = await shop.start()
    while row.step != step:
        row = await shop.drive(row, seconds=0.2)


async def check_done(shop):
    row = await shop.row()
    assert (row.status, row.result) == (DONE, {"number": "T-1"})
    assert await shop.books() == {"stock": 9, "placed": 1}
    assert shop.neighbour.holds == {str(shop.id)}


async def check_undone(shop):
    row = await shop.row()
    assert row.status == UNDONE
    assert row.ended_at is not None
    assert await shop.books() == {"stock": 10, "placed": 0}
    assert shop.neighbour.holds == set()


async def test_a_process_goes_through_its_steps(shop):
    row = await shop.run()
    assert row.status == DONE
    await check_done(shop)
    assert shop.passed == [
        "stock.write",
        "credit.read",
        "credit.call",
        "credit.called",
        "credit.write",
        "place.read",
        "place.write",
        "tell.call",
        "tell.write",
    ]
    assert row.data["credit"] == "granted"


POINTS = (
    "stock.write",
    "credit.read",
    "credit.call",
    "credit.called",
    "credit.write",
    "place.read",
    "place.write",
    "tell.call",
    "tell.write",
)


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_anywhere_is_taken_up_when_the_lease_is_over(shop, runtime, clock, point):
    runtime.clock = clock
    shop.at[point] = [Crash()]
    with pytest.raises(Crash):
        await shop.run()
    row = await shop.drive(seconds=0)  # the lease still holds: nobody may touch it
    assert row.status == RUNNING
    clock.turn(seconds=runtime.settings.lease_seconds)
    await shop.drive()
    await check_done(shop)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("failure", [Unavailable("not now"), RuntimeError("bug"), TimeoutError()])
async def test_a_failure_anywhere_is_tried_again(shop, point, failure):
    shop.at[point] = [failure, failure]
    await shop.run()
    await check_done(shop)


@pytest.mark.parametrize(
    ("point", "how"),
    [
        *((point, "raised") for point in POINTS[:7]),
        *((point, "returned") for point in POINTS[:7] if point.endswith(".write")),
    ],
)
async def test_a_refusal_before_the_pivot_undoes_everything(shop, point, how):
    refusal = Invalid("not sold here")
    shop.at[point] = [refusal if how == "raised" else Refuse(refusal)]
    row = await shop.run()
    assert row.status == UNDONE
    await check_undone(shop)
    problem = process.problem_of(row)
    assert isinstance(problem, Invalid)
    assert (problem.code, problem.detail) == ("invalid", "not sold here")


@pytest.mark.parametrize("point", ["credit.undo.call", "credit.undo.write", "stock.undo.write"])
@pytest.mark.parametrize("failure", [Crash(), Unavailable("not now"), Conflict("odd")])
async def test_undoing_goes_on_until_it_is_done(shop, runtime, clock, point, failure):
    runtime.clock = clock
    shop.at["place.write"] = [Conflict("sold out")]
    shop.at[point] = [failure]
    with suppress(Crash):
        await shop.run()
    clock.turn(seconds=runtime.settings.lease_seconds)
    await shop.drive()
    await check_undone(shop)
    assert (await shop.row()).problem["code"] == "conflict"


async def test_the_answer_of_a_call_was_lost_and_it_is_undone_all_the_same(shop):
    """The hold was taken, then the step is refused: its own undo must release it."""
    shop.at["credit.called"] = [Conflict("too late")]
    await shop.run()
    await check_undone(shop)
    assert shop.neighbour.released == {str(shop.id)}


@pytest.mark.parametrize("failure", [Invalid("no such thing"), Conflict("odd"), KeyError("bug")])
async def test_past_the_pivot_it_only_goes_forward(shop, runtime, clock, failure):
    runtime.clock = clock
    shop.at["tell.call"] = failure
    await drive_to(shop, "tell")
    clock.turn(minutes=10)  # long after the deadline
    row = await shop.drive(seconds=0.1)
    assert (row.status, row.step) == (RUNNING, "tell")
    shop.at.clear()
    clock.turn(minutes=1)
    await shop.drive()
    await check_done(shop)


async def test_past_the_deadline_it_is_undone(shop, runtime, clock):
    runtime.clock = clock
    shop.at["credit.call"] = Unavailable("not now")
    row = await shop.start()
    await shop.drive(row, seconds=0.01)
    clock.turn(minutes=6)
    await shop.drive()
    await check_undone(shop)
    assert (await shop.row()).problem["code"] == "process-timed-out"


async def test_the_outcome_of_what_was_not_there_yet_is_waited_for(shop, runtime, clock):
    runtime.clock = clock
    shop.at["credit.write"] = [Wait(until=clock.now() + timedelta(minutes=2))]
    row = await shop.run()
    assert row.status == WAITING
    clock.turn(minutes=1)
    assert (await shop.drive(seconds=1)).status == WAITING
    clock.turn(minutes=1)
    await shop.drive()
    await check_done(shop)


async def test_what_it_waits_for_resumes_it(shop, runtime):
    shop.at["credit.write"] = [Wait(until=runtime.clock.now() + timedelta(minutes=2))]
    assert (await shop.run()).status == WAITING
    async with runtime.sessions() as session:
        await process.resume(session, shop.id, now=runtime.clock.now())
        await session.commit()
    await shop.drive()
    await check_done(shop)


async def test_who_waits_for_a_person_has_longer(shop, runtime, clock):
    runtime.clock = clock
    begun = clock.now()
    later = begun + timedelta(days=3)
    wait = Wait(until=begun + timedelta(days=1), deadline=later)
    shop.at["credit.write"] = [wait, Wait(until=later, deadline=begun), Wait(until=later)]
    assert (await shop.run()).status == WAITING
    clock.turn(hours=12)
    async with runtime.sessions() as session:
        await process.resume(session, shop.id, now=clock.now())
        await session.commit()
    row = await shop.drive(seconds=1)
    assert (row.status, row.deadline_at) == (WAITING, later)
    clock.turn(hours=48)
    async with runtime.sessions() as session:
        await process.resume(session, shop.id, now=clock.now())
        await session.commit()
    assert (await shop.drive(seconds=1)).status == WAITING
    clock.turn(hours=12, seconds=1)
    assert (await shop.drive()).status == UNDONE
    await check_undone(shop)


async def test_a_resume_just_before_it_waits_is_not_lost(shop, runtime):
    """The answer comes between the call that asked for it and the write that decides to wait."""

    async def answer_comes():
        async with runtime.sessions() as session:
            await process.resume(session, shop.id, now=runtime.clock.now())
            await session.commit()

    shop.at["credit.called"] = [answer_comes]
    shop.at["credit.write"] = [Wait(until=runtime.clock.now() + timedelta(days=1))]
    assert (await shop.run()).status == DONE
    await check_done(shop)


async def test_who_lost_the_lease_writes_nothing(shop, runtime, clock):
    """It hangs in its call; another takes over and finishes; its own outcome is void."""
    runtime.clock = clock
    hangs, go_on = asyncio.Event(), asyncio.Event()

    async def hang():
        hangs.set()
        await go_on.wait()

    shop.at["credit.called"] = [hang]
    slow = asyncio.create_task(shop.run())
    await hangs.wait()
    clock.turn(seconds=runtime.settings.lease_seconds)
    await shop.drive()
    await check_done(shop)
    go_on.set()
    assert (await slow).status == DONE
    await check_done(shop)
    assert shop.passed.count("place.write") == 1


async def test_a_lost_lease_is_found_out_before_a_local_step_writes(shop, runtime):
    row = await shop.start()
    async with runtime.sessions() as session:
        await session.execute(text("UPDATE processes SET lease_token = lease_token + 1"))
        await session.commit()
    row = await shop.drive(row, seconds=0)
    assert not row.is_held
    assert await shop.books() == {"stock": 10, "placed": 0}


async def test_two_drivers_do_every_step_once(shop):
    row = await shop.start()
    await asyncio.gather(shop.drive(row), *(shop.drive() for _ in range(4)))
    await check_done(shop)
    assert shop.passed.count("place.write") == 1


async def test_a_caller_who_waits_no_longer_leaves_the_rest_to_a_worker(shop, runtime):
    hangs = asyncio.Event()

    async def hang():
        hangs.set()
        await asyncio.Event().wait()

    shop.at["credit.call"] = [hang]
    row = await shop.start()
    row = await shop.drive(row, seconds=1)
    assert hangs.is_set()
    assert (row.status, row.step, row.attempts, row.lease_until) == (RUNNING, "credit", 0, None)
    stop = asyncio.Event()
    working = asyncio.create_task(process.run(runtime, stop=stop))
    assert (await shop.drive()).status == DONE
    stop.set()
    await working
    await check_done(shop)


async def test_a_worker_takes_up_what_a_crash_left(shop, runtime, eventually):
    shop.at["credit.called"] = [Crash()]
    with pytest.raises(Crash):
        await shop.run()
    async with runtime.sessions() as session:
        await session.execute(text("UPDATE processes SET lease_until = now() - interval '1s'"))
        await session.commit()
    stop = asyncio.Event()
    working = asyncio.create_task(process.run(runtime, stop=stop))

    async def is_done():
        return (await shop.row()).status == DONE

    await eventually(is_done)
    stop.set()
    await working
    await check_done(shop)


async def test_a_worker_makes_no_circles_around_what_another_has_locked(
    shop, runtime, clock, monkeypatch
):
    tries: asyncio.Queue[bool] = asyncio.Queue()
    take_lease = process._take_lease

    async def take_and_tell(*arguments):
        row = await take_lease(*arguments)
        tries.put_nowait(row.is_held)
        return row

    monkeypatch.setattr(process, "_take_lease", take_and_tell)
    runtime.clock = clock
    runtime.settings = runtime.settings.model_copy(update={"sweep_seconds": 60})
    await shop.start()
    clock.turn(seconds=runtime.settings.lease_seconds)
    stop = asyncio.Event()
    async with runtime.sessions() as session:
        await session.execute(text("SELECT FROM processes FOR UPDATE"))
        working = asyncio.create_task(process.run(runtime, stop=stop))
        assert not await tries.get()
        for _ in range(50):  # it would have the time
            await session.execute(text("SELECT 1"))
        assert tries.empty()
    runtime.wake.ring(WORK)
    assert await tries.get()
    stop.set()
    await working


async def test_who_waits_makes_no_circles_around_what_another_has_locked(
    shop, runtime, clock, monkeypatch
):
    tries = 0
    take_lease = process._take_lease

    async def take_and_count(*arguments):
        nonlocal tries
        tries += 1
        return await take_lease(*arguments)

    monkeypatch.setattr(process, "_take_lease", take_and_count)
    monkeypatch.setattr(process, "_FIRST_LOOK_SECONDS", 60)
    runtime.clock = clock
    row = await shop.start()
    clock.turn(seconds=runtime.settings.lease_seconds)
    async with runtime.sessions() as session:
        await session.execute(text("SELECT FROM processes FOR UPDATE"))
        until = clock.now() + timedelta(seconds=60)
        waiting = asyncio.create_task(process.drive(runtime, row.id, until=until))
        while not tries:
            await session.execute(text("SELECT 1"))
        for _ in range(50):  # it would have the time
            await session.execute(text("SELECT 1"))
        waiting.cancel()
    assert tries == 1


async def test_a_stopping_worker_finishes_its_step_and_lets_go(shop, runtime):
    begun, go_on, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow():
        begun.set()
        await go_on.wait()

    shop.at["credit.call"] = [slow]
    row = await shop.start()
    await process._let_go(runtime, row, runtime.clock.now())
    working = asyncio.create_task(process.run(runtime, stop=stop))
    await begun.wait()
    stop.set()
    go_on.set()
    await working
    row = await shop.row()
    assert (row.status, row.step, row.lease_until) == (RUNNING, "place", None)


def claim(scope=b"s" * 32, fingerprint=b"f" * 32):
    return Claim(scope=scope, fingerprint=fingerprint)


async def test_the_same_key_and_body_is_the_same_process(shop):
    row = await shop.start(claim())
    first = shop.id
    again = await shop.start(claim())
    assert (again.id, again.is_held) == (first, False)
    shop.id = first
    await shop.drive(row)
    assert (await shop.start(claim())).status == DONE


async def test_the_same_key_with_another_body_is_refused(shop):
    await shop.start(claim())
    with pytest.raises(IdempotencyKeyReused):
        await shop.start(claim(fingerprint=b"g" * 32))


async def test_the_same_work_under_another_key_is_told_so(shop, runtime):
    await shop.start(claim())
    with pytest.raises(ProcessBegun):
        await process.start(
            runtime, shop.process, process_id=shop.id, key=claim(b"t" * 32), data={}
        )


async def test_many_submits_of_one_key_at_once_are_one_process(shop, runtime):
    async def submit():
        row = await process.start(
            runtime, shop.process, process_id=new_id(), key=claim(), data={"sku": "A"}
        )
        shop.id = row.id
        return await process.drive(runtime, row, until=runtime.clock.now() + timedelta(seconds=5))

    rows = await asyncio.gather(*(submit() for _ in range(4)))
    assert {row.status for row in rows} == {DONE}
    assert len({row.id for row in rows}) == 1
    await check_done(shop)


async def test_what_the_first_transaction_raises_frees_the_key(shop, runtime):
    async def refuse(session, row):
        await session.execute(text("UPDATE books SET pages = 99"))
        raise Invalid("no such cart")

    with pytest.raises(Invalid):
        await process.start(
            runtime, shop.process, process_id=new_id(), key=claim(), data={}, first=refuse
        )
    assert await shop.books() == {"stock": 10, "placed": 0}
    assert (await shop.start(claim())).is_held


async def test_abandoning_undoes_it_whoever_drives_it(shop, runtime):
    hangs, go_on = asyncio.Event(), asyncio.Event()

    async def hang():
        hangs.set()
        await go_on.wait()

    shop.at["credit.called"] = [hang]
    slow = asyncio.create_task(shop.run())
    await hangs.wait()
    async with runtime.sessions() as session:
        assert await process.abandon(
            session,
            shop.process,
            shop.id,
            problem=Conflict("cancelled by the buyer"),
            now=runtime.clock.now(),
        )
        await session.commit()
    go_on.set()
    assert (await slow).status == UNDONE
    await check_undone(shop)


async def test_it_is_too_late_to_abandon_past_the_pivot(shop, runtime):
    shop.at["tell.call"] = Unavailable("not now")
    await drive_to(shop, "tell")
    async with runtime.sessions() as session:
        assert not await process.abandon(
            session, shop.process, shop.id, problem=Conflict("late"), now=runtime.clock.now()
        )
    shop.at.clear()
    await shop.drive()
    await check_done(shop)


async def test_ended_processes_are_pruned(shop, runtime):
    await shop.run()
    running = shop.id
    await shop.start()
    async with runtime.sessions() as session:
        later = runtime.clock.now() + timedelta(seconds=1)
        assert await process.prune(session, before=later) == 1
        await session.commit()
        left = (await session.scalars(select(ProcessRow.id))).all()
    assert left == [shop.id]
    assert running != shop.id


def test_steps_need_names_of_their_own():
    step = Step("a", write=process._nothing)
    with pytest.raises(ValueError, match="names of their own"):
        Process("x", (step, step), pivot="a", deadline=timedelta(1))
    with pytest.raises(ValueError, match="names of their own"):
        Process("x", (step,), pivot="b", deadline=timedelta(1))


@pytest.mark.parametrize("seed", range(12))
async def test_random_crashes_end_in_done_or_undone(shop, runtime, clock, seed):
    """Crash, fail or refuse at random; after enough turns the process has ended, one way."""
    runtime.clock = clock
    random = Random(seed)
    kinds: list[BaseException] = [Crash(), Unavailable("x"), Conflict("x"), RuntimeError("x")]
    for point in (*POINTS, "credit.undo.call", "credit.undo.write", "stock.undo.write"):
        shop.at[point] = [random.choice(kinds) if random.random() < 0.4 else None for _ in range(3)]
    row = await shop.start()
    for _ in range(60):
        try:
            row = await shop.drive(row, seconds=0.5)
        except Crash:
            row = None
        else:
            if row.has_ended:
                break
        clock.turn(seconds=30)
    status = (await shop.row()).status
    assert status in (DONE, UNDONE)
    await (check_done if status == DONE else check_undone)(shop)
