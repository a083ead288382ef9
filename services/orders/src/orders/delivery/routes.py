"""Delivery methods over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from chassis.auth import Needs
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.ids import CountryCode, Key
from contracts.orders import DeliveryMethod, PutDeliveryMethod
from contracts.paging import Page
from orders.delivery import commands, queries
from orders.wire import MethodKey

router = APIRouter(prefix="/v1/delivery-methods", tags=["delivery"])


@router.put(
    "/{key}",
    summary="Make or change a delivery method",
    dependencies=[Needs("stock:write")],
    responses=upserted(DeliveryMethod, "delivery method"),
)
async def put_delivery_method(
    key: MethodKey,
    body: PutDeliveryMethod,
    if_match: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> DeliveryMethod:
    """Writes the method whole; what it already says changes nothing."""
    method, outcome = await commands.put_delivery_method(
        session, key, body, if_match=if_match, now=now
    )
    stamp(response, version=method.version, outcome=outcome)
    return method


@router.get("/{key}", summary="Read a delivery method", responses=read("delivery method"))
async def get_delivery_method(key: MethodKey, reader: Reader, response: Response) -> DeliveryMethod:
    """One delivery method by its key."""
    method = await queries.get_delivery_method(reader, key)
    stamp(response, version=method.version)
    return method


@router.get("", summary="List delivery methods")
async def list_delivery_methods(
    reader: Reader,
    store: Annotated[
        Key | None, Query(description="Only those offered in this store.", examples=["d2c-uk"])
    ] = None,
    country: Annotated[
        CountryCode | None,
        Query(description="Only those that go to this country.", examples=["GB"]),
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[DeliveryMethod]:
    """Methods by position, then key; those of a store and a country, where these are named."""
    return await queries.list_delivery_methods(
        reader, store=store, country=country, limit=limit, after=after
    )
