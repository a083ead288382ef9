"""Durable processes: work over several services that ends done or fully undone, whatever crashes.

A process is a row. Each step has three rooms: `read` (a transaction), `call` (no transaction
open), `write` (a transaction that stores the outcome and moves to the next step). Who drives
holds a lease with a fencing token; every write first locks the row and checks the token, so a
driver whose lease was taken over can change nothing more. A crash anywhere leaves a row that a
worker takes up when the lease is over, and a step that was under way is simply done again: calls
must be idempotent, by ids made of process and step.

```
running  ──► done              the last step's write was committed
   │  ▲
   ▼  │ until, or resume()
waiting                        a step said Wait
   │
   └──► undoing ──► undone     refused, or past the deadline, before the pivot
```
Before the pivot everything is undone backwards, the refused step's own `undo` first (its call may
have worked although its answer was lost, so an undo must bear that there is nothing to undo).
Once the pivot's write is committed the process only goes forward: later steps are tried until
they work, and so is every undo.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    Text,
    delete,
    event,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, Session, mapped_column

from chassis import failpoints, tracing
from chassis.backoff import Backoff, delay
from chassis.bus import first_of, pause
from chassis.db import ChassisBase, commit
from chassis.idempotency import Claim
from chassis.logs import get_logger
from chassis.wake import WORK, Bell
from contracts.problems import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    ProblemDetail,
    Unavailable,
    kind_of,
)

if TYPE_CHECKING:
    from chassis.runtime import Runtime

RUNNING, WAITING, UNDOING, DONE, UNDONE = "running", "waiting", "undoing", "done", "undone"
ENDED = (DONE, UNDONE)
_REFUSALS = (Invalid, Conflict, NotFound, Forbidden)
_FIRST_RETRY_SECONDS = 0.2
_LONGEST_RETRY_SECONDS = 60.0
_LEASE_MARGIN_SECONDS = 1.0
_FIRST_LOOK_SECONDS = 0.05
_LONGEST_LOOK_SECONDS = 0.4
_ANSWER_SECONDS = 0.3
_DRIVEN_AT_ONCE = 4

log = get_logger(__name__)


class ProcessTimedOut(Unavailable):
    """A step could not be done before the process' deadline, so everything was undone."""

    def __init__(self, step: str) -> None:
        super().__init__(f"It could not be completed in time ({step}), and nothing was kept of it.")


class ProcessUnknown(NotFound):
    """There is no such process."""

    def __init__(self, process_id: UUID) -> None:
        super().__init__(f"There is no process {process_id}.")


class ProcessBegun(Conflict):
    """The same work was begun under another idempotency key."""

    def __init__(self, process_id: UUID) -> None:
        super().__init__("This was begun already, by another request.")
        self.process_id = process_id


class LeaseLost(Exception):
    """Another driver has taken the process over; what this one had in hand is void."""


class ProcessRow(ChassisBase):
    """One process. `data` is what its steps know, `result` what it came to, `problem` why not."""

    __tablename__ = "processes"
    __table_args__ = (
        CheckConstraint(
            "status IN ('running', 'waiting', 'undoing', 'done', 'undone')", name="status"
        ),
        Index(
            "ix_processes_due",
            "next_attempt_at",
            postgresql_where="status NOT IN ('done', 'undone')",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text, default=RUNNING)
    step: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSONB), default=dict)
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(default=0)
    signals: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(BigInteger, default=0)
    traceparent: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime]

    is_held = False
    """Whether whoever has this object in hand holds the lease; not stored."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Go:
    """The step is done; `result`, if any, becomes the process' result."""

    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """It cannot be done: undo everything and keep the problem."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: do this step again at `until`, or when `resume` is called.

    What a person decides may take longer than the process has: `deadline` then puts its own off,
    which is never brought forward.
    """

    until: datetime
    deadline: datetime | None = None


Outcome = Go | Refuse | Wait

Read = Callable[[AsyncSession, ProcessRow], Awaitable[Any]]
Call = Callable[["Runtime", Any], Awaitable[Any]]
Write = Callable[[AsyncSession, ProcessRow, Any], Awaitable[Outcome]]
WriteUndone = Callable[[AsyncSession, ProcessRow, Any], Awaitable[None]]


@dataclass(frozen=True)
class Undo:
    """How a step is undone, in the same three rooms. Nothing to undo is no failure."""

    write: WriteUndone
    read: Read | None = None
    call: Call | None = None


@dataclass(frozen=True)
class Step:
    """One step. Without `read` the call is given None, without `call` the write is given what was
    read. A Problem of kind Invalid, Conflict, NotFound or Forbidden raised in any room refuses;
    anything else is tried again with growing pauses.
    """

    name: str
    write: Write
    read: Read | None = None
    call: Call | None = None
    undo: Undo | None = None


@dataclass(frozen=True)
class Process:
    """A kind of process: its steps in order, the one after which there is no way back, and how
    long it may take to get there.
    """

    kind: str
    steps: tuple[Step, ...]
    pivot: str
    deadline: timedelta
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {step.name: index for index, step in enumerate(self.steps)}
        if len(places) != len(self.steps) or self.pivot not in places:
            raise ValueError(f"{self.kind}: steps need names of their own, the pivot among them")
        object.__setattr__(self, "_places", places)

    def step(self, name: str | None) -> Step:
        """The step of that name."""
        return self.steps[self._places[name or ""]]

    def after(self, name: str) -> str | None:
        """The name of the next step, None after the last."""
        place = self._places[name] + 1
        return self.steps[place].name if place < len(self.steps) else None

    def before(self, name: str) -> str | None:
        """The name of the nearest step before this one that has something to undo."""
        for step in reversed(self.steps[: self._places[name]]):
            if step.undo is not None:
                return step.name
        return None

    def is_past_pivot(self, name: str | None) -> bool:
        """Whether being at this step means that the pivot was committed."""
        return self._places[name or ""] > self._places[self.pivot]


async def start(
    runtime: "Runtime",
    process: Process,
    *,
    process_id: UUID,
    key: Claim | None,
    data: Mapping[str, Any],
    first: Callable[[AsyncSession, ProcessRow], Awaitable[None]] | None = None,
) -> ProcessRow:
    """Begin a process, in one transaction with `first` and the idempotency key that binds it.

    A repeat of the same key and body gives the process that is there already, in its present
    state, and does nothing; another body raises IdempotencyKeyReused. What `first` raises leaves
    nothing, not even the key. The caller drives what it gets: a new process comes with its lease.
    """
    now = runtime.clock.now()
    async with runtime.sessions() as session:
        begun = await session.scalar(
            insert(ProcessRow)
            .values(
                id=process_id,
                kind=process.kind,
                key=None if key is None else key.scope,
                fingerprint=None if key is None else key.fingerprint,
                status=RUNNING,
                step=process.steps[0].name,
                data=dict(data),
                attempts=0,
                signals=0,
                next_attempt_at=now,
                lease_token=1,
                lease_until=now + timedelta(seconds=runtime.settings.lease_seconds),
                traceparent=tracing.traceparent(),
                created_at=now,
                deadline_at=now + process.deadline,
            )
            .on_conflict_do_nothing()
            .returning(ProcessRow)
        )
        if begun is None:
            return await _find_begun(session, process_id, key)
        if first is not None:
            await first(session, begun)
        await commit(session, "process", process.kind, "start")
    row = cast(ProcessRow, begun)
    row.is_held = True
    return row


async def drive(
    runtime: "Runtime", process: ProcessRow | UUID, *, until: datetime | None = None
) -> ProcessRow:
    """Work on a process until it has ended, waits for something later than `until`, or `until` is
    reached; its state then. Somebody else's work on it is waited for.

    `until` is the present request's deadline unless given. What is left is a worker's.
    """
    if until is None:
        seconds = tracing.remaining(otherwise=runtime.settings.deadline_seconds)
        until = runtime.clock.now() + timedelta(seconds=max(0.0, seconds - _ANSWER_SECONDS))
    row = process if isinstance(process, ProcessRow) else await get(runtime, process)
    look = _FIRST_LOOK_SECONDS
    while True:
        if not row.is_held:
            row = await _take_lease(runtime, row.id)
        while row.is_held:
            row = await _advance(runtime, row, until)
        now = runtime.clock.now()
        ready_at = max(row.next_attempt_at, row.lease_until or now)
        if row.has_ended or now >= until or row.next_attempt_at > until:
            return row
        # Many may wait at once while a neighbour is away, so each looks less and less often.
        wait = (min(ready_at, until) - now).total_seconds()
        # What is ready, but not ours, somebody has locked: to look at once would be a busy loop.
        await asyncio.sleep(min(wait, look) if wait > 0 else look)
        look = min(look * 2, _LONGEST_LOOK_SECONDS)


async def run(runtime: "Runtime", *, stop: asyncio.Event) -> None:
    """Take up what waits, was interrupted or failed, until `stop`; then finish steps in hand."""
    if not runtime.service.processes:
        await stop.wait()
        return
    backoff = Backoff(runtime.random)
    in_hand: dict[UUID, asyncio.Task[bool]] = {}
    with runtime.wake.bell(WORK) as bell:
        bell.serves = True
        while not stop.is_set():
            try:
                for process_id in await _due(runtime, in_hand):
                    task = asyncio.create_task(_work(runtime, process_id, stop))
                    in_hand[process_id] = task
                    task.add_done_callback(lambda done: _ring_if_driven(bell, done))
                backoff.reset()
                await first_of(stop, bell.wait(runtime.settings.sweep_seconds))
            except Exception as error:
                log.warning("worker interrupted", error=str(error))
                await pause(stop, backoff.next())
            for process_id in [one for one, task in in_hand.items() if task.done()]:
                del in_hand[process_id]
    await asyncio.gather(*in_hand.values(), return_exceptions=True)


async def get(runtime: "Runtime", process_id: UUID) -> ProcessRow:
    """The process as it is now. Raises ProcessUnknown."""
    async with runtime.sessions() as session:
        row = await session.get(ProcessRow, process_id)
    if row is None:
        raise ProcessUnknown(process_id)
    return row


async def resume(session: AsyncSession, process_id: UUID, *, now: datetime) -> None:
    """Let a waiting process look again, after this transaction; what it waited for may be here.

    One that is at its step just now, about to wait, looks once more too.
    """
    await session.execute(
        update(ProcessRow)
        .where(ProcessRow.id == process_id, ProcessRow.status.not_in(ENDED))
        .values(
            signals=ProcessRow.signals + 1,
            next_attempt_at=func.least(ProcessRow.next_attempt_at, now),
        )
        .execution_options(synchronize_session=False)
    )
    _wake_after_commit(session.sync_session)


async def abandon(
    session: AsyncSession, process: Process, process_id: UUID, *, problem: Problem, now: datetime
) -> bool:
    """Undo a process that has not passed its pivot, whoever drives it; False when it is too late.

    Its driver loses the lease with this transaction, so what it has in hand is not written.
    """
    row = await session.get(ProcessRow, process_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise ProcessUnknown(process_id)
    if row.status not in (RUNNING, WAITING) or process.is_past_pivot(row.step):
        return False
    _turn_back(process, row, problem, now)
    row.lease_token += 1
    row.lease_until = None
    await session.flush()
    _wake_after_commit(session.sync_session)
    return True


def problem_of(row: ProcessRow) -> Problem | None:
    """Why the process was refused, to be raised to its caller; None if it was not."""
    if row.problem is None:
        return None
    told = ProblemDetail.model_validate(row.problem)
    return kind_of(told.status)(
        told.detail, code=told.code, errors=told.errors, extra=told.model_extra
    )


async def prune(session: AsyncSession, *, before: datetime, limit: int = 5_000) -> int:
    """Forget up to `limit` processes that ended before; how many."""
    old = (
        select(ProcessRow.id)
        .where(ProcessRow.status.in_(ENDED), ProcessRow.ended_at < before)
        .limit(limit)
    )
    gone = await session.execute(
        delete(ProcessRow).where(ProcessRow.id.in_(old)).returning(ProcessRow.id)
    )
    return len(gone.all())


async def _find_begun(session: AsyncSession, process_id: UUID, key: Claim | None) -> ProcessRow:
    """The process that was in the way: of the same key, or of the same id."""
    if key is not None:
        found = await session.scalar(select(ProcessRow).where(ProcessRow.key == key.scope))
        if found is not None:
            key.check(found.fingerprint or b"")
            return found
        raise ProcessBegun(process_id)
    return (await session.scalars(select(ProcessRow).where(ProcessRow.id == process_id))).one()


async def _due(runtime: "Runtime", in_hand: Collection[UUID]) -> Sequence[UUID]:
    """Some processes that nobody works on and whose time has come."""
    room = _DRIVEN_AT_ONCE - len(in_hand)
    if room <= 0:
        return ()
    now = runtime.clock.now()
    async with runtime.reader.connect() as connection:
        found = await connection.execute(
            select(ProcessRow.id)
            .where(
                text("processes.status NOT IN ('done', 'undone')"),
                ProcessRow.next_attempt_at <= now,
                or_(ProcessRow.lease_until.is_(None), ProcessRow.lease_until <= now),
                ProcessRow.id.not_in(in_hand),
            )
            .order_by(ProcessRow.next_attempt_at)
            .limit(room)
        )
        return found.scalars().all()


async def _work(runtime: "Runtime", process_id: UUID, stop: asyncio.Event) -> bool:
    """Drive one process as far as it goes now; whether it was ours to drive."""
    try:
        row = await _take_lease(runtime, process_id)
        is_ours = row.is_held
        while row.is_held:
            seconds = runtime.settings.lease_seconds
            until = runtime.clock.now() + timedelta(seconds=seconds)
            with tracing.scope(traceparent=row.traceparent, seconds=seconds):
                row = await _advance(runtime, row, until)
                if stop.is_set() and row.is_held:
                    row = await _let_go(runtime, row, runtime.clock.now())
    except Exception as error:
        log.warning("process interrupted", process_id=str(process_id), exc_info=error)
        return False
    return is_ours


def _ring_if_driven(bell: Bell, done: "asyncio.Task[bool]") -> None:
    """Look again at once, but not for what somebody else has locked: that would be a busy loop."""
    if not done.cancelled() and done.result():
        bell.ring()


async def _take_lease(runtime: "Runtime", process_id: UUID) -> ProcessRow:
    """Take the process over if its time has come and nobody holds it; its state in any case."""
    now = runtime.clock.now()
    async with runtime.sessions() as session:
        free = (
            select(ProcessRow.id)
            .where(
                ProcessRow.id == process_id,
                ProcessRow.status.not_in(ENDED),
                ProcessRow.next_attempt_at <= now,
                or_(ProcessRow.lease_until.is_(None), ProcessRow.lease_until <= now),
            )
            .with_for_update(skip_locked=True)  # who writes it just now has it
            .scalar_subquery()
        )
        taken = await session.scalar(
            update(ProcessRow)
            .where(ProcessRow.id == free)
            .values(
                lease_token=ProcessRow.lease_token + 1,
                lease_until=now + timedelta(seconds=runtime.settings.lease_seconds),
            )
            .returning(ProcessRow)
            .execution_options(synchronize_session=False)
        )
        if taken is not None:
            await commit(session, "process", taken.kind, "lease")
            taken.is_held = True
            return taken
    return await get(runtime, process_id)


async def _advance(runtime: "Runtime", row: ProcessRow, until: datetime) -> ProcessRow:
    """Do, or undo, the one step that the process is at; its state after that."""
    process = _process_of(runtime, row)
    step = process.step(row.step)
    is_forward = row.status != UNDOING
    is_final = not is_forward or process.is_past_pivot(step.name)
    rooms = _forward(step) if is_forward else _backward(step)
    try:
        if not is_final and runtime.clock.now() >= row.deadline_at:
            raise _Refused(ProcessTimedOut(step.name))
        return await _do(runtime, process, row, rooms, until)
    except LeaseLost:
        log.warning("lease lost", process_id=str(row.id), step=step.name)
        return await get(runtime, row.id)
    except (_Refused, *_REFUSALS) as refusal:
        problem = refusal.problem if isinstance(refusal, _Refused) else refusal
        if is_final:
            return await _try_later(runtime, row, problem)
        return await _turn(runtime, process, row, problem)
    except _OutOfTime:
        return await _let_go(runtime, row, runtime.clock.now())
    except Exception as failure:
        return await _try_later(runtime, row, failure)


@dataclass(frozen=True, slots=True)
class _Rooms:
    read: Read | None
    call: Call | None
    write: Write


def _forward(step: Step) -> _Rooms:
    return _Rooms(step.read, step.call, step.write)


def _backward(step: Step) -> _Rooms:
    undo = step.undo
    if undo is None:
        return _Rooms(None, None, _nothing)

    async def write(session: AsyncSession, row: ProcessRow, reply: Any) -> Outcome:
        await undo.write(session, row, reply)
        return Go()

    return _Rooms(undo.read, undo.call, write)


def _place(row: ProcessRow, *what: str) -> tuple[str | None, ...]:
    """What its failpoints are called where the process is now."""
    undoing = ("undo",) if row.status == UNDOING else ()
    return ("process", row.kind, row.step, *undoing, *what)


async def _nothing(session: AsyncSession, row: ProcessRow, reply: Any) -> Outcome:
    return Go()


class _Refused(Exception):
    """A write returned Refuse."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class _OutOfTime(Exception):
    """Whoever asked waits no longer; nothing is wrong with the step."""


async def _do(
    runtime: "Runtime", process: Process, row: ProcessRow, rooms: _Rooms, until: datetime
) -> ProcessRow:
    """The three rooms; the first and the last are one where nothing is called between them."""
    place = _place(row)
    need: Any = None
    if rooms.call is not None:
        if rooms.read is not None:
            async with runtime.sessions() as session:
                need = await rooms.read(session, await _hold(session, row, lock=False))
        failpoints.hit(*place, "calling")
        need = await _call(runtime, row, rooms.call, need, until)
        failpoints.hit(*place, "called")
    async with runtime.sessions() as session:
        held = await _hold(session, row, lock=True)
        if rooms.call is None and rooms.read is not None:
            need = await rooms.read(session, held)
        outcome = await rooms.write(session, held, need)
        if isinstance(outcome, Refuse):
            raise _Refused(outcome.problem)
        _settle(runtime, process, held, outcome, signals=row.signals)
        await commit(session, *place)
    return held


async def _call(runtime: "Runtime", row: ProcessRow, call: Call, need: Any, until: datetime) -> Any:
    """Call with no transaction open, within the lease and as long as anybody waits."""
    now = runtime.clock.now()
    lease_seconds = ((row.lease_until or now) - now).total_seconds() - _LEASE_MARGIN_SECONDS
    until_seconds = (until - now).total_seconds()
    if lease_seconds <= 0:
        raise LeaseLost
    if until_seconds <= 0:
        raise _OutOfTime
    try:
        async with asyncio.timeout(min(lease_seconds, until_seconds)) as limit:
            return await call(runtime, need)
    except TimeoutError:
        if limit.expired() and until_seconds < lease_seconds:
            raise _OutOfTime from None
        raise


async def _hold(session: AsyncSession, row: ProcessRow, *, lock: bool) -> ProcessRow:
    """The row as it is now, if our lease still holds; locked, nobody can take it meanwhile."""
    wanted = select(ProcessRow).where(
        ProcessRow.id == row.id, ProcessRow.lease_token == row.lease_token
    )
    held = await session.scalar(wanted.with_for_update() if lock else wanted)
    if held is None:
        raise LeaseLost
    return held


def _settle(
    runtime: "Runtime", process: Process, row: ProcessRow, outcome: Outcome, *, signals: int
) -> None:
    """Write the outcome into the locked row: the next step, an end, or a wait."""
    now = runtime.clock.now()
    step = cast(str, row.step)
    row.attempts = 0
    row.next_attempt_at = now
    row.lease_until = now + timedelta(seconds=runtime.settings.lease_seconds)
    row.is_held = True
    if isinstance(outcome, Wait):
        row.deadline_at = max(row.deadline_at, outcome.deadline or row.deadline_at)
        if row.signals == signals:
            is_bounded = not process.is_past_pivot(step)
            row.status = WAITING
            row.next_attempt_at = (
                min(outcome.until, row.deadline_at) if is_bounded else outcome.until
            )
            _release(row)
        return
    if isinstance(outcome, Go) and outcome.result is not None:
        row.result = dict(outcome.result)
    is_undoing = row.status == UNDOING
    following = process.before(step) if is_undoing else process.after(step)
    if following is None:
        row.status = UNDONE if is_undoing else DONE
        row.ended_at = now
        _release(row)
    else:
        row.step = following
        row.status = row.status if is_undoing else RUNNING


def _turn_back(process: Process, row: ProcessRow, problem: Problem, now: datetime) -> None:
    """From here on undo, beginning with the step that was refused."""
    step = cast(str, row.step)
    row.problem = problem.as_detail().model_dump(mode="json")
    row.attempts = 0
    row.next_attempt_at = now
    first = step if process.step(step).undo is not None else process.before(step)
    if first is None:
        row.status = UNDONE
        row.ended_at = now
        _release(row)
    else:
        row.status = UNDOING
        row.step = first


def _release(row: ProcessRow) -> None:
    row.lease_until = None
    row.is_held = False


async def _turn(
    runtime: "Runtime", process: Process, row: ProcessRow, problem: Problem
) -> ProcessRow:
    log.info("process refused", process_id=str(row.id), step=row.step, code=problem.code)

    def change(held: ProcessRow) -> None:
        held.is_held = True
        _turn_back(process, held, problem, runtime.clock.now())

    return await _change(runtime, row, change, "refused")


async def _try_later(runtime: "Runtime", row: ProcessRow, failure: Exception) -> ProcessRow:
    """Count the failure and let go of the process until its next attempt."""
    now = runtime.clock.now()
    seconds = delay(
        row.attempts + 1,
        first=_FIRST_RETRY_SECONDS,
        cap=_LONGEST_RETRY_SECONDS,
        random=runtime.random,
    )
    log.warning(
        "step failed",
        process_id=str(row.id),
        step=row.step,
        status=row.status,
        attempts=row.attempts + 1,
        seconds=round(seconds, 2),
        exc_info=failure,
    )

    def change(held: ProcessRow) -> None:
        held.attempts += 1
        held.next_attempt_at = now + timedelta(seconds=seconds)
        _release(held)

    return await _change(runtime, row, change, "failed")


async def _let_go(runtime: "Runtime", row: ProcessRow, now: datetime) -> ProcessRow:
    """Leave the process to a worker, at once."""

    def change(held: ProcessRow) -> None:
        held.next_attempt_at = now
        _release(held)

    left = await _change(runtime, row, change, "left")
    runtime.wake.ring(WORK)
    return left


async def _change(
    runtime: "Runtime", row: ProcessRow, change: Callable[[ProcessRow], None], what: str
) -> ProcessRow:
    """Change the row in a transaction of its own, if our lease still holds."""
    place = _place(row, what)
    try:
        async with runtime.sessions() as session:
            held = await _hold(session, row, lock=True)
            change(held)
            await commit(session, *place)
    except LeaseLost:
        return await get(runtime, row.id)
    return held


def _process_of(runtime: "Runtime", row: ProcessRow) -> Process:
    for process in runtime.service.processes:
        if process.kind == row.kind:
            return process
    raise LookupError(f"{runtime.service.name} has no process of kind {row.kind}")


def _wake_after_commit(session: Session) -> None:
    wake = session.info.get("wake")
    if wake is not None and not session.info.get("process.rings"):
        session.info["process.rings"] = True
        event.listen(session, "after_commit", lambda _: wake.ring(WORK))
