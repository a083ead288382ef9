"""`If-Match` as RFC 9110 reads it, and the race that it tells."""

import pytest

from chassis.versions import (
    IfMatchNotReadable,
    VersionNotCurrent,
    check,
    etag,
    read_if_match,
)


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        (None, None),
        ('"3"', {"3"}),
        (' "3" , "4"', {"3", "4"}),
        ("*", {"*"}),
        ('W/"3"', set()),
        ('W/"3", "4"', {"4"}),
        ('""', {""}),
    ],
)
async def test_header_is_read(header, tags):
    assert await read_if_match(header) == tags


@pytest.mark.parametrize("header", ["3", "", '"3', '"3" "4"', '"3",', "*, *", '"3", *'])
async def test_header_that_is_no_list_of_tags_is_refused(header):
    with pytest.raises(IfMatchNotReadable) as refused:
        await read_if_match(header)
    assert refused.value.errors[0].pointer == "If-Match"


@pytest.mark.parametrize(
    ("current", "header", "holds"),
    [
        (3, None, True),
        (None, None, True),
        (3, etag(3), True),
        (3, '"2", "3"', True),
        (3, "*", True),
        (3, etag(2), False),
        (3, 'W/"3"', False),
        (None, "*", False),
        (None, etag(1), False),
    ],
)
async def test_write_goes_on_only_at_a_version_that_is_expected(current, header, holds):
    expected = await read_if_match(header)
    if holds:
        check(current, expected)
        return
    with pytest.raises(VersionNotCurrent) as lost:
        check(current, expected)
    assert lost.value.extra == {"current_version": current}
