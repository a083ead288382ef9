"""The search index behind a few functions: how PostgreSQL keeps a product's words and finds
products by a buyer's. Another index could stand in for this module without its callers changing.
"""

from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, case, cast, func, literal
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

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


def matches(index: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Condition: the product is found."""
    return index.bool_op("@@")(_FOUND)


def without(
    index: SQLColumnExpression[str], words: SQLColumnExpression[list[str]]
) -> ColumnElement[str]:
    """A product's index without these lexemes, for who may not know what they come from."""
    return func.ts_delete(index, words, type_=TSVECTOR)


def rank(index: SQLColumnExpression[str], words: SQLColumnExpression[int]) -> ColumnElement[int]:
    """The lower the better: its very SKU, then all words whole, then words begun."""
    return case(
        (index.bool_op("@@")(_EXACT_SKU), literal(0)),
        (index.bool_op("@@")(_WHOLE), literal(MAX_WORDS + 1) + words),
        else_=literal(2 * (MAX_WORDS + 1)) + words,
    )
