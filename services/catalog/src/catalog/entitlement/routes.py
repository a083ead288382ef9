"""Entitlement over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from catalog.entitlement import queries
from catalog.wire import StoreQuery
from chassis.auth import Caller, Needs
from chassis.runtime import Live
from contracts.catalog import CheckEntitlement, Entitlement, EntitlementExplanation
from contracts.ids import Sku

router = APIRouter(prefix="/v1/entitlements", tags=["entitlements"])


@router.post("/check", summary="Check what may be ordered", response_model=Entitlement)
async def check_entitlement(body: CheckEntitlement, runtime: Live, caller: Caller) -> Response:
    """Which of these SKUs the caller may order in the store, in the order asked.

    A pure read: it may be repeated at will. Unknown, unpublished and invisible SKUs are answered
    alike. A store for companies sells nothing to guests (401).
    """
    answer = await queries.check_skus(runtime, caller, store=body.store, skus=body.skus)
    return Response(answer, media_type="application/json")


@router.get("/explain", summary="Explain what may be ordered", dependencies=[Needs("catalog:read")])
async def explain_entitlement(
    runtime: Live,
    store: StoreQuery,
    sku: Annotated[Sku, Query(description="The SKU to explain.", examples=["85123A"])],
    member_id: Annotated[
        UUID | None,
        Query(
            description="The member who would order; without one it is a guest.",
            examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"],
        ),
    ] = None,
) -> EntitlementExplanation:
    """Why a member, or a guest, may or may not order this SKU: what `check` would answer, and each
    assortment that has a say in it.
    """
    return await queries.explain_sku(runtime, store=store, sku=sku, member_id=member_id)
