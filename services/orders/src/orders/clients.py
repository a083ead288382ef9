"""Calls to other services: one function a call. What comes back is checked to add up, for it
becomes what somebody pays.
"""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from pydantic import BaseModel

from chassis.http import NeighbourUnavailable, segment
from chassis.runtime import Runtime
from contracts.catalog import CheckEntitlement, Entitlement, SkuEntitlement
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
from orders.errors import CartNotPriceable, CartTooExpensive
from orders.payment.domain import Authorised, Declined, Pending
from orders.settings import OrdersSettings

_TOO_LARGE = frozenset({"line-too-large", "total-too-large"})


async def resolve_prices(runtime: Runtime, asked: ResolvePrices) -> PriceResolution:
    """What lines cost now.

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
    runtime: Runtime, store: str, skus: Sequence[str]
) -> dict[str, SkuEntitlement]:
    """Which SKUs may be ordered in a store now. Raises NeighbourUnavailable."""
    asked = CheckEntitlement(store=store, skus=list(skus))
    reply = await runtime.neighbours["catalog"].post(
        "/v1/entitlements/check",
        content=asked.model_dump_json().encode(),
        headers=_JSON,
        is_read=True,
    )
    items = {item.sku: item for item in reply.parse(Entitlement).items}
    if items.keys() != set(skus):
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


async def move_payment(
    runtime: Runtime, reference: str, *, movement_id: UUID, kind: MovementKind, amount: Money
) -> None:
    """Have money captured or refunded, once for each movement.

    Raises Conflict where the provider will not, and NeighbourUnavailable.
    """
    path = f"/v1/payments/{segment(reference)}/{kind}s"
    await _ask_provider(runtime, path, CapturePayment(amount=amount), key=str(movement_id))


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
