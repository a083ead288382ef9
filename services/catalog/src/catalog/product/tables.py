"""Tables of products: the product, its variants, its slugs, and where in the tree it stands."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from catalog.db import Base


class ProductRow(Base):
    """A product. `digest` is that of the input it was made of, to know the same again by.

    `assortments` are the tags of all its variants together.
    """

    __tablename__ = "products"
    __table_args__ = (
        Index("ix_products_published", "key", postgresql_where="is_published"),
        # Without a pending list, which every search would have to walk through.
        Index(
            "ix_products_search",
            "search",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
        Index(
            "ix_products_assortments",
            "assortments",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
    )

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[dict[str, str]] = mapped_column(JSONB)
    description: Mapped[dict[str, str]] = mapped_column(JSONB)
    slug: Mapped[dict[str, str]] = mapped_column(JSONB)
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    tax_class: Mapped[str] = mapped_column(Text)
    media: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    is_published: Mapped[bool]
    search: Mapped[str] = mapped_column(TSVECTOR)
    word_count: Mapped[int] = mapped_column(SmallInteger)
    digest: Mapped[UUID]
    assortments: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    version: Mapped[int]
    updated_at: Mapped[datetime]


class VariantRow(Base):
    """What is put into a box: a SKU belongs to one product.

    `assortments` are its tags: the ids of all assortments it belongs to. `words` are those that
    only a variant brings to its product's search index, to be left out for who may not see it.
    """

    __tablename__ = "variants"
    __table_args__ = (Index("ix_variants_product_key", "product_key", "position"),)

    sku: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    product_key: Mapped[str] = mapped_column(Text(collation="C"), ForeignKey("products.key"))
    position: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[dict[str, str]] = mapped_column(JSONB)
    words: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")), server_default="{}")
    assortments: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")


class SlugRow(Base):
    """A slug belongs to one product per locale."""

    __tablename__ = "slugs"

    locale: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    slug: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    product_key: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("products.key"), index=True
    )


class PlacementRow(Base):
    """A product stands in each of its categories and in all those above them.

    A list of any category, however large, is thus one range of the primary key, in its order.
    Categories are never deleted, so that there is no foreign key to slow a bulk write down.
    """

    __tablename__ = "placements"
    # Hashed, so that no list is ever tempted to go by it instead of by the primary key.
    __table_args__ = (Index("ix_placements_product_key", "product_key", postgresql_using="hash"),)

    category_key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    product_key: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("products.key"), primary_key=True
    )
