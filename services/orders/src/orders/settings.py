"""What orders reads from the environment beside what every service reads."""

from pydantic import Field

from chassis.settings import DatabaseSettings


class OrdersSettings(DatabaseSettings):
    """Settings of orders."""

    service: str = "orders"
    port: int = 8005
    place_wait_seconds: float = Field(default=5.0, gt=0)
    """How long a buyer is kept waiting for the end of placing before the answer is `pending`."""
