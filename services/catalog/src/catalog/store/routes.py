"""Stores over HTTP."""

from fastapi import APIRouter, Response

from catalog.store import commands, queries
from catalog.store.views import as_store
from catalog.wire import StoreKey
from chassis.auth import Needs
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.catalog import PutStore, Store
from contracts.paging import Page

router = APIRouter(prefix="/v1/stores", tags=["stores"])


@router.put(
    "/{key}",
    summary="Make or change a store",
    dependencies=[Needs("catalog:write")],
    responses=upserted(Store, "store"),
)
async def put_store(
    key: StoreKey, body: PutStore, if_match: IfMatch, session: Session, now: Now, response: Response
) -> Store:
    """Writes the store whole; what it already says changes nothing and tells nobody."""
    store, outcome = await commands.put_store(session, key, body, if_match=if_match, now=now)
    stamp(response, version=store.version, outcome=outcome)
    return store


@router.get("/{key}", summary="Read a store", responses=read("store"))
async def get_store(key: StoreKey, reader: Reader, response: Response) -> Store:
    """One store by its key."""
    store = await queries.get_store(reader, key)
    stamp(response, version=store.version)
    return store


@router.get("", summary="List stores")
async def list_stores(reader: Reader, limit: Limit = 50, after: After = None) -> Page[Store]:
    """Stores by key."""
    start = decode_cursor(after, str)[0] if after is not None else ""
    rows = await queries.list_stores(reader, after=start, limit=limit + 1)
    more = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page(items=[as_store(row) for row in rows[:limit]], next=more)
