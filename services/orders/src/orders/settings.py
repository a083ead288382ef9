"""What orders reads from the environment beside what every service reads."""

from typing import ClassVar

from pydantic import Field

from chassis.settings import SERVICES, DatabaseSettings


class OrdersSettings(DatabaseSettings):
    """Settings of orders."""

    neighbours: ClassVar[tuple[str, ...]] = (*SERVICES, "testpay")

    service: str = "orders"
    port: int = 8005
    place_wait_seconds: float = Field(default=5.0, gt=0)
    """How long a buyer is kept waiting for the end of placing before the answer is `pending`."""
    testpay_url: str = "http://127.0.0.1:8006"
    testpay_secret: str | None = Field(default=None, repr=False)
    """What the test payment provider knows us by, and signs its webhooks with (`whsec_` and
    base64). Without it the payment method `test` is not offered."""
    payment_poll_seconds: float = Field(default=5.0, gt=0)
    """How often the provider is asked for a result that it has not told."""
    approval_poll_seconds: float = Field(default=300.0, gt=0)
    """How often approvals is asked for a decision whose event did not come."""
