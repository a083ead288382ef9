"""Payments over HTTP. The caller is the one merchant; it shows its secret."""

import asyncio
import hmac
from datetime import timedelta
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Path, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from chassis.clock import Now
from chassis.db import Session, commit
from chassis.runtime import Live
from contracts.testpay import (
    AuthorisePayment,
    CapturePayment,
    LedgerEntryKind,
    PaymentReference,
    ProviderPayment,
    RefundPayment,
)
from testpay.errors import KeyMissing, MerchantUnknown
from testpay.payment import commands, queries
from testpay.payment.domain import card_of
from testpay.settings import TestpaySettings

_bearer = HTTPBearer(scheme_name="merchant", description="The merchant's secret.", auto_error=False)
_Shown = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def require_merchant(runtime: Live, shown: _Shown) -> None:
    """Let the merchant in, and nobody else. Raises MerchantUnknown."""
    secret = cast(TestpaySettings, runtime.settings).testpay_secret
    given = shown.credentials if shown else ""
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        raise MerchantUnknown


async def get_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            max_length=255,
            description="A repeat under the same key moves nothing, and tells how it stands now.",
            examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:pay"],
        ),
    ] = None,
) -> str:
    """The key of a request. Raises KeyMissing."""
    if not key:
        raise KeyMissing
    return key


Key = Annotated[str, Depends(get_key)]
Reference = Annotated[
    PaymentReference,
    Path(
        description="The merchant's own name for the payment.",
        examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:pay"],
    ),
]
router = APIRouter(
    prefix="/v1/payments",
    tags=["payments"],
    dependencies=[Depends(require_merchant)],
    responses={401: {"$ref": "#/components/responses/Problem401"}},
)


@router.post("", summary="Authorise a payment", status_code=201)
async def authorise_payment(body: AuthorisePayment, key: Key, runtime: Live) -> ProviderPayment:
    """Reserves the amount on the card; nothing is taken before it is captured.

    What is pending is settled a moment later, told by webhook, and can be asked for at any time
    by the same request again.
    """
    settings = cast(TestpaySettings, runtime.settings)
    async with runtime.sessions() as session:
        is_new = await commands.authorise_payment(
            session,
            body,
            key=key,
            pending=timedelta(seconds=settings.settle_after_seconds),
            now=runtime.clock.now(),
        )
        await session.flush()
        payment = await queries.get_payment(session, body.reference)
        await commit(session, "request", "POST", "/v1/payments")
    if is_new and card_of(body.token).is_slow:
        await asyncio.sleep(settings.slow_seconds)
    return payment


@router.get("/{reference}", summary="Read a payment")
async def get_payment(reference: Reference, session: Session) -> ProviderPayment:
    """A payment with its ledger."""
    return await queries.get_payment(session, reference)


@router.post("/{reference}/captures", summary="Capture a payment", status_code=201)
async def capture_payment(
    reference: Reference, body: CapturePayment, key: Key, session: Session, now: Now
) -> ProviderPayment:
    """Takes some of what was authorised, or all of it; more is refused."""
    await commands.move_payment(
        session, reference, body.amount, kind=LedgerEntryKind.CAPTURE, key=key, now=now
    )
    await session.flush()
    return await queries.get_payment(session, reference)


@router.post("/{reference}/refunds", summary="Refund a payment", status_code=201)
async def refund_payment(
    reference: Reference, body: RefundPayment, key: Key, session: Session, now: Now
) -> ProviderPayment:
    """Gives back some of what was captured, or all of it; more is refused."""
    await commands.move_payment(
        session, reference, body.amount, kind=LedgerEntryKind.REFUND, key=key, now=now
    )
    await session.flush()
    return await queries.get_payment(session, reference)


@router.post("/{reference}/void", summary="Void a payment")
async def void_payment(
    reference: Reference, key: Key, session: Session, now: Now
) -> ProviderPayment:
    """Gives back what was authorised and not captured.

    A payment that never came is made voided, so that it is refused if it comes late.
    """
    await commands.void_payment(session, reference, key=key, now=now)
    await session.flush()
    return await queries.get_payment(session, reference)
