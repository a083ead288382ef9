"""Categories over HTTP: reading one. Lists and writing are the tree's."""

from fastapi import APIRouter, Response

from catalog.category import queries
from catalog.wire import CategoryKey
from chassis.db import Reader
from chassis.versions import read, stamp
from contracts.catalog import Category

router = APIRouter(prefix="/v1/categories", tags=["categories"])


@router.get("/{key}", summary="Read a category", responses=read("category"))
async def get_category(key: CategoryKey, reader: Reader, response: Response) -> Category:
    """One category by its key, with its path from the root."""
    category = await queries.get_category(reader, key)
    stamp(response, version=category.version)
    return category
