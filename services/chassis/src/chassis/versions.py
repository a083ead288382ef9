"""Versions at the HTTP border: `ETag` out, `If-Match` in (RFC 9110, 13.1.1)."""

import re
from typing import Annotated

from fastapi import Depends, Header

from contracts.problems import Invalid, PreconditionFailed

_LIST = re.compile(r'\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*')
_TAG = re.compile(r'(W/)?"([^"]*)"')
ANY = "*"


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
