"""Writes of holds.

Everything on one hold queues at its id, then at its company's credit ledger, then at budgets'
ledgers by key; so nothing is taken twice, and nobody waits in a circle.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.agreement.queries import find_in_force
from accounts.budget.queries import list_in_force
from accounts.errors import HoldDiffers, HoldNotOpen, HoldUnknown
from accounts.hold.domain import Line, Verdict, judge
from accounts.hold.tables import HoldRow
from accounts.hold.views import as_hold
from accounts.ledger.commands import move, open_ledger
from accounts.ledger.domain import LedgerKind, Standing, hold, release, settle
from accounts.ledger.queries import list_held, lock_ledgers
from accounts.profile.queries import find_profile
from contracts.buyers import BuyerProfile
from contracts.companies import (
    Agreement,
    Hold,
    HoldOutcome,
    HoldProblem,
    OverLimit,
    OverReason,
    PutHold,
)
from contracts.problems import FieldError

_OPEN = (HoldOutcome.GRANTED, HoldOutcome.NEEDS_APPROVAL)


async def put_hold(session: AsyncSession, hold_id: str, body: PutHold, *, now: datetime) -> Hold:
    """Hold credit and budget for an order, or say why not; the answer to an id stays.

    One that was released before it came stays released, and nothing is held. Raises HoldDiffers
    where the id was used with another content.
    """
    row = await _lock_hold(session, hold_id)
    asked = body.model_dump(mode="json")
    if row is not None:
        if row.request is not None and row.request != asked:
            raise HoldDiffers(hold_id)
        return as_hold(row)
    row = HoldRow(
        id=hold_id,
        request=asked,
        member_id=body.member_id,
        amount_minor=body.amount.minor,
        currency=body.amount.currency,
        over=[],
        created_at=now,
        updated_at=now,
    )
    verdict = await _hold(session, row, body, now=now)
    row.outcome = verdict.outcome.value
    row.over = [reason.value for reason in verdict.over]
    if verdict.problem is not None:
        row.problem = verdict.problem.model_dump(mode="json")
    session.add(row)
    await session.flush()
    return as_hold(row)


async def release_hold(session: AsyncSession, hold_id: str, *, now: datetime) -> Hold:
    """Give back what a hold took; again changes nothing. A refused one stays refused.

    An unknown id leaves a tombstone. Raises HoldNotOpen for a settled one.
    """
    row = await _lock_hold(session, hold_id)
    if row is None:
        row = HoldRow(
            id=hold_id,
            outcome=HoldOutcome.RELEASED.value,
            over=[],
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        await session.flush()
    elif row.outcome in _OPEN:
        await _end(session, row, HoldOutcome.RELEASED, now=now)
    elif row.outcome == HoldOutcome.SETTLED:
        raise HoldNotOpen(hold_id, row.outcome)
    return as_hold(row)


async def settle_hold(
    session: AsyncSession, hold_id: str, *, order_number: str, now: datetime
) -> Hold:
    """Turn what is held into used by an order; the same again changes nothing.

    Raises HoldUnknown, and HoldNotOpen for one that is refused, released, or another order's.
    """
    row = await _lock_hold(session, hold_id)
    if row is None:
        raise HoldUnknown(hold_id)
    if row.outcome in _OPEN:
        await _end(session, row, HoldOutcome.SETTLED, order_number=order_number, now=now)
    elif row.outcome != HoldOutcome.SETTLED or row.order_number != order_number:
        raise HoldNotOpen(hold_id, row.outcome)
    return as_hold(row)


async def _lock_hold(session: AsyncSession, hold_id: str) -> HoldRow | None:
    """A hold, there or not, for one writer at a time until the transaction ends."""
    name = f"accounts/hold/{hold_id}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    return await session.get(HoldRow, hold_id, populate_existing=True)


async def _hold(session: AsyncSession, row: HoldRow, body: PutHold, *, now: datetime) -> Verdict:
    """Take what is asked for from all ledgers it counts against, or from none."""
    buyer = await find_profile(session, body.member_id)
    if buyer is None or not buyer.is_active:
        return _refused("member-inactive", "There is no such member, or access was taken away.")
    row.company = buyer.company
    if body.amount.currency != buyer.currency:
        return _refused("currency-not-agreed", f"The company trades in {buyer.currency}.")
    credit = await _lock_credit(session, buyer)
    agreement = (await find_in_force(session, [buyer.company], now=now)).get(buyer.company)
    refusal = _check_terms(body, agreement)
    if refusal is not None:
        return refusal
    lines = await _lock_budgets(session, buyer, now=now)
    if body.takes_credit and agreement is not None:
        row.agreement, row.payment_days = agreement.key, agreement.payment_days
        limit, over = agreement.credit_limit.minor, agreement.over_credit
        lines = [Line(OverReason.CREDIT, buyer.company, limit, over, credit), *lines]
    verdict = judge(body.amount, lines)
    if verdict.outcome in _OPEN:
        ledgers = [line.ledger for line in lines]
        await move(session, ledgers, hold(body.amount.minor), hold_id=row.id, now=now)
    return verdict


def _check_terms(body: PutHold, agreement: Agreement | None) -> Verdict | None:
    """What the agreement in force asks of an order, whatever it comes to."""
    if agreement is None:
        if not body.takes_credit:
            return None
        return _refused("no-agreement", "The company has no agreement in force, so no credit.")
    if agreement.requires_purchase_order and body.purchase_order_number is None:
        return _refused(
            "purchase-order-number-required",
            "The company's orders need its own purchase order number.",
            field="/purchase_order_number",
        )
    return None


def _refused(code: str, detail: str, *, field: str | None = None) -> Verdict:
    errors = [] if field is None else [FieldError(pointer=field, code=code, message=detail)]
    problem = HoldProblem(code=code, detail=detail, errors=errors)
    return Verdict(HoldOutcome.REFUSED, problem=problem)


async def _lock_credit(session: AsyncSession, buyer: BuyerProfile) -> Standing:
    """Let one order of a company at a time at its limits, whether it takes credit or not."""
    company = buyer.company
    standings = await lock_ledgers(session, LedgerKind.CREDIT, [company])
    if company not in standings:
        await open_ledger(session, LedgerKind.CREDIT, company, currency=buyer.currency)
        standings = await lock_ledgers(session, LedgerKind.CREDIT, [company])
    return standings[company]


async def _lock_budgets(session: AsyncSession, buyer: BuyerProfile, *, now: datetime) -> list[Line]:
    """The budgets in force of the member's unit and of those above it, by key."""
    budgets = await list_in_force(session, buyer.units, now=now)
    if not budgets:
        return []
    standings = await lock_ledgers(session, LedgerKind.BUDGET, [one.key for one in budgets])
    return [
        Line(
            OverReason.BUDGET,
            one.key,
            one.amount_minor,
            OverLimit(one.over_budget),
            standings[one.key],
        )
        for one in budgets
    ]


async def _end(
    session: AsyncSession,
    row: HoldRow,
    outcome: HoldOutcome,
    *,
    order_number: str | None = None,
    now: datetime,
) -> None:
    """Release or settle all that a hold took, in the order in which ledgers are locked."""
    taken = await list_held(session, row.id)
    movement = release if outcome is HoldOutcome.RELEASED else settle
    if taken:
        (amount_minor,) = {amount for _, _, amount in taken}
        ledgers = [(kind, owner) for kind, owner, _ in taken]
        await move(
            session,
            ledgers,
            movement(amount_minor),
            hold_id=row.id,
            order_number=order_number,
            now=now,
        )
    row.outcome = outcome.value
    row.order_number = order_number
    row.updated_at = now
    await session.flush()
