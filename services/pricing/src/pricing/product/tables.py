"""The local copy of catalog's products, as far as prices need them."""

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from pricing.db import CODE, Base


class ProductRow(Base):
    """A product. `sequence` is catalog's version of it; `categories` has those above them too."""

    __tablename__ = "products"

    key: Mapped[str] = mapped_column(CODE, primary_key=True)
    sequence: Mapped[int]
    is_published: Mapped[bool]
    tax_class: Mapped[str] = mapped_column(CODE)
    categories: Mapped[list[str]] = mapped_column(ARRAY(CODE))


class ProductSkuRow(Base):
    """A SKU of a product.

    Events of two products come in any order, so while a SKU moves from one to another, both may
    have it for a moment; catalog has it in one only, so that ends with the later event.
    """

    __tablename__ = "product_skus"

    sku: Mapped[str] = mapped_column(CODE, primary_key=True)
    product_key: Mapped[str] = mapped_column(
        ForeignKey(ProductRow.key, ondelete="CASCADE"), primary_key=True, index=True
    )
