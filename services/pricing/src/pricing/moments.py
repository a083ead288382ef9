"""Times as pricing keeps them: in UTC, in half-open windows whose open ends are null."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from pricing.errors import MomentOutOfRange


def in_utc(moment: datetime, *, field: str) -> datetime:
    """The moment in UTC. Raises MomentOutOfRange where its offset takes it off the calendar."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise MomentOutOfRange(field) from None


def window_in_utc(
    valid_from: datetime | None, valid_to: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """The `valid_from` and `valid_to` of a body in UTC. Raises MomentOutOfRange."""
    return (
        None if valid_from is None else in_utc(valid_from, field="/valid_from"),
        None if valid_to is None else in_utc(valid_to, field="/valid_to"),
    )


def holds_at(row: Any, moment: Any) -> ColumnElement[bool]:
    """Condition: the row's window has the moment in it."""
    return and_(
        or_(row.valid_from.is_(None), row.valid_from <= moment),
        or_(row.valid_to.is_(None), row.valid_to > moment),
    )
