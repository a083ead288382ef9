"""What the environment says to the embedded run. Every name below is read with `TANDEM_` before it.

What a single service may be told beyond this (see its own settings) is read from the environment
as well; its address, database, keys and neighbours are ours to give.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.settings import SERVICES

PARTS = (*SERVICES, "testpay")
"""What has a process and a database of its own: the services, and the test payment provider."""


class LocalSettings(BaseSettings):
    """Where the shop on this machine keeps its data, and where it listens."""

    model_config = SettingsConfigDict(env_prefix="TANDEM_", extra="ignore")

    data: Path = Path(".tandem")
    host: str = "127.0.0.1"
    gateway_port: int = Field(default=8000, ge=1, le=65535)
    catalog_port: int = Field(default=8001, ge=1, le=65535)
    pricing_port: int = Field(default=8002, ge=1, le=65535)
    accounts_port: int = Field(default=8003, ge=1, le=65535)
    approvals_port: int = Field(default=8004, ge=1, le=65535)
    orders_port: int = Field(default=8005, ge=1, le=65535)
    testpay_port: int = Field(default=8006, ge=1, le=65535)

    amqp_url: str | None = Field(default=None, repr=False)
    """A RabbitMQ to carry the events; without it they stay in the process."""
    postgres_url: str | None = Field(default=None, repr=False)
    """A superuser of a PostgreSQL to use instead of our own."""
    postgres_port: int | None = Field(default=None, ge=1, le=65535)
    """Of our own PostgreSQL; without it any free one."""
    postgres_prefix: str = Field(default="tandem_", pattern=r"^[a-z0-9_]{0,40}$")
    """Before the names of roles and databases on a server that is not our own."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "ERROR"
    log_format: Literal["json", "text"] = "text"

    def port_of(self, name: str) -> int:
        """The port of the gateway or another part."""
        port: int = getattr(self, f"{name}_port")
        return port

    def url_of(self, name: str) -> str:
        """The address of the gateway or another part, as this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{host}:{self.port_of(name)}"

    @property
    def urls(self) -> dict[str, str]:
        """The addresses of the gateway and of every other part, by name."""
        return {name: self.url_of(name) for name in ("gateway", *PARTS)}

    @property
    def partner_file(self) -> Path:
        """Credentials of the demo's partner application, made at the first start."""
        return self.data / "secrets" / "partner.json"

    @property
    def staff_file(self) -> Path:
        """The demo's one person of the merchant's, made at the first start."""
        return self.data / "secrets" / "staff.json"
