"""Versions at the HTTP border: `ETag` out, `If-Match` in (RFC 9110, 13.1.1), and how routes that
write and read one versioned thing answer and say so in OpenAPI.
"""

import re
from typing import Annotated, Any

from fastapi import Depends, Header, Response
from pydantic import BaseModel

from contracts.bulk import LineOutcome
from contracts.problems import Invalid, PreconditionFailed

_LIST = re.compile(r'\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*')
_TAG = re.compile(r'(W/)?"([^"]*)"')
ANY = "*"
_ETAG: dict[str, Any] = {
    "ETag": {
        "description": "The version, quoted; send it back as If-Match.",
        "schema": {"type": "string", "examples": ['"3"']},
    }
}


class IfMatchNotReadable(Invalid):
    """The header is no list of entity tags."""

    def __init__(self) -> None:
        super().__init__('must be like "3", or *', field="If-Match")


class VersionNotCurrent(PreconditionFailed):
    """Somebody else was faster: If-Match names another version than the present one."""

    def __init__(self, current: int | None) -> None:
        super().__init__(
            "It was changed meanwhile; read it again."
            if current is not None
            else "It does not exist (any more).",
            extra={"current_version": current},
        )


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


async def read_if_match(
    if_match: Annotated[
        str | None,
        Header(
            max_length=512,
            description="Write only if the present version is this one (`ETag` of what was read);"
            " `*`: only if there is one.",
            examples=['"3"'],
        ),
    ] = None,
) -> frozenset[str] | None:
    """The tags that a write insists on; None when it does not."""
    if if_match is None:
        return None
    if if_match.strip() == ANY:
        return frozenset({ANY})
    if not _LIST.fullmatch(if_match):
        raise IfMatchNotReadable
    # A weak tag never matches a strong comparison.
    return frozenset(tag for weak, tag in _TAG.findall(if_match) if not weak)


IfMatch = Annotated[frozenset[str] | None, Depends(read_if_match)]


def check(current: int | None, expected: frozenset[str] | None) -> None:
    """Raise VersionNotCurrent unless the present version (None: there is none) is expected."""
    if expected is None:
        return
    if current is None or (ANY not in expected and str(current) not in expected):
        raise VersionNotCurrent(current)


def stamp(response: Response, *, version: int | None, outcome: LineOutcome | None = None) -> None:
    """Set the entity tag of what has a version, and 201 where something was made."""
    if version is not None:
        response.headers["ETag"] = etag(version)
    if outcome is LineOutcome.CREATED:
        response.status_code = 201


def read(noun: str) -> dict[int | str, dict[str, Any]]:
    """`responses` of a GET of one thing with a version."""
    return {200: {"description": f"The {noun}.", "headers": _ETAG}}


def upserted(
    model: type[BaseModel], noun: str, *, has_version: bool = True
) -> dict[int | str, dict[str, Any]]:
    """`responses` of a PUT: 201 where it made the thing, 200 where it was there."""
    headers = {"headers": _ETAG} if has_version else {}
    return {
        200: {"description": f"The {noun} was there; now it is like this.", **headers},
        201: {"description": f"The {noun} was made.", "model": model, **headers},
    }
