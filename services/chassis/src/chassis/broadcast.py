"""Events as they pass, for caches and subscriptions: each process hears them, each at most once.

There is no inbox and no database here. Whoever keeps something because of what it heard must
drop it when `on_gap` is called, for then some may have been missed.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from chassis import tracing
from chassis.bus import Bus
from chassis.logs import get_logger
from contracts.envelope import Event, EventData
from contracts.topology import EVENTS

log = get_logger(__name__)


async def listen(
    bus: Bus,
    models: Iterable[type[EventData]],
    *,
    on_event: Callable[[Event[Any]], None],
    on_gap: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Hear events of these kinds until `stop`. Neither callback may wait for anything.

    `on_gap` comes at the start, when the connection is lost and when it is back. What cannot be
    read is logged and counts as a gap.
    """

    def hear(body: bytes) -> None:
        try:
            event = read_event(body)
        except ValidationError as error:
            log.warning("broadcast unreadable", errors=error.error_count())
            on_gap()
            return
        with tracing.scope(traceparent=event.traceparent):
            on_event(event)

    await bus.listen([model.type for model in models], hear, on_gap, stop=stop)


def read_event(body: bytes) -> Event[Any]:
    """Parse an event by the model of its type; fields that we do not know are left out."""
    envelope = Event[Any].model_validate_json(body, extra="ignore")
    model = EVENTS.get(envelope.type)
    if model is None:
        return envelope
    data = model.model_validate(envelope.data, extra="ignore")
    return envelope.model_copy(update={"data": data})
