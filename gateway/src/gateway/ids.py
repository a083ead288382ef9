"""Global ids and cursors: opaque to clients, readable to us, checked when they come back.

An id is the type's name and the owner's own id or key, so that two things of different types
never share one. A cursor names a page of the owner's list and a place in it.
"""

import base64
import binascii
import re
from uuid import UUID

from strawberry import ID

from contracts.ids import KEY_PATTERN
from contracts.problems import Invalid

_LONGEST = 2048
_KEY = re.compile(KEY_PATTERN)


class IdMalformed(Invalid):
    """The id was not made by this schema, or not for this type."""

    def __init__(self, kind: str, field: str) -> None:
        super().__init__(f"This is not the id of a {kind}.", field=f"/{field}")


class CursorMalformed(Invalid):
    """The cursor was not made by this schema."""

    def __init__(self) -> None:
        super().__init__(
            "`after` must be an `endCursor` or a `cursor` of this list.", field="after"
        )


def is_key(text: str) -> bool:
    """Whether it can be the key of anything, and so stand in a path as it is."""
    return _KEY.fullmatch(text) is not None


def encode_id(kind: str, key: str) -> ID:
    """The global id of a thing of that type."""
    return ID(_pack(f"{kind}:{key}"))


def decode_id(global_id: str, kind: str, *, field: str = "id") -> str:
    """What the owner calls it. Raises IdMalformed."""
    found, _, key = (_unpack(global_id) or "").partition(":")
    if found != kind or not key:
        raise IdMalformed(kind, field)
    return key


def decode_uuid(global_id: str, kind: str, *, field: str = "id") -> str:
    """As `decode_id`, for owners that go by UUID. Raises IdMalformed."""
    key = decode_id(global_id, kind, field=field)
    try:
        return str(UUID(key))
    except ValueError:
        raise IdMalformed(kind, field) from None


def kind_of_id(global_id: str) -> str:
    """The type's name in an id; empty when it is none."""
    return (_unpack(global_id) or "").partition(":")[0]


def encode_cursor(after: str | None, skip: int) -> str:
    """The place behind the first `skip` items of the owner's page that begins at `after`."""
    return _pack(f"{skip}:{after or ''}")


def decode_cursor(cursor: str) -> tuple[str | None, int]:
    """The owner's `after`, and how many items to skip behind it. Raises CursorMalformed."""
    skip, separator, after = (_unpack(cursor) or "").partition(":")
    if not separator or not (skip.isascii() and skip.isdigit()) or int(skip[:4]) > 100:
        raise CursorMalformed
    return after or None, int(skip[:4])


def _pack(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpack(text: str) -> str | None:
    if not text or len(text) > _LONGEST:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
