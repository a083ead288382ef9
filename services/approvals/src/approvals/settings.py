"""What approvals reads from the environment beside what every service reads."""

from datetime import timedelta

from pydantic import Field

from chassis.settings import DatabaseSettings


class ApprovalsSettings(DatabaseSettings):
    """The environment of approvals."""

    service: str = "approvals"
    port: int = 8004

    approval_hours: float = Field(default=72.0, gt=0, le=24 * 365)
    """How long somebody has to decide on a request before it times out."""

    @property
    def approval_lifetime(self) -> timedelta:
        """The same as a duration."""
        return timedelta(hours=self.approval_hours)
