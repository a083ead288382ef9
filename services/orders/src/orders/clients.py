"""Calls to other services: one function a call. What comes back is checked to add up, for it
becomes what somebody pays.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, cast
from uuid import UUID

from pydantic import BaseModel

from chassis.http import NeighbourUnavailable, Reply, segment
from chassis.runtime import Runtime
from contracts.approvals import ApprovalRequest, PutApprovalRequest
from contracts.catalog import CheckEntitlement, Entitlement, SkuEntitlement
from contracts.companies import Hold, HoldOutcome, PutHold, SettleHold
from contracts.money import Money
from contracts.orders import MovementKind
from contracts.pricing import (
    PricedLine,
    PriceResolution,
    PricingOutcome,
    ResolvePrices,
    TaxedAmount,
)
from contracts.problems import Conflict, Problem, Unavailable
from contracts.testpay import (
    AuthorisePayment,
    CapturePayment,
    ProviderPayment,
    ProviderPaymentStatus,
)
from orders.errors import CartNotPriceable, CartTooExpensive, MemberInactive
from orders.payment.domain import Authorised, Declined, Pending
from orders.settings import OrdersSettings

_CHECKED_AT_ONCE = 1000
_TOO_LARGE = frozenset({"line-too-large", "total-too-large"})


async def resolve_prices(
    runtime: Runtime, asked: ResolvePrices, *, member_id: UUID | None = None
) -> PriceResolution:
    """What lines cost now: a member, or everybody.

    Raises CartTooExpensive, CartNotPriceable when pricing cannot say (no tax rate for the
    country, say), and NeighbourUnavailable, also for an answer that does not add up or while
    pricing has not heard of the store yet.
    """
    pricing = runtime.neighbours["pricing"]
    try:
        reply = await pricing.post(
            "/v1/prices/resolve",
            content=asked.model_dump_json().encode(),
            headers=_JSON,
            is_read=True,
            on_behalf_of=_name(member_id),
        )
    except Unavailable:
        raise
    except Problem as problem:
        if problem.code in _TOO_LARGE:
            raise CartTooExpensive from problem
        if problem.code == "store-unknown":
            raise NeighbourUnavailable("pricing", "it does not know the store yet") from problem
        raise CartNotPriceable(problem.detail) from problem
    resolution = reply.parse(PriceResolution)
    if not _answers(asked, resolution):
        raise NeighbourUnavailable("pricing", "its answer does not add up")
    return resolution


async def check_entitlement(
    runtime: Runtime, store: str, skus: Sequence[str], *, member_id: UUID | None = None
) -> dict[str, SkuEntitlement]:
    """Which SKUs a member, or a guest, may order in a store now; in one call up to 1,000 SKUs.

    Raises NeighbourUnavailable.
    """
    wanted = list(dict.fromkeys(skus))
    parts = [
        wanted[start : start + _CHECKED_AT_ONCE]
        for start in range(0, len(wanted), _CHECKED_AT_ONCE)
    ]
    answers = await asyncio.gather(
        *(_check_part(runtime, store, part, member_id=member_id) for part in parts)
    )
    return {item.sku: item for answer in answers for item in answer}


async def _check_part(
    runtime: Runtime, store: str, skus: list[str], *, member_id: UUID | None
) -> list[SkuEntitlement]:
    asked = CheckEntitlement(store=store, skus=skus)
    reply = await runtime.neighbours["catalog"].post(
        "/v1/entitlements/check",
        content=asked.model_dump_json().encode(),
        headers=_JSON,
        is_read=True,
        on_behalf_of=_name(member_id),
    )
    items = reply.parse(Entitlement).items
    if {item.sku for item in items} != set(skus):
        raise NeighbourUnavailable("catalog", "its answer is about something else")
    return items


async def authorise_payment(
    runtime: Runtime, reference: str, *, amount: Money, token: str
) -> Authorised | Declined | Pending:
    """Ask the provider to reserve an amount; the same again tells how that stands now.

    Raises NeighbourUnavailable, also for an answer that is about something else.
    """
    asked = AuthorisePayment(reference=reference, amount=amount, token=token)
    payment = await _ask_provider(runtime, "/v1/payments", asked, key=reference)
    if payment.reference != reference:
        raise NeighbourUnavailable("testpay", "its answer is about something else")
    if payment.status is ProviderPaymentStatus.PENDING:
        return Pending()
    if payment.status is not ProviderPaymentStatus.AUTHORISED:
        return Declined(payment.reason or f"it is {payment.status}")
    if payment.amount != amount:
        raise NeighbourUnavailable("testpay", "it authorised another amount")
    return Authorised(reference=payment.reference)


async def void_payment(runtime: Runtime, reference: str) -> None:
    """Have given back what was reserved; one that never came is refused from now on.

    Raises NeighbourUnavailable.
    """
    path = f"/v1/payments/{segment(reference)}/void"
    await _ask_provider(runtime, path, None, key=f"{reference}:void")


async def hold_credit(runtime: Runtime, hold_id: str, asked: PutHold) -> Hold:
    """Have credit and budget held, or hear why not; the same again tells how that stands.

    Raises NeighbourUnavailable, also for an answer that is about something else.
    """
    path = f"/v1/holds/{segment(hold_id)}"
    hold = (await _ask_house(runtime, "accounts", "PUT", path, asked)).parse(Hold)
    is_held = hold.outcome in (HoldOutcome.GRANTED, HoldOutcome.NEEDS_APPROVAL)
    if hold.id != hold_id or hold.outcome is HoldOutcome.SETTLED:
        raise NeighbourUnavailable("accounts", "its answer is about something else")
    if is_held and hold.amount not in (None, asked.amount):
        raise NeighbourUnavailable("accounts", "it holds another amount")
    if is_held and asked.takes_credit and (hold.agreement is None or hold.payment_days is None):
        raise NeighbourUnavailable("accounts", "it does not say on which terms")
    return hold


async def release_hold(runtime: Runtime, hold_id: str) -> None:
    """Have given back what is held; one that never came is refused from now on.

    Raises NeighbourUnavailable.
    """
    path = f"/v1/holds/{segment(hold_id)}/release"
    key = f"{hold_id}:release"
    hold = (await _ask_house(runtime, "accounts", "POST", path, None, key=key)).parse(Hold)
    if hold.outcome not in (HoldOutcome.RELEASED, HoldOutcome.REFUSED):
        raise NeighbourUnavailable("accounts", f"the hold is {hold.outcome}, not released")


async def settle_hold(runtime: Runtime, hold_id: str, *, order_number: str) -> None:
    """Have what is held turned into used. Raises NeighbourUnavailable."""
    path = f"/v1/holds/{segment(hold_id)}/settle"
    asked, key = SettleHold(order_number=order_number), f"{hold_id}:settle"
    hold = (await _ask_house(runtime, "accounts", "POST", path, asked, key=key)).parse(Hold)
    if hold.outcome is not HoldOutcome.SETTLED:
        raise NeighbourUnavailable("accounts", f"the hold is {hold.outcome}, not settled")


async def ask_approval(
    runtime: Runtime, request_id: str, asked: PutApprovalRequest
) -> ApprovalRequest:
    """Ask whether an order may go on; the same again tells how that stands.

    Raises MemberInactive, and NeighbourUnavailable, also for an answer that is about something
    else.
    """
    path = f"/v1/approval-requests/{segment(request_id)}"
    reply = await _ask_house(runtime, "approvals", "PUT", path, asked)
    return _read_request(reply, request_id, asked)


async def get_approval(
    runtime: Runtime, request_id: str, asked: PutApprovalRequest
) -> ApprovalRequest:
    """How what was asked stands now.

    Raises NeighbourUnavailable, also for an answer that is about something else.
    """
    path = f"/v1/approval-requests/{segment(request_id)}"
    reply = await _ask_house(runtime, "approvals", "GET", path, None)
    return _read_request(reply, request_id, asked)


def _read_request(reply: Reply, request_id: str, asked: PutApprovalRequest) -> ApprovalRequest:
    """The answer, if it is about what was asked: what is approved is what was submitted."""
    request = reply.parse(ApprovalRequest)
    told = (request.id, request.subject_id, request.member_id, request.amount)
    if told != (request_id, asked.subject_id, asked.member_id, asked.amount):
        raise NeighbourUnavailable("approvals", "its answer is about something else")
    return request


async def withdraw_approval(runtime: Runtime, request_id: str) -> None:
    """Ask nobody any more; a request that never came is refused from now on, and one that has
    ended stays as it ended. Raises NeighbourUnavailable.
    """
    path = f"/v1/approval-requests/{segment(request_id)}/withdraw"
    with suppress(Conflict):
        await _ask_house(runtime, "approvals", "POST", path, None, key=f"{request_id}:withdraw")


async def move_payment(
    runtime: Runtime, reference: str, *, movement_id: UUID, kind: MovementKind, amount: Money
) -> None:
    """Have money captured or refunded, once for each movement.

    Raises Conflict where the provider will not, and NeighbourUnavailable.
    """
    path = f"/v1/payments/{segment(reference)}/{kind}s"
    await _ask_provider(runtime, path, CapturePayment(amount=amount), key=str(movement_id))


async def _ask_house(
    runtime: Runtime,
    name: str,
    method: Literal["GET", "PUT", "POST"],
    path: str,
    body: BaseModel | None,
    *,
    key: str | None = None,
) -> Reply:
    """Ask accounts or approvals in our own name: whom it is for stands in the body.

    They say no by what they answer; every refusal but a conflict is a fault between the two of
    us, to be tried again.
    """
    try:
        return await runtime.neighbours[name].send(
            method,
            path,
            content=None if body is None else body.model_dump_json().encode(),
            headers=None if body is None else _JSON,
            idempotency_key=key,
        )
    except (Unavailable, Conflict):
        raise
    except Problem as problem:
        if problem.code == "requester-unknown":
            raise MemberInactive from problem
        raise NeighbourUnavailable(name, f"it refused: {problem.detail}") from problem


async def _ask_provider(
    runtime: Runtime, path: str, body: BaseModel | None, *, key: str
) -> ProviderPayment:
    """Every refusal but a conflict is a fault between the two of us, to be tried again."""
    try:
        reply = await runtime.neighbours["testpay"].post(
            path,
            content=None if body is None else body.model_dump_json().encode(),
            headers=None if body is None else _JSON,
            token=cast(OrdersSettings, runtime.settings).testpay_secret,
            idempotency_key=key,
        )
    except (Unavailable, Conflict):
        raise
    except Problem as problem:
        raise NeighbourUnavailable("testpay", f"it refused: {problem.detail}") from problem
    return reply.parse(ProviderPayment)


def _name(member_id: UUID | None) -> str | None:
    return None if member_id is None else str(member_id)


_JSON = {"Content-Type": "application/json"}


def _answers(asked: ResolvePrices, resolution: PriceResolution) -> bool:
    """Whether an answer is about the lines asked, and its sums are those of its lines."""
    if asked.currency is not None and resolution.currency != asked.currency:
        return False
    if len(resolution.lines) != len(asked.lines):
        return False
    both = zip(asked.lines, resolution.lines, strict=True)
    if not all(_is_about(priced, line.ref, line.quantity) for line, priced in both):
        return False
    totals = [line.total for line in resolution.lines if line.total is not None]
    return _adds_up([*totals, *(tax.amount for tax in resolution.taxes)], resolution.currency) and (
        _sums(totals) == _sums([resolution.total]) == _sums([t.amount for t in resolution.taxes])
    )


def _is_about(priced: PricedLine, ref: str, quantity: int) -> bool:
    is_priced = priced.outcome is PricingOutcome.PRICED
    is_whole = priced.total is not None and priced.unit_price is not None
    return priced.ref == ref and priced.quantity == quantity and is_priced == is_whole


def _adds_up(amounts: Sequence[TaxedAmount], currency: str) -> bool:
    return all(
        one.net.minor + one.tax.minor == one.gross.minor
        and one.net.currency == one.tax.currency == one.gross.currency == currency
        for one in amounts
    )


def _sums(amounts: Sequence[TaxedAmount]) -> tuple[int, int, int]:
    return (
        sum(one.net.minor for one in amounts),
        sum(one.tax.minor for one in amounts),
        sum(one.gross.minor for one in amounts),
    )
