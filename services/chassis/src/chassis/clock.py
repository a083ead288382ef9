"""The time, passed in so that tests can set it and rules stay pure."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request


class Clock:
    """Tells the time; a test puts another in its place."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


async def get_now(request: Request) -> datetime:
    """The moment by the application's own clock.

    Async, like every dependency here: FastAPI runs a plain function in a thread, which costs more
    than a query.
    """
    clock: Clock = request.app.state.edge.clock
    return clock.now()


Now = Annotated[datetime, Depends(get_now)]
