"""What the test payment provider takes, answers and tells. It moves no money, for demos and tests.

It stands in for a provider of the real world: called over HTTP under idempotency keys, with a
ledger of its own, and with results that may come late, twice or never.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from contracts.model import Answer, Request
from contracts.money import Money

_gbp = {"amount": "20.34", "currency": "GBP"}
_reference = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:pay"
_time = "2026-11-22T10:00:00Z"

CARDS: dict[str, str] = {
    "tok_ok": "is authorised at once",
    "tok_declined": "is declined at once",
    "tok_pending": "is authorised a moment later, told by webhook",
    "tok_pending_declined": "is declined a moment later, told by webhook",
    "tok_twice": "as tok_pending, and told twice",
    "tok_silent": "as tok_pending, but never told: ask",
    "tok_slow": "is authorised at once, but the first answer takes half a minute",
}
"""What becomes of the test cards; every other one is declined."""


def _not_negative(amount: Money) -> Money:
    if amount.minor < 0:
        raise ValueError("amount must not be negative")
    return amount


NotNegative = Annotated[Money, AfterValidator(_not_negative)]
PaymentToken = Annotated[str, StringConstraints(pattern=r"^tok_[a-z_]{1,32}$")]
"""Names a test card."""
PaymentReference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._-]{1,100}$")]
"""The merchant's own name for a payment, one for each."""


class AuthorisePayment(Request):
    """Reserve an amount on a card."""

    reference: PaymentReference = Field(
        description="The merchant's own name for the payment, used once.", examples=[_reference]
    )
    amount: NotNegative = Field(description="How much.", examples=[_gbp])
    token: PaymentToken = Field(
        description="The card: " + "; ".join(f"{card} {what}" for card, what in CARDS.items()),
        examples=["tok_ok"],
    )


class CapturePayment(Request):
    """Take some of what was authorised, or all of it."""

    amount: Money = Field(description="At most what was not captured yet.", examples=[_gbp])


class RefundPayment(Request):
    """Give back some of what was captured, or all of it."""

    amount: Money = Field(description="At most what was not refunded yet.", examples=[_gbp])


class ProviderPaymentStatus(StrEnum):
    """Where a payment stands at the provider."""

    PENDING = "pending"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    VOIDED = "voided"


class LedgerEntryKind(StrEnum):
    """What moved: reserved, taken from that, given back of that unused, paid back."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class LedgerEntry(Answer):
    """One movement; the ledger is only ever added to."""

    kind: LedgerEntryKind = Field(description="What moved.", examples=["authorise"])
    amount: Money = Field(description="How much.", examples=[_gbp])
    booked_at: AwareDatetime = Field(description="When, UTC.", examples=[_time])


class ProviderPayment(Answer):
    """A payment as the provider has it."""

    reference: str = Field(description="The merchant's own name for it.", examples=[_reference])
    status: ProviderPaymentStatus = Field(description="Where it stands.", examples=["authorised"])
    amount: Money | None = Field(
        default=None,
        description="How much was asked for; null for one that was voided before it came.",
        examples=[_gbp],
    )
    reason: str | None = Field(
        default=None, description="Why it was declined.", examples=["the card is always declined"]
    )
    entries: list[LedgerEntry] = Field(description="The ledger of it, oldest first.")


class PaymentNotice(Answer):
    """The body of a webhook: a result that came later.

    Signed as Standard Webhooks 1.0 say (`webhook-id`, `webhook-timestamp`, `webhook-signature`).
    It may come late, twice or never: it says that there is something to ask for, no more.
    """

    type: Literal["payment.settled"] = Field(
        description="What it is about.", examples=["payment.settled"]
    )
    timestamp: AwareDatetime = Field(description="When it was settled, UTC.", examples=[_time])
    reference: PaymentReference = Field(
        description="The merchant's own name for the payment.", examples=[_reference]
    )
