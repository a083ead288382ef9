"""The two manners of a wire model: strict about what comes in, lenient about what is read."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Flag = Annotated[bool, Field(strict=True)]
"""true or false, not 0, "no" or another thing that could be taken for it."""
Whole = Annotated[int, Field(strict=True)]
"""A whole number, not "3" or 3.0."""


class Request(BaseModel):
    """What a caller sends: an unknown field is an error, so that a typo is never lost."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Answer(BaseModel):
    """What a service answers or tells: readers ignore fields they do not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)
