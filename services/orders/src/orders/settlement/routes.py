"""Capturing and refunding over HTTP, for the systems that ship and take back."""

from typing import Any

from fastapi import APIRouter, Request, Response

from chassis import process
from chassis.auth import Needs
from chassis.idempotency import Claim, IdempotentRoute, KeyForProcess, KeyRequired
from chassis.runtime import Live, Runtime
from contracts.money import Money
from contracts.orders import (
    CapturePayment,
    MovementKind,
    MovementStatus,
    PaymentMovement,
    RefundPayment,
)
from orders.errors import PaymentMovementRefused
from orders.payment import queries
from orders.payment.domain import MovementState
from orders.payment.views import as_movement
from orders.settlement.process import begin_moving
from orders.wire import OrderNumber, may_conflict, patience

router = APIRouter(
    prefix="/v1/orders/{number}",
    tags=["payments"],
    route_class=IdempotentRoute,
    dependencies=[Needs("payments:write"), KeyRequired, KeyForProcess],
)
_RESPONSES: dict[int | str, dict[str, Any]] = {
    201: {"description": "It is done."},
    202: {
        "description": "The provider is away; it goes on by itself. Ask again by the same key.",
        "model": PaymentMovement,
    },
    **may_conflict(),
}


@router.post(
    "/captures", summary="Capture an order's payment", status_code=201, responses=_RESPONSES
)
async def capture_payment(
    number: OrderNumber, body: CapturePayment, runtime: Live, request: Request, response: Response
) -> PaymentMovement:
    """Takes what was authorised, or some of it, as when goods are shipped. Emits PaymentChanged."""
    key = request.state.idempotency
    return await _move(runtime, number, MovementKind.CAPTURE, body.amount, key, response)


@router.post("/refunds", summary="Refund an order's payment", status_code=201, responses=_RESPONSES)
async def refund_payment(
    number: OrderNumber, body: RefundPayment, runtime: Live, request: Request, response: Response
) -> PaymentMovement:
    """Gives back what was captured, or some of it. Emits PaymentChanged."""
    key = request.state.idempotency
    return await _move(runtime, number, MovementKind.REFUND, body.amount, key, response)


async def _move(
    runtime: Runtime,
    number: str,
    kind: MovementKind,
    amount: Money | None,
    key: Claim,
    response: Response,
) -> PaymentMovement:
    row = await begin_moving(runtime, number, kind, amount, key=key)
    row = await process.drive(runtime, row, until=patience(runtime))
    if row.status == process.UNDONE and (problem := process.problem_of(row)) is not None:
        raise problem
    async with runtime.sessions() as session:
        movement = await queries.get_movement(session, row.id)
    if movement.status == MovementState.REFUSED:
        raise PaymentMovementRefused(movement.reason or "")
    answer = as_movement(movement)
    if answer.status is MovementStatus.PENDING:
        response.status_code = 202
    return answer
