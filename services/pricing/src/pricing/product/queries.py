"""Reads of the copy of products."""

from sqlalchemy import Subquery, select

from pricing.product.tables import ProductRow, ProductSkuRow


def on_sale() -> Subquery:
    """SKU and tax class of all that is on sale: none that is unknown, gone or unpublished.

    While a SKU moves from one product to another it may be in both for a moment.
    """
    return (
        select(ProductSkuRow.sku, ProductRow.tax_class)
        .join(ProductRow, ProductRow.key == ProductSkuRow.product_key)
        .where(ProductRow.is_published)
        .subquery("product")
    )
