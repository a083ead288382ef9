"""Warehouses and stock over HTTP."""

from fastapi import APIRouter, Request, Response

from chassis.auth import Needs
from chassis.bulk import DryRun, documents, upsert_lines
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit
from chassis.runtime import Live
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.orders import PutStock, PutStockLine, PutWarehouse, StockLevel, Warehouse
from contracts.paging import Page
from orders.errors import WarehouseNotFound
from orders.stock import commands, queries
from orders.wire import StockSku, WarehouseKey

EXAMPLE = '{"sku":"71053","on_hand":250}\n'

router = APIRouter(prefix="/v1/warehouses", tags=["stock"])


@router.put(
    "/{key}",
    summary="Make or change a warehouse",
    dependencies=[Needs("stock:write")],
    responses=upserted(Warehouse, "warehouse"),
)
async def put_warehouse(
    key: WarehouseKey,
    body: PutWarehouse,
    if_match: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> Warehouse:
    """Writes the warehouse whole; what it already says changes nothing."""
    warehouse, outcome = await commands.put_warehouse(
        session, key, body, if_match=if_match, now=now
    )
    stamp(response, version=warehouse.version, outcome=outcome)
    return warehouse


@router.get(
    "/{key}",
    summary="Read a warehouse",
    dependencies=[Needs("stock:read")],
    responses=read("warehouse"),
)
async def get_warehouse(key: WarehouseKey, reader: Reader, response: Response) -> Warehouse:
    """One warehouse by its key."""
    warehouse = await queries.get_warehouse(reader, key)
    stamp(response, version=warehouse.version)
    return warehouse


@router.get("", summary="List warehouses", dependencies=[Needs("stock:read")])
async def list_warehouses(
    reader: Reader, limit: Limit = 50, after: After = None
) -> Page[Warehouse]:
    """Warehouses by key."""
    return await queries.list_warehouses(reader, limit=limit, after=after)


@router.put(
    "/{key}/stock/{sku}",
    summary="Count a SKU's stock in a warehouse",
    dependencies=[Needs("stock:write")],
    responses=upserted(StockLevel, "stock"),
)
async def put_stock(
    key: WarehouseKey,
    sku: StockSku,
    body: PutStock,
    if_match: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> StockLevel:
    """Says how many lie there; the difference is booked as an adjustment.

    Fewer than are reserved for orders is refused with 409, which says how many that is.
    """
    outcome = await commands.count_stock(session, key, sku, body, if_match=if_match, now=now)
    level = await queries.get_stock_level(session, key, sku)
    stamp(response, version=level.version, outcome=outcome)
    return level


@router.get(
    "/{key}/stock/{sku}",
    summary="Read a SKU's stock in a warehouse",
    dependencies=[Needs("stock:read")],
    responses=read("stock"),
)
async def get_stock(
    key: WarehouseKey, sku: StockSku, reader: Reader, response: Response
) -> StockLevel:
    """What lies there and what of it is promised."""
    level = await queries.get_stock_level(reader, key, sku)
    stamp(response, version=level.version)
    return level


@router.get("/{key}/stock", summary="List a warehouse's stock", dependencies=[Needs("stock:read")])
async def list_stock(
    key: WarehouseKey, reader: Reader, limit: Limit = 50, after: After = None
) -> Page[StockLevel]:
    """Stock of one warehouse by SKU."""
    return await queries.list_stock_levels(reader, key, limit=limit, after=after)


@router.post(
    "/{key}/stock/bulk",
    summary="Count many SKUs' stock in a warehouse",
    dependencies=[Needs("stock:write")],
    **documents(PutStockLine, example=EXAMPLE),
)
async def put_stock_lines(
    key: WarehouseKey, request: Request, runtime: Live, now: Now, dry_run: DryRun = False
) -> Response:
    """NDJSON in, one result a line out, in batches of 500; a bad line costs no other."""
    async with runtime.reader.connect() as connection:
        if not await queries.has_warehouse(connection, key):
            raise WarehouseNotFound(key)
    return await upsert_lines(
        request,
        PutStockLine,
        lambda session, lines: commands.count_stock_lines(session, key, lines, now=now),
        runtime,
        dry_run=dry_run,
    )
