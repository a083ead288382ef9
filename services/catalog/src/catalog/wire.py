"""What the routes of all features share at the HTTP border: names in paths and queries, and how
an upsert answers.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query

from contracts.bulk import LineOutcome, LineResult
from contracts.ids import Key
from contracts.problems import FieldError, Problem

StoreKey = Annotated[
    Key, Path(description="The partner's name for the store.", examples=["d2c-uk"])
]
StoreQuery = Annotated[Key, Query(description="Key of the store.", examples=["d2c-uk"])]
StoreIfAny = Annotated[
    Key | None, Query(description="Key of the store that it is seen in.", examples=["d2c-uk"])
]
CategoryKey = Annotated[
    Key, Path(description="The partner's name for the category.", examples=["lighting"])
]
ProductKey = Annotated[
    Key, Path(description="The partner's name for the product.", examples=["71053"])
]
AssortmentKey = Annotated[
    Key, Path(description="The partner's name for the assortment.", examples=["lighting-only"])
]
IncludeUnpublished = Annotated[
    bool,
    Query(description="Also what buyers do not see; needs scope catalog:read.", examples=[False]),
]


def line_result(
    line: int, key: str, outcome: LineOutcome, problems: Sequence[Problem]
) -> LineResult:
    """What became of a line."""
    return LineResult(
        line=line,
        key=key,
        outcome=outcome,
        errors=[error for problem in problems for error in _told(problem)],
    )


def _told(problem: Problem) -> Sequence[FieldError]:
    return problem.errors or (FieldError(pointer="", code=problem.code, message=problem.detail),)
