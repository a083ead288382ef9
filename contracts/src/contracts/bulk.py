"""Bulk writing: NDJSON in, one result a line out."""

from enum import StrEnum

from pydantic import Field

from contracts.model import Answer
from contracts.problems import FieldError


class LineOutcome(StrEnum):
    """What became of a line."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class LineResult(Answer):
    """What became of one line of a bulk request; lines are answered in their order."""

    line: int = Field(description="Counted from 1, empty lines too.", examples=[1])
    key: str | None = Field(
        default=None, description="The line's own key, where it could be read.", examples=["85123A"]
    )
    outcome: LineOutcome = Field(description="What became of it.", examples=["created"])
    errors: list[FieldError] = Field(
        default_factory=list, description="Why it was refused; a refused line changes nothing."
    )
