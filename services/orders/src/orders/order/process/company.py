"""Placing a member's order: a durable process of seven steps, placed or fully undone in the end.

```
check    catalog and pricing, on behalf of the member                     undo: reopen the cart
reserve  stock, in our own database                                       undo: release
hold     accounts holds credit and budget, or refuses                     undo: release
approve  approvals says whether somebody must decide; until then, wait    undo: withdraw
pay      the provider authorises; nothing on terms                        undo: void
place    the order, its event; stock bound, cart ordered                  (no way back)
settle   accounts turns what it held into used
```
Whether somebody must approve is never decided here: approvals is told what was submitted, what
the member may place alone, and what accounts said of credit and budget. Its event only wakes the
step, which asks it for the truth. While a person decides, everything held stays held, and price
and tax stay as submitted. An approval stands for what was submitted, so that a member who is
removed meanwhile does not undo it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import process
from chassis.db import commit
from chassis.process import Go, Outcome, Process, ProcessRow, Refuse, Step, Undo, Wait
from chassis.runtime import Runtime
from contracts.approvals import ApprovalRequest, ApprovalStatus, PutApprovalRequest
from contracts.buyers import BuyerProfile
from contracts.companies import Hold, PutHold
from contracts.orders import PlacementStatus, TermsPayment
from orders import clients
from orders.errors import (
    NothingToPay,
    PlacementAlreadyPlaced,
    PlacementCancelled,
    PlacementNotFound,
    PlacementNotYours,
)
from orders.order import commands, domain, queries
from orders.order.domain import (
    Submitter,
    Terms,
    Viewer,
    may_cancel,
    refusal_of_hold,
    refusal_of_request,
)
from orders.order.process.steps import (
    PAY,
    RESERVE,
    agreed_of,
    ask_neighbours,
    body_of,
    now_of,
    place,
    read_submission,
    reopen,
    submitter_of,
    terms_of,
    write_agreed,
)
from orders.order.views import why_undone
from orders.settings import OrdersSettings

_GRACE = timedelta(hours=1)
"""How long after a request's own end approvals may be away before everything is undone."""


async def cancel_placing(
    runtime: Runtime, placement_id: UUID, buyer: BuyerProfile
) -> ProcessRow | None:
    """Cancel a member's order that is not placed yet; None where nothing is left to be undone.

    Against an approval that comes at the same moment, whoever locks the process first wins.
    Raises PlacementNotFound, PlacementNotYours, PlacementAlreadyPlaced.
    """
    async with runtime.sessions() as session:
        placement = await queries.find_placement(session, placement_id, Viewer(buyer=buyer))
        if placement is None or placement.buyer is None:
            raise PlacementNotFound
        if not may_cancel(buyer, member_id=placement.buyer.member_id):
            raise PlacementNotYours
        if placement.status is PlacementStatus.REFUSED:
            return None
        if placement.order is not None:
            raise PlacementAlreadyPlaced(placement.order.number)
        now, pending = now_of(session), PlacementStatus.PENDING
        is_turned = await process.abandon(
            session, COMPANY_PLACING, placement_id, problem=PlacementCancelled(), now=now
        )
        if is_turned:
            await commands.note_placement(session, placement_id, pending, now=now)
            await commit(session, "placement", "cancel")
    row = await process.get(runtime, placement_id)
    if row.result is not None:
        raise PlacementAlreadyPlaced(row.result["order_number"])
    return row


def _submitter(row: ProcessRow) -> Submitter:
    submitter = submitter_of(row)
    if submitter is None:
        raise ValueError("a member's order has nobody who submitted it")
    return submitter


async def _write_agreed(session: AsyncSession, row: ProcessRow, checked: Any) -> Outcome:
    outcome = await write_agreed(session, row, checked)
    total = agreed_of(row).totals.total
    if total.gross.minor <= 0:
        raise NothingToPay
    await commands.note_placement_total(session, row.id, total, now=now_of(session))
    return outcome


async def _close(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    """The last that is undone: with it the placing is refused."""
    await reopen(session, row, None)
    problem = why_undone(row) or PlacementCancelled()
    await commands.note_placement(
        session,
        row.id,
        PlacementStatus.REFUSED,
        now=now_of(session),
        problem=problem.as_detail().model_dump(mode="json"),
    )


def _hold_id(row: ProcessRow) -> str:
    return f"{row.id}:hold"


async def _read_hold(session: AsyncSession, row: ProcessRow) -> tuple[str, PutHold]:
    body = body_of(row)
    return _hold_id(row), PutHold(
        member_id=_submitter(row).member_id,
        amount=agreed_of(row).totals.total.gross,
        purchase_order_number=body.purchase_order_number,
        takes_credit=isinstance(body.payment, TermsPayment),
    )


async def _hold(runtime: Runtime, need: tuple[str, PutHold]) -> Hold:
    hold_id, asked = need
    return await clients.hold_credit(runtime, hold_id, asked)


async def _write_hold(session: AsyncSession, row: ProcessRow, hold: Hold) -> Outcome:
    if (refusal := refusal_of_hold(hold)) is not None:
        return Refuse(refusal)
    terms = Terms(agreement=hold.agreement, payment_days=hold.payment_days, over=hold.over)
    row.data["terms"] = terms.model_dump(mode="json")
    return Go()


async def _read_hold_id(session: AsyncSession, row: ProcessRow) -> str:
    return _hold_id(row)


async def _release(runtime: Runtime, hold_id: str) -> None:
    await clients.release_hold(runtime, hold_id)


async def _nothing_more(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    """Nothing in our own tables goes with it."""


@dataclass(frozen=True, slots=True)
class _Question:
    request_id: str
    asked: PutApprovalRequest
    is_known: bool
    """Whether approvals has it already, and somebody has to decide."""


@dataclass(frozen=True, slots=True)
class _Decision:
    request: ApprovalRequest
    ask_again: timedelta


def _request_id(row: ProcessRow) -> str:
    return f"{row.id}:approve"


async def _read_question(session: AsyncSession, row: ProcessRow) -> _Question:
    submitter, terms = _submitter(row), terms_of(row)
    asked = PutApprovalRequest(
        subject_type=domain.SUBJECT_TYPE,
        subject_id=row.id,
        member_id=submitter.member_id,
        amount=agreed_of(row).totals.total.gross,
        order_limit=submitter.order_limit,
        over=[] if terms is None else terms.over,
        purchase_order_number=body_of(row).purchase_order_number,
    )
    return _Question(_request_id(row), asked, is_known=row.data.get("is_awaiting", False))


async def _ask(runtime: Runtime, question: _Question) -> _Decision:
    ask_again = cast(OrdersSettings, runtime.settings).approval_poll_seconds
    if question.is_known:
        request = await clients.get_approval(runtime, question.request_id, question.asked)
    else:
        request = await clients.ask_approval(runtime, question.request_id, question.asked)
    return _Decision(request, timedelta(seconds=ask_again))


async def _write_decision(session: AsyncSession, row: ProcessRow, decision: _Decision) -> Outcome:
    request, now = decision.request, now_of(session)
    if (refusal := refusal_of_request(request)) is not None:
        return Refuse(refusal)
    if request.status is not ApprovalStatus.PENDING:
        await commands.note_placement(session, row.id, PlacementStatus.PENDING, now=now)
        return Go()
    row.data["is_awaiting"] = True
    await commands.note_placement(
        session,
        row.id,
        PlacementStatus.AWAITING_APPROVAL,
        now=now,
        approval_request_id=request.id,
    )
    return Wait(until=now + decision.ask_again, deadline=request.expires_at + _GRACE)


async def _read_request_id(session: AsyncSession, row: ProcessRow) -> str:
    return _request_id(row)


async def _withdraw(runtime: Runtime, request_id: str) -> None:
    await clients.withdraw_approval(runtime, request_id)


async def _write_withdrawn(session: AsyncSession, row: ProcessRow, _: Any) -> None:
    """Nobody is waited for any more."""
    now = now_of(session)
    await commands.note_placement(session, row.id, PlacementStatus.PENDING, now=now)


async def _place(session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
    placed = await place(session, row, None)
    await commands.note_placement(
        session,
        row.id,
        PlacementStatus.PLACED,
        now=now_of(session),
        order_number=(placed.result or {})["order_number"],
    )
    return placed


async def _read_placed(session: AsyncSession, row: ProcessRow) -> tuple[str, str]:
    return _hold_id(row), (row.result or {})["order_number"]


async def _settle(runtime: Runtime, need: tuple[str, str]) -> None:
    hold_id, number = need
    await clients.settle_hold(runtime, hold_id, order_number=number)


async def _go(session: AsyncSession, row: ProcessRow, _: Any) -> Outcome:
    return Go()


COMPANY_PLACING = Process(
    kind=domain.COMPANY_PLACING,
    steps=(
        Step(
            "check",
            read=read_submission,
            call=ask_neighbours,
            write=_write_agreed,
            undo=Undo(write=_close),
        ),
        RESERVE,
        Step(
            "hold",
            read=_read_hold,
            call=_hold,
            write=_write_hold,
            undo=Undo(read=_read_hold_id, call=_release, write=_nothing_more),
        ),
        Step(
            "approve",
            read=_read_question,
            call=_ask,
            write=_write_decision,
            undo=Undo(read=_read_request_id, call=_withdraw, write=_write_withdrawn),
        ),
        PAY,
        Step("place", write=_place),
        Step("settle", read=_read_placed, call=_settle, write=_go),
    ),
    pivot="place",
    deadline=timedelta(minutes=15),
)
"""Fifteen minutes of its own; while a person decides, as long as the request and an hour more."""
