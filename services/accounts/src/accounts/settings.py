"""What accounts reads from the environment beside what every service reads."""

from pathlib import Path

from pydantic import Field

from chassis.settings import DatabaseSettings


class AccountsSettings(DatabaseSettings):
    """The environment of accounts."""

    service: str = "accounts"
    port: int = 8003

    bootstrap_partner_file: Path | None = None
    """JSON `{"client_id", "client_secret", "scopes"}` of a partner application that is made, or
    brought up to date, at every start; so the first partner needs no person to let it in."""
    staff_file: Path | None = None
    """JSON `{"email", "password", "name", "scopes"}` of a person of the merchant that is made, or
    brought up to date, at every start."""
    hashing_threads: int = Field(default=2, ge=1, le=64)
    """How many secrets are checked side by side; each takes 19 MiB and 20 ms of a core."""
    hashing_queue: int = Field(default=32, ge=1, le=10_000)
    """How many more checks may wait; past that the answer is 429."""
