"""What becomes of a card, and what a ledger leaves to be moved."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.testpay import LedgerEntryKind, ProviderPaymentStatus

_UNKNOWN = "this is no card of the test provider"
_ALWAYS = "the test card is one that is always declined"


@dataclass(frozen=True, slots=True)
class Card:
    """How a card behaves. `reason` says why it is declined; `notices` how often a result that
    comes later is told.
    """

    reason: str | None = None
    is_late: bool = False
    notices: int = 1
    is_slow: bool = False

    @property
    def result(self) -> ProviderPaymentStatus:
        """What becomes of it in the end."""
        is_good = self.reason is None
        return ProviderPaymentStatus.AUTHORISED if is_good else ProviderPaymentStatus.DECLINED


_CARDS: Mapping[str, Card] = {
    "tok_ok": Card(),
    "tok_declined": Card(reason=_ALWAYS),
    "tok_pending": Card(is_late=True),
    "tok_pending_declined": Card(is_late=True, reason=_ALWAYS),
    "tok_twice": Card(is_late=True, notices=2),
    "tok_silent": Card(is_late=True, notices=0),
    "tok_slow": Card(is_slow=True),
}


def card_of(token: str) -> Card:
    """The card that a token names; one that is declined for every other."""
    return _CARDS.get(token, Card(reason=_UNKNOWN))


def left_to_capture(sums: Mapping[LedgerEntryKind, int]) -> int:
    """Of an authorisation, in minor units."""
    return (
        sums.get(LedgerEntryKind.AUTHORISE, 0)
        - sums.get(LedgerEntryKind.VOID, 0)
        - sums.get(LedgerEntryKind.CAPTURE, 0)
    )


def left_to_refund(sums: Mapping[LedgerEntryKind, int]) -> int:
    """Of what was captured, in minor units."""
    return sums.get(LedgerEntryKind.CAPTURE, 0) - sums.get(LedgerEntryKind.REFUND, 0)
