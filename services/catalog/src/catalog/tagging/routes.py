"""Assortments over HTTP: writing."""

from fastapi import APIRouter, Response

from catalog.tagging import commands
from catalog.wire import AssortmentKey
from chassis.auth import Needs
from chassis.clock import Now
from chassis.db import Session
from chassis.versions import IfMatch, stamp, upserted
from contracts.catalog import Assortment, PutAssortment

router = APIRouter(
    prefix="/v1/assortments", tags=["assortments"], dependencies=[Needs("catalog:write")]
)


@router.put(
    "/{key}",
    summary="Make or change an assortment",
    responses=upserted(Assortment, "assortment"),
)
async def put_assortment(
    key: AssortmentKey,
    body: PutAssortment,
    if_match: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> Assortment:
    """Writes the assortment whole: what belongs to it, and whom it is for.

    Categories, products, SKUs and buyers may be named before they are there. When this answers,
    every list, search, page and check goes by it. What it already says changes nothing.
    """
    assortment, outcome = await commands.put_assortment(
        session, key, body, if_match=if_match, now=now
    )
    stamp(response, version=assortment.version, outcome=outcome)
    return assortment
