"""Webhooks of payment providers."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Header, Request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chassis import process
from chassis.clock import Now
from chassis.db import Session
from chassis.runtime import Live
from contracts.testpay import PaymentNotice
from orders.errors import NoticeNotSigned
from orders.settings import OrdersSettings

router = APIRouter(
    prefix="/v1/webhooks",
    tags=["webhooks"],
    responses={401: {"$ref": "#/components/responses/Problem401"}},
)


@router.post("/testpay", summary="Take a notice of the test payment provider", status_code=204)
async def take_notice(
    notice: PaymentNotice,
    request: Request,
    runtime: Live,
    session: Session,
    now: Now,
    webhook_id: Annotated[
        str, Header(description="Of the notice.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
    ] = "",
    webhook_timestamp: Annotated[
        str, Header(description="When it was sent, Unix seconds.", examples=["1763805600"])
    ] = "",
    webhook_signature: Annotated[
        str, Header(description="`v1,` and HMAC-SHA256 in base64.", examples=["v1,K5oZfzN95Z9U="])
    ] = "",
) -> None:
    """Lets the order that waits for this result go on; it asks the provider for it.

    Signed as Standard Webhooks 1.0 say. The notice itself is not believed, so that one that comes
    twice, late or in another order does no harm; one that nobody waits for is taken too.
    """
    secret = cast(OrdersSettings, runtime.settings).testpay_secret
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": webhook_timestamp,
        "webhook-signature": webhook_signature,
    }
    if secret is None or not _is_signed(secret, await request.body(), headers):
        raise NoticeNotSigned
    placement_id = _placement_of(notice.reference)
    if placement_id is not None:
        await process.resume(session, placement_id, now=now)


def _is_signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether it is from the provider, and not older than five minutes."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # the library lets a malformed one through
        return False
    return True


def _placement_of(reference: str) -> UUID | None:
    """A reference is made of the process that pays and its step."""
    try:
        return UUID(reference.partition(":")[0])
    except ValueError:
        return None
