"""The envelope of an event: CloudEvents 1.0 in structured JSON."""

import re
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.model import Answer

TYPE_PATTERN = r"^tandem\.[a-z]+\.[a-z_]+\.[a-z_]+\.v[1-9][0-9]*$"
MEDIA_TYPE = "application/cloudevents+json"
MAX_BATCH_ITEMS = 500
MAX_BATCH_BYTES = 64_000


class EventData(Answer):
    """The data of an event; every subclass names its `type`, which is the routing key too."""

    type: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        declared = cls.__dict__.get("type")
        if declared is not None and not re.fullmatch(TYPE_PATTERN, declared):
            raise TypeError(f"{cls.__name__}.type must look like tandem.<owner>.<noun>.<past>.v1")


Data = TypeVar("Data", bound=EventData)


class Event(BaseModel, Generic[Data]):
    """An event as it crosses the bus and stands in a change feed.

    `subject` names the aggregate and `sequence` is its version: of two events of one type and
    subject the one with the higher sequence is the newer, whatever order they arrive in. A
    batch event's items carry sequences of their own.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    specversion: Literal["1.0"] = Field(default="1.0", description="CloudEvents version.")
    id: UUID = Field(
        description="UUIDv7; the same event has the same id however often it comes.",
        examples=["01932c07-2a40-7c3d-8e5f-000000000003"],
    )
    source: str = Field(description="The owner.", examples=["/tandem/catalog"])
    type: str = Field(
        description="What happened, to what, by which version.",
        examples=["tandem.catalog.product.changed.v1"],
        pattern=TYPE_PATTERN,
    )
    subject: str = Field(description="The aggregate's id or key.", examples=["85123A"])
    sequence: int = Field(description="Version of the aggregate.", examples=[3], ge=0)
    time: AwareDatetime = Field(
        description="When it was decided, UTC.", examples=["2026-11-22T10:00:00Z"]
    )
    datacontenttype: Literal["application/json"] = Field(
        default="application/json", description="Always JSON."
    )
    traceparent: str | None = Field(
        default=None,
        description="W3C trace context of the request that caused it.",
        examples=["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
    )
    data: Data = Field(
        description="What happened.",
        examples=[{"items": [{"sku": "71053", "sequence": 4, "available": 242}]}],
    )


def make_event(
    data: Data,
    *,
    event_id: UUID,
    subject: str,
    sequence: int,
    time: datetime,
    traceparent: str | None = None,
) -> Event[Data]:
    """Put an event's data into its envelope; the source is the owner named in the type."""
    owner = data.type.split(".")[1]
    return Event[Any](
        id=event_id,
        source=f"/tandem/{owner}",
        type=data.type,
        subject=subject,
        sequence=sequence,
        time=time,
        traceparent=traceparent,
        data=data,
    )
