"""Keyset paging: a cursor is the last row's sort key, wrapped so that nobody builds on it."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Query

from contracts.problems import Invalid

_LONGEST_CURSOR = 1024


class CursorNotReadable(Invalid):
    """`after` is not what an earlier page gave as `next`."""

    def __init__(self) -> None:
        super().__init__("is not a cursor that this list gave", field="after")


def encode_cursor(*parts: str | int | datetime | UUID | None) -> str:
    """Wrap a row's sort key; `decode_cursor` gives its parts back as JSON values."""
    return base64.urlsafe_b64encode(orjson.dumps(parts, default=str)).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type) -> tuple[Any, ...]:
    """Unwrap a cursor into parts of exactly these types (str, int, UUID or datetime).

    Raises CursorNotReadable for whatever was not made by `encode_cursor` with such parts.
    """
    try:
        if len(cursor) > _LONGEST_CURSOR:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        raw = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return _read_parts(raw, types)
    except (ValueError, TypeError):
        raise CursorNotReadable from None


def _read_parts(raw: Any, types: Sequence[type]) -> tuple[Any, ...]:
    if not isinstance(raw, list) or len(raw) != len(types):
        raise ValueError
    return tuple(_read_part(part, kind) for part, kind in zip(raw, types, strict=True))


def _read_part(part: Any, kind: type) -> Any:
    if kind is int:
        if not isinstance(part, int) or isinstance(part, bool) or abs(part) >= 2**63:
            raise ValueError
        return part
    if not isinstance(part, str) or "\0" in part:
        raise ValueError
    if kind is datetime:
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    return kind(part)


Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.", examples=[50])]
"""Declare as `limit: Limit = 50`."""
After = Annotated[
    str | None,
    Query(
        description="The `next` of the page before.",
        max_length=_LONGEST_CURSOR,
        examples=["WyI4NTEyM0EiXQ"],
    ),
]
"""Declare as `after: After = None`."""
