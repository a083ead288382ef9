"""The payment providers that there are."""

from collections.abc import Mapping

from contracts.money import Money
from orders.payment.domain import Authorised, Declined, PaymentProvider


class TestProvider:
    """Moves no money, for demos and tests. What it answers follows from what it is asked, so it
    keeps nothing: a repeat gives the same answer, and there is nothing to void.
    """

    async def authorise(self, key: str, *, amount: Money, token: str) -> Authorised | Declined:
        """`tok_ok` is paid; every other token is declined."""
        if token == "tok_ok":  # noqa: S105 (the name of a test card)
            return Authorised(reference=f"test-{key}")
        if token == "tok_declined":  # noqa: S105
            return Declined("the test card is one that is always declined")
        return Declined("this is no card of the test provider")

    async def void(self, key: str) -> None:
        """Nothing was reserved, so nothing is given back."""


PROVIDERS: Mapping[str, PaymentProvider] = {"test": TestProvider()}
"""By the `method` of a payment. None of them keeps anything in this process."""
