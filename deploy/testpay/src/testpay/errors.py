"""Every failure of the test provider's own.

```
Problem
├── Unauthenticated  MerchantUnknown 401
├── BadRequest       KeyMissing 400
├── NotFound         PaymentUnknown 404
├── Conflict         PaymentKnown, NotCapturable, NotRefundable, NotVoidable 409
└── Invalid          KeyReused 422
```
"""

from contracts.money import Money
from contracts.problems import BadRequest, Conflict, Invalid, NotFound, Unauthenticated


class MerchantUnknown(Unauthenticated):
    """The secret is missing or another."""

    def __init__(self) -> None:
        super().__init__(
            "Send the merchant's secret: Authorization: Bearer ...",
            headers={"WWW-Authenticate": "Bearer"},
        )


class KeyMissing(BadRequest):
    """Nothing is moved without an idempotency key."""

    def __init__(self) -> None:
        super().__init__("Send an Idempotency-Key header, so that a repeat moves nothing twice.")


class KeyReused(Invalid):
    """The key was used for another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a request with another content.")


class PaymentUnknown(NotFound):
    """There is no payment of that reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no payment {reference}.")


class PaymentKnown(Conflict):
    """The reference has been used already."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"The payment {reference} was asked for already, under another key.")


class NotCapturable(Conflict):
    """More than is left of the authorisation."""

    def __init__(self, left: Money) -> None:
        super().__init__(f"At most {left} can be captured.")


class NotRefundable(Conflict):
    """More than is left of what was captured."""

    def __init__(self, left: Money) -> None:
        super().__init__(f"At most {left} can be refunded.")


class NotVoidable(Conflict):
    """Some of it was captured already: refund that."""

    def __init__(self) -> None:
        super().__init__("Some of it was captured already; refund that instead.")
