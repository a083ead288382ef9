"""Rules of the merchant's people: what the file of the first one must hold."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from accounts.partner.domain import known_scopes
from contracts.companies import Password
from contracts.text import Email, ShortText


class Staff(BaseModel):
    """A person of the merchant as the file states them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    email: Email
    password: Password
    name: ShortText
    scopes: Annotated[list[str], Field(min_length=1), AfterValidator(known_scopes)]
