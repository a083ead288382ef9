"""The search index behind a few functions: how PostgreSQL keeps a product's words and finds
products by a buyer's. Another index could stand in for this module without its callers changing.
"""

from sqlalchemy import ColumnElement, bindparam, case, cast, func, literal
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import InstrumentedAttribute

from catalog.product.words import MAX_WORDS, wanted

_FOUND = cast(bindparam("found"), TSQUERY)
_EXACT_SKU = cast(bindparam("exact_sku"), TSQUERY)
_WHOLE = cast(bindparam("whole"), TSQUERY)


def as_index(words: ColumnElement[list[str]]) -> ColumnElement[str]:
    """The stored index of a product, from an array of its lexemes."""
    return func.array_to_tsvector(words)


def parameters(search: str) -> dict[str, str]:
    """What `matches` and `rank` are to be executed with."""
    asked = wanted(search)
    return {"found": asked.found, "exact_sku": asked.exact_sku, "whole": asked.whole}


def matches(index: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Condition: the product is found."""
    return index.bool_op("@@")(_FOUND)


def rank(
    index: InstrumentedAttribute[str], words: InstrumentedAttribute[int]
) -> ColumnElement[int]:
    """The lower the better: its very SKU, then all words whole, then words begun."""
    return case(
        (index.bool_op("@@")(_EXACT_SKU), literal(0)),
        (index.bool_op("@@")(_WHOLE), literal(MAX_WORDS + 1) + words),
        else_=literal(2 * (MAX_WORDS + 1)) + words,
    )
