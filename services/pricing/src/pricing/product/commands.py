"""Keeping the copy of catalog's products."""

from collections.abc import Sequence

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import apply_newer
from contracts.catalog import ProductFacts
from pricing.product.tables import ProductRow, ProductSkuRow


async def keep_products(session: AsyncSession, products: Sequence[ProductFacts]) -> None:
    """Take what is newer than what is kept; the order in which it comes does not matter.

    SKUs that a product no longer has are taken from it.
    """
    rows = [
        {
            "key": product.key,
            "sequence": product.sequence,
            "is_published": product.is_published,
            "tax_class": product.tax_class,
            "categories": list(product.categories),
        }
        for product in products
    ]
    await apply_newer(session, ProductRow, rows, keys=["key"])
    skus = {(product.key, product.sequence): product.skus for product in products}
    await _keep_skus(session, skus)


async def _keep_skus(session: AsyncSession, skus: dict[tuple[str, int], list[str]]) -> None:
    """Give products the SKUs that their kept versions have; other versions are passed over.

    The products' rows are locked by now, so nobody else is at their SKUs.
    """
    version = tuple_(ProductRow.key, ProductRow.sequence)
    kept = await session.execute(
        select(ProductRow.key, ProductRow.sequence).where(version.in_(list(skus)))
    )
    current = {key: skus[key, sequence] for key, sequence in kept}
    pair = tuple_(ProductSkuRow.sku, ProductSkuRow.product_key)
    found = await session.execute(
        select(ProductSkuRow.sku, ProductSkuRow.product_key).where(
            ProductSkuRow.product_key.in_(list(current))
        )
    )
    present = {(sku, key) for sku, key in found}
    wanted = {(sku, key) for key, own in current.items() for sku in own}
    if gone := present - wanted:
        await session.execute(delete(ProductSkuRow).where(pair.in_(sorted(gone))))
    if new := sorted(wanted - present):
        await session.execute(
            insert(ProductSkuRow), [{"sku": sku, "product_key": key} for sku, key in new]
        )
