"""What change feeds and snapshots answer."""

from typing import Any

from pydantic import Field

from contracts.envelope import Event
from contracts.model import Answer


class Changes(Answer):
    """A stretch of a service's own events, without gaps, in the order of its feed."""

    items: list[Event[Any]] = Field(description="CloudEvents, oldest first.")
    next: str = Field(
        description="Pass it as `after`, now or when more may have happened; it always moves on.",
        examples=["WyJjYXRhbG9nIiw0Ml0"],
    )


class SnapshotStart(Answer):
    """The first line of a snapshot."""

    cursor: str = Field(
        description="Read the feed after this one once the snapshot is applied: nothing is lost.",
        examples=["WyJjYXRhbG9nIiw0Ml0"],
    )
