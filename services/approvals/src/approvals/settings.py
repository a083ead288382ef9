"""What approvals reads from the environment beside what every service reads."""

from chassis.settings import DatabaseSettings


class ApprovalsSettings(DatabaseSettings):
    """The environment of approvals."""

    service: str = "approvals"
    port: int = 8004
