"""Relay connections: a page of an owner's list, with a cursor for each item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import strawberry

from gateway.errors import PageSizeOutOfRange
from gateway.ids import decode_cursor, encode_cursor

Item = TypeVar("Item")
MOST_AT_ONCE = 100


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether this page had an `after`.")
    start_cursor: str | None = strawberry.field(description="Of the first item.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` for the next page.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: the owner's own `after`, and how many items behind it are left out."""

    after: str | None
    skip: int
    first: int

    @classmethod
    def of(cls, first: int, after: str | None, *, most: int = MOST_AT_ONCE) -> Self:
        """From a field's arguments. Raises PageSizeOutOfRange, CursorMalformed."""
        if not 1 <= first <= most:
            raise PageSizeOutOfRange(first, most=most)
        start, skip = decode_cursor(after) if after is not None else (None, 0)
        return cls(start, skip, first)

    @property
    def limit(self) -> int:
        """How many to ask of the owner."""
        return self.skip + self.first

    def cursors(self, many: int, following: str | None) -> list[str]:
        """A cursor for each item; the one behind the last is the owner's own."""
        made = [encode_cursor(self.after, self.skip + n) for n in range(1, many + 1)]
        if following is not None:
            made[-1:] = [encode_cursor(following, 0)]
        return made

    def info(self, cursors: Sequence[str], many: int, following: str | None) -> PageInfo:
        """Where the page stands; `following` is where the owner goes on."""
        return PageInfo(
            has_next_page=following is not None,
            has_previous_page=self.after is not None or self.skip > 0,
            start_cursor=cursors[0] if many else None,
            end_cursor=cursors[-1] if cursors else None,
        )


@strawberry.type(description="An item of a list, and its place there.")
class Edge(Generic[Item]):
    cursor: str = strawberry.field(description="Pass it as `after` to go on behind this one.")
    node: Item = strawberry.field(description="The item.")


@strawberry.type(description="Some of a list.")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The items with their places.")
    nodes: list[Item] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")

    @classmethod
    def of(cls, nodes: list[Item], place: Place, following: str | None) -> Self:
        """A page of the owner's list."""
        cursors = place.cursors(len(nodes), following)
        return cls(
            edges=[Edge(cursor=c, node=n) for c, n in zip(cursors, nodes, strict=False)],
            nodes=nodes,
            page_info=place.info(cursors, len(nodes), following),
        )
