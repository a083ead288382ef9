"""Events that a service gave up on: looked at, mended and replayed by an operator."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.envelope import Event
from contracts.model import Answer, Request


class DeadLetter(Answer):
    """An event in a queue whose handler cannot take it."""

    queue: str = Field(description="The consuming feature.", examples=["pricing.stores"])
    event_id: UUID = Field(
        description="The event's id; one made of its bytes where it has none.",
        examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"],
    )
    type: str | None = Field(
        description="The event's type, if it could be read.",
        examples=["tandem.catalog.store.changed.v1"],
    )
    subject: str | None = Field(description="The aggregate.", examples=["d2c-uk"])
    sequence: int | None = Field(description="Its version.", examples=[3])
    attempts: int = Field(description="How often it was tried.", examples=[12])
    last_error: str = Field(
        description="Why it failed the last time.", examples=["NotFound: there is no store d2c-uk"]
    )
    event: str = Field(
        description="What came, as text; JSON unless that is what is wrong.",
        examples=['{"specversion": "1.0", "type": "tandem.catalog.store.changed.v1"}'],
    )
    received_at: AwareDatetime = Field(
        description="When it came first, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class MendDeadLetter(Request):
    """What the event should have said."""

    event: Event[Any] = Field(description="The whole CloudEvent; its id is that of the letter.")
