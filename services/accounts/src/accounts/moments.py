"""Times as accounts keeps them: in UTC, in half-open windows whose open ends are null."""

from datetime import UTC, datetime

from accounts.errors import MomentOutOfRange, WindowEmpty


def window_in_utc(
    valid_from: datetime | None, valid_to: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """The `valid_from` and `valid_to` of a body in UTC. Raises MomentOutOfRange, WindowEmpty."""
    start = None if valid_from is None else _in_utc(valid_from, field="/valid_from")
    end = None if valid_to is None else _in_utc(valid_to, field="/valid_to")
    if start is not None and end is not None and start >= end:
        raise WindowEmpty
    return start, end


def _in_utc(moment: datetime, *, field: str) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise MomentOutOfRange(field) from None
