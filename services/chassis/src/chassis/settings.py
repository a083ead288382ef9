"""What the environment says: one class for every process, one more for those with a database.

A setting `x` is read from `TANDEM_X`, or from the file that `TANDEM_X_FILE` names (secrets are
mounted as files). Values given in code come first, then the environment, then the files.
"""

import os
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

SERVICES = ("catalog", "pricing", "accounts", "approvals", "orders")


class FileSource(EnvSettingsSource):
    """Reads a field from the file that its variable with `_FILE` behind it names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{self.env_prefix}{field_name}_FILE".upper())
        value = Path(path).read_text(encoding="utf-8").strip() if path else None
        return value, field_name, self.field_is_complex(field)


class Settings(BaseSettings):
    """Every process: where it listens, whom it calls, whose tokens it takes."""

    model_config = SettingsConfigDict(
        env_prefix="TANDEM_", extra="ignore", hide_input_in_errors=True, validate_default=True
    )

    neighbours: ClassVar[tuple[str, ...]] = SERVICES
    """Whom this process may call; where each is, its setting `<name>_url` says."""

    service: str
    host: str = "127.0.0.1"
    port: int
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"

    amqp_url: str | None = Field(default=None, repr=False)
    key_file: Path | None = None
    """Our own Ed25519 key (PEM); made with mode 0600 when missing; without it one in memory."""

    catalog_url: str = "http://127.0.0.1:8001"
    pricing_url: str = "http://127.0.0.1:8002"
    accounts_url: str = "http://127.0.0.1:8003"
    approvals_url: str = "http://127.0.0.1:8004"
    orders_url: str = "http://127.0.0.1:8005"

    trusted_issuers: dict[str, str] = Field(default_factory=dict)
    """Issuer to the URL of its JWKS; empty means the five services."""
    own_scopes: frozenset[str] = frozenset({"changes:read"})
    """What this service's own tokens allow it to do at its neighbours."""

    body_limit_bytes: int = 1024 * 1024
    line_limit_bytes: int = 256 * 1024
    deadline_seconds: float = 10.0
    """How long a caller waits at most who names no deadline of its own."""
    drain_seconds: float = 20.0
    """How long work under way may go on after SIGTERM."""

    @model_validator(mode="after")
    def _trust_the_services(self) -> Self:
        if not self.trusted_issuers:
            self.trusted_issuers = {
                f"tandem:{name}": f"{self.url_of(name)}/.well-known/jwks.json" for name in SERVICES
            }
        return self

    def url_of(self, neighbour: str) -> str:
        """The base URL of a service, without a slash at its end."""
        url: str = getattr(self, f"{neighbour}_url")
        return url.rstrip("/")

    @property
    def issuer(self) -> str:
        """What stands in `iss` of this service's own tokens, and in `aud` of those for it."""
        return f"tandem:{self.service}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, FileSource(settings_cls)


class DatabaseSettings(Settings):
    """A process that owns a database."""

    database_url: str = Field(repr=False)
    direct_database_url: str | None = Field(default=None, repr=False)
    """Past the pooler: session locks, LISTEN and migrations need it. None: `database_url`."""
    pgbouncer: bool = False
    """`database_url` leads through PgBouncer in transaction mode: no named prepared statements
    are kept, and time limits are the role's (`ALTER ROLE ... SET statement_timeout`)."""
    pool_size: int = 10
    pool_overflow: int = 10
    pool_timeout_seconds: float = 5.0
    connect_timeout_seconds: float = 5.0
    statement_timeout_ms: int = 10_000
    lock_timeout_ms: int = 5_000
    idle_transaction_timeout_ms: int = 30_000
    feed_days: int = 30
    idempotency_hours: int = Field(default=25, ge=24)
    process_days: int = Field(default=90, ge=1)
    health_port: int | None = None
    """Where `consume`, `relay` and `work` answer `/livez` and `/readyz`; None: nowhere."""
    inbox_attempts: int = Field(default=12, ge=1)
    """How often a handler is tried in all before its event is a dead letter."""
    inbox_first_retry_seconds: float = 1.0
    inbox_longest_retry_seconds: float = 600.0
    inbox_days: int = Field(default=30, ge=1)
    """How long the ids of done events are kept to know duplicates by."""
    sweep_seconds: float = Field(default=1.0, gt=0)
    """How often relay and workers look for work that nobody woke them for."""
    relay_window: int = Field(default=200, ge=1)
    """How many events the relay has under way at once."""
    lease_seconds: float = Field(default=15.0, gt=1)
    """How long a process step may take before another worker may take over. What a killed process
    had in hand rests that long, so it must be well below the 30 s in which all is right again."""
