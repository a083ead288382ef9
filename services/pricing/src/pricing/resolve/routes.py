"""Resolution over HTTP, open to everyone: what a store's prices are is no secret."""

from fastapi import APIRouter

from chassis.clock import Now
from chassis.db import Reader
from contracts.pricing import PriceResolution, ResolvePrices
from pricing.resolve import queries

router = APIRouter(prefix="/v1/prices", tags=["resolution"])


@router.post("/resolve", summary="Price lines")
async def resolve_prices(asked: ResolvePrices, reader: Reader, now: Now) -> PriceResolution:
    """What lines cost a buyer of a store: the list that goes first, its tier, and tax.

    Changes nothing, so it may be repeated at will. The published list with the highest priority
    that has a price for the SKU gives it, with its own tiers. An item that is not on sale, or
    that no list has a price for, comes back as `no_price`.
    """
    return await queries.resolve_prices(reader, asked, now=now)
