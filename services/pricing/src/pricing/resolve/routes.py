"""Resolution over HTTP: for everybody in stores for people, for buyers in stores for companies."""

from fastapi import APIRouter

from chassis.auth import Caller
from chassis.clock import Now
from chassis.db import Reader
from chassis.runtime import Live
from contracts.pricing import PriceResolution, ResolvePrices
from pricing.resolve import queries
from pricing.resolve.viewer import find_viewer

router = APIRouter(prefix="/v1/prices", tags=["resolution"])


@router.post("/resolve", summary="Price lines")
async def resolve_prices(
    asked: ResolvePrices, caller: Caller, runtime: Live, reader: Reader, now: Now
) -> PriceResolution:
    """What lines cost a buyer of a store: the list that goes first, its tier, and tax.

    Changes nothing, so it may be repeated at will. The first published list by precedence
    (agreement, unit and those above it, company, customer group, everybody; among equals the
    highest priority, then the key) that has a price for the SKU gives it, with its own tiers. An
    item that is not on sale, or that no list has a price for, comes back as `no_price`. A quantity
    that is not sold is told beside its price.

    Who buys is the caller: a member, or a service on behalf of one; `buyer` names another with
    scope pricing:resolve:any. A store for companies needs a buyer, or that scope.
    """
    viewer = await find_viewer(runtime, caller, asked)
    return await queries.resolve_prices(reader, asked, viewer=viewer, now=now)
