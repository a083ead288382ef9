"""Capturing and refunding: booked with us first, then asked of the provider until it answers.

```
book     set the amount aside; two at once never ask for more than there is
ask      the provider moves the money, under the movement's id, or refuses     (no way back)
```
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import process
from chassis.clock import Clock
from chassis.idempotency import Claim
from chassis.process import Go, Outcome, Process, ProcessRow, Step
from chassis.runtime import Runtime
from contracts.ids import new_id
from contracts.money import Money
from contracts.orders import MovementKind
from contracts.problems import Conflict
from orders import clients
from orders.order import commands as orders
from orders.order import queries as order_queries
from orders.payment import commands, queries


@dataclass(frozen=True, slots=True)
class _Asked:
    movement_id: UUID
    payment_key: str
    kind: MovementKind
    amount: Money


async def begin_moving(
    runtime: Runtime, number: str, kind: MovementKind, amount: Money | None, *, key: Claim
) -> ProcessRow:
    """Begin to capture or refund, or find what was begun under the same key.

    Raises OrderNotFound.
    """
    async with runtime.reader.connect() as connection:
        paid = await order_queries.get_paid(connection, number)
    wire = None if amount is None else {"amount": amount.amount, "currency": amount.currency}
    return await process.start(
        runtime,
        SETTLEMENT,
        process_id=new_id(),
        key=key,
        data={
            "order_id": str(paid.order_id),
            "payment_key": paid.payment_key,
            "kind": kind,
            "amount": wire,
        },
    )


async def _book(session: AsyncSession, row: ProcessRow, _: None) -> Outcome:
    amount = row.data["amount"]
    await commands.book_movement(
        session,
        row.id,
        row.data["payment_key"],
        kind=MovementKind(row.data["kind"]),
        amount=None if amount is None else Money.parse(amount["amount"], amount["currency"]),
        now=_now(session),
    )
    return Go()


async def _read(session: AsyncSession, row: ProcessRow) -> _Asked:
    movement = await queries.get_movement(session, row.id)
    return _Asked(
        movement_id=movement.id,
        payment_key=movement.payment_key,
        kind=MovementKind(movement.kind),
        amount=Money(movement.amount_minor, movement.currency),
    )


async def _ask(runtime: Runtime, asked: _Asked) -> str | None:
    """Why the provider will not, None if it did."""
    try:
        await clients.move_payment(
            runtime,
            asked.payment_key,
            movement_id=asked.movement_id,
            kind=asked.kind,
            amount=asked.amount,
        )
    except Conflict as refusal:
        return refusal.detail
    return None


async def _note(session: AsyncSession, row: ProcessRow, refusal: str | None) -> Outcome:
    now = _now(session)
    if refusal is not None:
        await commands.note_refused(session, row.id, refusal, now=now)
        return Go()
    payment = await commands.note_moved(session, row.id, now=now)
    await orders.note_payment_changed(session, UUID(row.data["order_id"]), payment, now=now)
    return Go()


def _now(session: AsyncSession) -> datetime:
    clock: Clock = session.info["clock"]
    return clock.now()


SETTLEMENT = Process(
    kind="settlement",
    steps=(Step("book", write=_book), Step("ask", read=_read, call=_ask, write=_note)),
    pivot="book",
    deadline=timedelta(minutes=15),
)
