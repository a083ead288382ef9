"""Pages of a list: keyset, never offset."""

from typing import Generic, TypeVar

from pydantic import Field

from contracts.model import Answer

Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """Some of a list, and how to go on."""

    items: list[Item] = Field(description="In the list's order.")
    next: str | None = Field(
        default=None,
        description="Pass it as `after` for the next page; null at the end.",
        examples=["WyI4NTEyM0EiXQ"],
    )
