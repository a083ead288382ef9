"""Reads of entitlement: which SKUs may be ordered, and why."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.entitlement.views import as_entitlement, as_explanation
from catalog.product import queries as products
from catalog.viewer import queries as viewers
from catalog.viewer.domain import Plan
from chassis import buyers
from chassis.auth import Actor
from chassis.runtime import Runtime
from contracts.catalog import Audience, EntitlementExplanation


async def check_skus(runtime: Runtime, caller: Actor, *, store: str, skus: Sequence[str]) -> bytes:
    """An `Entitlement` as JSON, in the order asked.

    Raises StoreNotFound, and TokenMissing in a store that sells nothing to guests.
    """

    async def question(reader: AsyncConnection, plan: Plan) -> Sequence[Row[Any]]:
        return await products.list_orderable(reader, plan, store=store, skus=skus)

    rows = await viewers.ask(runtime, caller, question, store=store)
    return as_entitlement(skus, {row.sku: row for row in rows if row.sku is not None})


async def explain_sku(
    runtime: Runtime, *, store: str, sku: str, member_id: UUID | None
) -> EntitlementExplanation:
    """Why a member, or a guest, may or may not order a SKU in a store.

    Raises StoreNotFound, BuyerUnknown.
    """
    buyer = None if member_id is None else await buyers.get_profile(runtime, member_id)
    view = await viewers.get_view(runtime, buyer, store=store)
    async with runtime.reader.connect() as reader:
        judged = await products.find_judged(reader, view.plan, sku=sku)
    is_stranger = view.audience is Audience.B2B and buyer is None
    return as_explanation(sku, judged, view.parts, is_stranger=is_stranger)
