"""Keeping the copy of catalog's products."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Text, column, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import TableValuedAlias

from chassis.copies import apply_newer
from contracts.catalog import ProductFacts
from orders.db import texts
from orders.product.tables import ProductRow, ProductSkuRow


async def keep_products(session: AsyncSession, products: Sequence[ProductFacts]) -> None:
    """Take what is newer than what is kept; the order in which it comes does not matter.

    SKUs that a product no longer has are taken from it.
    """
    rows = [
        {
            "key": product.key,
            "sequence": product.sequence,
            "is_published": product.is_published,
            "name": product.name,
        }
        for product in products
    ]
    await apply_newer(session, ProductRow, rows, keys=["key"])
    versions = {(product.key, product.sequence): product.skus for product in products}
    await _keep_skus(session, await _of_kept_versions(session, versions))


async def _of_kept_versions(
    session: AsyncSession, versions: Mapping[tuple[str, int], Sequence[str]]
) -> dict[str, Sequence[str]]:
    """The SKUs by product, of those versions that are the ones kept now.

    The products' rows are locked by now, so nobody else is at their SKUs.
    """
    keys = texts([key for key, _ in versions])
    kept = await session.execute(
        select(ProductRow.key, ProductRow.sequence).where(ProductRow.key == func.any(keys))
    )
    return {key: versions[key, sequence] for key, sequence in kept if (key, sequence) in versions}


async def _keep_skus(session: AsyncSession, skus: Mapping[str, Sequence[str]]) -> None:
    if not skus:
        return
    row = ProductSkuRow
    wanted = _as_table(skus)
    await session.execute(
        delete(row)
        .where(
            row.product_key == func.any(texts(skus)),
            tuple_(row.product_key, row.sku).not_in(select(wanted.c.product_key, wanted.c.sku)),
        )
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        insert(row)
        .from_select(["product_key", "sku"], select(wanted.c.product_key, wanted.c.sku))
        .on_conflict_do_nothing()
    )


def _as_table(skus: Mapping[str, Sequence[str]]) -> TableValuedAlias:
    pairs = sorted((key, sku) for key, own in skus.items() for sku in set(own))
    return (
        func.unnest(
            texts([key for key, _ in pairs]),
            texts([sku for _, sku in pairs]),
        )
        .table_valued(column("product_key", Text), column("sku", Text))
        .render_derived(name="wanted")
    )
