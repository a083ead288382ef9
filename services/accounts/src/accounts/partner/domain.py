"""Rules of partner applications: what the file of the first one must hold."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from contracts.accounts import PARTNER_SCOPES
from contracts.text import ShortText

CLIENT_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"
MIN_SECRET_LENGTH = 32
MAX_SECRET_LENGTH = 1024


def known_scopes(scopes: list[str]) -> list[str]:
    """The scopes sorted, each once. Raises ValueError for one that there is not."""
    unknown = sorted(set(scopes) - PARTNER_SCOPES.keys())
    if unknown:
        raise ValueError(f"unknown scope {', '.join(unknown)}")
    return sorted(set(scopes))


def _machine_made(secret: SecretStr) -> SecretStr:
    """Accept only what a generator may have made: long, in visible ASCII."""
    value = secret.get_secret_value()
    if not re.fullmatch(rf"[!-~]{{{MIN_SECRET_LENGTH},{MAX_SECRET_LENGTH}}}", value):
        raise ValueError(
            f"must be {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} visible ASCII characters"
        )
    return secret


class PartnerApplication(BaseModel):
    """A partner application as the bootstrap file states it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_id: Annotated[str, StringConstraints(pattern=CLIENT_ID_PATTERN)]
    client_secret: Annotated[SecretStr, AfterValidator(_machine_made)]
    scopes: Annotated[list[str], Field(min_length=1), AfterValidator(known_scopes)]
    name: ShortText | None = None

    @property
    def shown_name(self) -> str:
        """What people see; the client id where no name is given."""
        return self.name or self.client_id
