"""Tax rates over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from chassis.auth import Needs
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.ids import CountryCode
from contracts.paging import Page
from contracts.pricing import PutTaxRate, TaxRate
from pricing.tax import commands, queries
from pricing.tax.views import as_tax_rate
from pricing.wire import RateKey

router = APIRouter(prefix="/v1/tax-rates", tags=["tax rates"])


@router.put(
    "/{key}",
    summary="Make or change a tax rate",
    dependencies=[Needs("pricing:write")],
    responses=upserted(TaxRate, "rate"),
)
async def put_tax_rate(
    key: RateKey,
    body: PutTaxRate,
    session: Session,
    now: Now,
    if_match: IfMatch,
    response: Response,
) -> TaxRate:
    """Say what tax is due on a class of things in a country, and when.

    For one country, class and moment there is one rate: end the old one before its successor
    begins. The same again changes nothing.
    """
    tax_rate, outcome = await commands.put_tax_rate(session, key, body, if_match=if_match, now=now)
    stamp(response, version=tax_rate.version, outcome=outcome)
    return tax_rate


@router.get(
    "/{key}",
    summary="Read a tax rate",
    dependencies=[Needs("pricing:read")],
    responses=read("rate"),
)
async def get_tax_rate(key: RateKey, reader: Reader, response: Response) -> TaxRate:
    """One rate by its key."""
    tax_rate = await queries.get_tax_rate(reader, key)
    stamp(response, version=tax_rate.version)
    return tax_rate


@router.get("", summary="List tax rates", dependencies=[Needs("pricing:read")])
async def list_tax_rates(
    reader: Reader,
    country: Annotated[
        CountryCode | None, Query(description="Only those of this country.", examples=["GB"])
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[TaxRate]:
    """All rates, by key."""
    (last,) = decode_cursor(after, str) if after is not None else ("",)
    rows = await queries.list_tax_rates(reader, country=country, after=last, limit=limit + 1)
    following = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page[TaxRate](items=[as_tax_rate(row) for row in rows[:limit]], next=following)
