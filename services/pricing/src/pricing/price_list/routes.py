"""Price lists and prices over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import versions
from chassis.auth import Needs
from chassis.bulk import upsert_lines
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live
from chassis.versions import IfMatch
from contracts.bulk import LineResult
from contracts.ids import Key, Sku
from contracts.paging import Page
from contracts.pricing import Price, PriceList, PutPrice, PutPriceLine, PutPriceList
from pricing.answers import ANSWERS_PRICE, ANSWERS_PUT, ANSWERS_WITH_ETAG, answer_put
from pricing.moments import in_utc
from pricing.price_list import commands, queries
from pricing.price_list.views import as_price_list

router = APIRouter(prefix="/v1/price-lists", tags=["price lists"])

ListKey = Annotated[
    Key, Path(description="The partner's name for the list.", examples=["public-uk"])
]
PathSku = Annotated[Sku, Path(description="The SKU, case-sensitive.", examples=["71053"])]
At = Annotated[
    AwareDatetime | None,
    Query(
        description="What the price was or will be at that moment; now if absent.",
        examples=["2026-11-22T10:00:00Z"],
    ),
]
KnownAt = Annotated[
    AwareDatetime | None,
    Query(
        description="By what was known at that moment; by all that is known now if absent.",
        examples=["2026-11-22T10:00:00Z"],
    ),
]


@router.put(
    "/{key}",
    summary="Make or change a price list",
    dependencies=[Needs("pricing:write")],
    responses=ANSWERS_PUT,
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
    answer_put(response, outcome, version=price_list.version)
    return price_list


@router.get(
    "/{key}",
    summary="Read a price list",
    dependencies=[Needs("pricing:read")],
    responses=ANSWERS_WITH_ETAG,
)
async def get_price_list(key: ListKey, reader: Reader, response: Response) -> PriceList:
    """One list by its key, without its prices."""
    price_list = await queries.get_price_list(reader, key)
    response.headers["ETag"] = versions.etag(price_list.version)
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
    responses=ANSWERS_PRICE,
)
async def put_price(
    key: ListKey, sku: PathSku, body: PutPrice, session: Session, now: Now, response: Response
) -> Price:
    """Set the price of a SKU in a list for a window of time.

    Within its window it takes the place of what was known before; outside of it nothing changes,
    and what was known stays readable by `known_at`. The same price again changes nothing.
    """
    price, outcome = await commands.put_price(session, key, sku, body, now=now)
    answer_put(response, outcome)
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
)
async def put_prices(
    key: ListKey,
    request: Request,
    runtime: Live,
    dry_run: Annotated[
        bool, Query(description="Tell what would become of each line; change nothing.")
    ] = False,
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
