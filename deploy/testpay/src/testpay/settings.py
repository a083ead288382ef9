"""What the test provider reads from the environment beside what every service reads."""

from pydantic import Field

from chassis.settings import DatabaseSettings


class TestpaySettings(DatabaseSettings):
    """The environment of the test provider."""

    service: str = "testpay"
    port: int = 8006

    testpay_secret: str | None = Field(default=None, repr=False)
    """What the merchant shows, and what webhooks are signed with (`whsec_` and base64). Without
    it nobody is let in."""
    settle_after_seconds: float = Field(default=0.5, ge=0)
    """How long a card that is pending stays so."""
    deadline_seconds: float = 60.0
    """Longer than the slow card takes."""
    slow_seconds: float = Field(default=30.0, ge=0)
    """How long the slow card's first answer takes."""
