"""Price lists and prices over HTTP."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Needs
from chassis.bulk import DryRun, documents, upsert_lines
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.bulk import LineResult
from contracts.paging import Page
from contracts.pricing import Price, PriceList, PutPrice, PutPriceLine, PutPriceList
from pricing.moments import in_utc
from pricing.price_list import commands, queries
from pricing.price_list.views import as_price_list
from pricing.wire import At, KnownAt, ListKey, PathSku

EXAMPLE = '{"sku":"71053","tiers":[{"min_quantity":1,"amount":"3.39"}]}\n'

router = APIRouter(prefix="/v1/price-lists", tags=["price lists"])


@router.put(
    "/{key}",
    summary="Make or change a price list",
    dependencies=[Needs("pricing:write")],
    responses=upserted(PriceList, "list"),
)
async def put_price_list(
    key: ListKey,
    body: PutPriceList,
    session: Session,
    now: Now,
    if_match: IfMatch,
    response: Response,
) -> PriceList:
    """Make a list, or change where, when and before which others it holds.

    Its currency and whether its prices have tax in them stay as they were made (409). The same
    again changes nothing.
    """
    price_list, outcome = await commands.put_price_list(
        session, key, body, if_match=if_match, now=now
    )
    stamp(response, version=price_list.version, outcome=outcome)
    return price_list


@router.get(
    "/{key}",
    summary="Read a price list",
    dependencies=[Needs("pricing:read")],
    responses=read("list"),
)
async def get_price_list(key: ListKey, reader: Reader, response: Response) -> PriceList:
    """One list by its key, without its prices."""
    price_list = await queries.get_price_list(reader, key)
    stamp(response, version=price_list.version)
    return price_list


@router.get("", summary="List price lists", dependencies=[Needs("pricing:read")])
async def list_price_lists(
    reader: Reader, limit: Limit = 50, after: After = None
) -> Page[PriceList]:
    """All lists, by key."""
    (last,) = decode_cursor(after, str) if after is not None else ("",)
    rows = await queries.list_price_lists(reader, after=last, limit=limit + 1)
    following = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page[PriceList](items=[as_price_list(row) for row in rows[:limit]], next=following)


@router.put(
    "/{key}/prices/{sku}",
    summary="Set a price",
    dependencies=[Needs("pricing:write")],
    responses=upserted(Price, "price", has_version=False),
)
async def put_price(
    key: ListKey, sku: PathSku, body: PutPrice, session: Session, now: Now, response: Response
) -> Price:
    """Set the price of a SKU in a list for a window of time.

    Within its window it takes the place of what was known before; outside of it nothing changes,
    and what was known stays readable by `known_at`. The same price again changes nothing.
    """
    price, outcome = await commands.put_price(session, key, sku, body, now=now)
    stamp(response, version=None, outcome=outcome)
    return price


@router.get("/{key}/prices/{sku}", summary="Read a price", dependencies=[Needs("pricing:read")])
async def get_price(
    key: ListKey,
    sku: PathSku,
    reader: Reader,
    now: Now,
    at: At = None,
    known_at: KnownAt = None,
) -> Price:
    """The price of a SKU in a list at a moment, by what was known at another."""
    return await queries.get_price(
        reader,
        key,
        sku,
        at=now if at is None else in_utc(at, field="at"),
        known_at=_known_at(known_at),
    )


@router.get("/{key}/prices", summary="List prices", dependencies=[Needs("pricing:read")])
async def list_prices(
    key: ListKey,
    reader: Reader,
    now: Now,
    at: At = None,
    known_at: KnownAt = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Price]:
    """The prices of a list as they hold at a moment, by SKU."""
    (last,) = decode_cursor(after, str) if after is not None else ("",)
    prices = await queries.list_prices(
        reader,
        key,
        at=now if at is None else in_utc(at, field="at"),
        known_at=_known_at(known_at),
        after=last,
        limit=limit + 1,
    )
    following = encode_cursor(prices[limit - 1].sku) if len(prices) > limit else None
    return Page[Price](items=prices[:limit], next=following)


@router.post(
    "/{key}/prices/bulk",
    summary="Set many prices",
    dependencies=[Needs("pricing:write")],
    **documents(PutPriceLine, example=EXAMPLE),
)
async def put_prices(
    key: ListKey,
    request: Request,
    runtime: Live,
    dry_run: DryRun = False,
) -> Response:
    """Set the prices of many SKUs: NDJSON in, a line each; one result a line out, in order."""
    async with runtime.reader.connect() as reader:
        price_list = await queries.get_list_row(reader, key)

    async def write(
        session: AsyncSession, lines: list[tuple[int, PutPriceLine]]
    ) -> list[LineResult]:
        return await commands.put_lines(session, price_list, lines, now=runtime.clock.now())

    return await upsert_lines(request, PutPriceLine, write, runtime, dry_run=dry_run)


def _known_at(moment: datetime | None) -> datetime | None:
    return None if moment is None else in_utc(moment, field="known_at")
