"""Reads of the copy of products."""

from sqlalchemy import ColumnElement, Select, select

from pricing.product.tables import ProductRow, ProductSkuRow


def tax_class_of(sku: ColumnElement[str]) -> Select[str]:
    """The tax class of a SKU that is on sale; no row for one unknown, gone or unpublished."""
    return (
        select(ProductRow.tax_class)
        .join(ProductSkuRow, ProductSkuRow.product_key == ProductRow.key)
        .where(ProductSkuRow.sku == sku, ProductRow.is_published)
        .order_by(ProductRow.key)
        .limit(1)
    )
