"""Health, for orchestrators."""

from typing import Literal

from pydantic import Field

from contracts.model import Answer


class Health(Answer):
    """Whether a process lives, or is ready for work, and what holds it up."""

    status: Literal["ok", "unavailable"] = Field(description="In a word.", examples=["ok"])
    checks: dict[str, str] = Field(
        default_factory=dict,
        description="What was looked at: `ok`, or what is wrong with it.",
        examples=[{"database": "ok", "migrations": "ok"}],
    )
