"""Assortments over HTTP: reading. Writing them is tagging's."""

from fastapi import APIRouter, Response

from catalog.assortment import queries
from catalog.assortment.views import as_assortment
from catalog.wire import AssortmentKey
from chassis.auth import Needs
from chassis.db import Reader
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.versions import read, stamp
from contracts.catalog import Assortment
from contracts.paging import Page

router = APIRouter(
    prefix="/v1/assortments", tags=["assortments"], dependencies=[Needs("catalog:read")]
)


@router.get("/{key}", summary="Read an assortment", responses=read("assortment"))
async def get_assortment(key: AssortmentKey, reader: Reader, response: Response) -> Assortment:
    """One assortment by its key, with its rules and whom it is for."""
    assortment = await queries.get_assortment(reader, key)
    stamp(response, version=assortment.version)
    return assortment


@router.get("", summary="List assortments")
async def list_assortments(
    reader: Reader, limit: Limit = 50, after: After = None
) -> Page[Assortment]:
    """Assortments by key."""
    start = decode_cursor(after, str)[0] if after is not None else ""
    rows = await queries.list_assortments(reader, after=start, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page(items=[as_assortment(row) for row in rows[:limit]], next=more)
