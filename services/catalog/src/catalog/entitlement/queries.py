"""Reads of entitlement: which SKUs may be ordered. So far that is what is published."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.entitlement.views import as_entitlement
from catalog.product import queries as products


async def check_skus(reader: AsyncConnection, *, store: str, skus: Sequence[str]) -> bytes:
    """An `Entitlement` as JSON, in the order asked. Raises StoreNotFound."""
    found = await products.find_orderable(reader, store=store, skus=skus)
    return as_entitlement(skus, found)
