"""Cursors give back what was put in, and refuse what they never gave."""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.paging import CursorNotReadable, decode_cursor, encode_cursor

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ID = UUID(int=7)


@given(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")),
    st.integers(-(2**63) + 1, 2**63 - 1),
)
def test_a_cursor_comes_back(text, number):
    cursor = encode_cursor(text, number, MOMENT, ID)
    try:
        assert decode_cursor(cursor, str, int, datetime, UUID) == (text, number, MOMENT, ID)
    except CursorNotReadable:
        assert len(cursor) > 1024


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "ä",
        "=" * 10,
        "A" * 5000,
        encode_cursor("a"),
        encode_cursor("a", 1, 2),
        encode_cursor(1, "a"),
        encode_cursor("a", "1"),
        encode_cursor("a\0", 1),
        encode_cursor(None, 1),
        "W" * 40,
    ],
)
def test_others_are_refused(cursor):
    with pytest.raises(CursorNotReadable) as raised:
        decode_cursor(cursor, str, int)
    assert raised.value.errors[0].pointer == "after"


@given(st.text())
def test_no_cursor_breaks_anything(cursor):
    with suppress(CursorNotReadable):
        decode_cursor(cursor, str, datetime)
