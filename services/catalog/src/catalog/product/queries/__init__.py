"""Reads of products: as viewers see them, and as they are stored."""

from catalog.product.queries.seen import (
    Start,
    find_judged,
    find_product,
    find_product_by_slug,
    get_product,
    is_in_branch,
    list_orderable,
    list_products,
    page_of,
    product_of,
)
from catalog.product.queries.stored import (
    get_placed_for_update,
    hold,
    list_facts,
    stream_products,
)

__all__ = [
    "Start",
    "find_judged",
    "find_product",
    "find_product_by_slug",
    "get_placed_for_update",
    "get_product",
    "hold",
    "is_in_branch",
    "list_facts",
    "list_orderable",
    "list_products",
    "page_of",
    "product_of",
    "stream_products",
]
