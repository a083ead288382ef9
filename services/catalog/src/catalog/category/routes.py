"""Categories over HTTP: reading. Writing them is the tree's."""

from fastapi import APIRouter, Response

from catalog.category import queries
from catalog.category.views import as_category
from catalog.wire import CategoryKey
from chassis.db import Reader
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.versions import read, stamp
from contracts.catalog import Category
from contracts.paging import Page

router = APIRouter(prefix="/v1/categories", tags=["categories"])


@router.get("/{key}", summary="Read a category", responses=read("category"))
async def get_category(key: CategoryKey, reader: Reader, response: Response) -> Category:
    """One category by its key, with its path from the root."""
    category = await queries.get_category(reader, key)
    stamp(response, version=category.version)
    return category


@router.get("", summary="List categories")
async def list_categories(reader: Reader, limit: Limit = 50, after: After = None) -> Page[Category]:
    """All categories by key; the tree is made of their `parent`, its order of `position`."""
    start = decode_cursor(after, str)[0] if after is not None else ""
    rows = await queries.list_categories(reader, after=start, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page(items=[as_category(row) for row in rows[:limit]], next=more)
