"""The local copy of what an order line needs of catalog's products."""

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from orders.db import Base

Sorted = Text(collation="C")


class ProductRow(Base):
    """A product as of `sequence`, its version at catalog."""

    __tablename__ = "products"

    key: Mapped[str] = mapped_column(Sorted, primary_key=True)
    sequence: Mapped[int]
    is_published: Mapped[bool]
    name: Mapped[dict[str, str]] = mapped_column(JSONB)


class ProductSkuRow(Base):
    """A SKU of a product.

    While events overtake each other a SKU that moved may stand under two products for a moment,
    so the SKU alone is no key.
    """

    __tablename__ = "product_skus"
    __table_args__ = (Index(None, "product_key"),)

    sku: Mapped[str] = mapped_column(Sorted, primary_key=True)
    product_key: Mapped[str] = mapped_column(
        Sorted, ForeignKey(ProductRow.key, ondelete="CASCADE"), primary_key=True
    )
