"""Entitlement over HTTP."""

from fastapi import APIRouter, Response

from catalog.entitlement import queries
from chassis.db import Reader
from contracts.catalog import CheckEntitlement, Entitlement

router = APIRouter(prefix="/v1/entitlements", tags=["entitlements"])


@router.post("/check", summary="Check what may be ordered", response_model=Entitlement)
async def check_entitlement(body: CheckEntitlement, reader: Reader) -> Response:
    """Which of these SKUs a buyer of the store may order, in the order asked.

    A pure read: it may be repeated at will. Unknown and unpublished SKUs are answered alike.
    """
    answer = await queries.check_skus(reader, store=body.store, skus=body.skus)
    return Response(answer, media_type="application/json")
