"""Reads of the copy of products."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from orders.db import texts
from orders.product.domain import SkuFacts
from orders.product.tables import ProductRow, ProductSkuRow


async def find_published_skus(
    source: AsyncConnection | AsyncSession, skus: Collection[str]
) -> dict[str, SkuFacts]:
    """Those of the SKUs that buyers may see; unknown and unpublished ones are left out."""
    if not skus:
        return {}
    found = await source.execute(
        select(ProductSkuRow.sku, ProductRow.key, ProductRow.name)
        .join(ProductRow, ProductRow.key == ProductSkuRow.product_key)
        .where(
            ProductSkuRow.sku == func.any(texts(skus)),
            ProductRow.is_published,
        )
    )
    return {sku: SkuFacts(sku, product_key, name) for sku, product_key, name in found}
