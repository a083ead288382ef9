"""Rows of price lists and prices.

`prices` is bitemporal and append-only but for `recorded_to`, which closes a row once. All writes
of one SKU in one list queue at its row in `priced_skus`, which is locked first and in order of
SKU; so no two current rows of a SKU ever overlap, and bulk writers do not deadlock. (An exclusion
constraint would say the same, and makes an insert seven times as dear: docs/decisions/0010.)
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pricing.db import CODE, Base

ALL_STORES = "*"
"""Stands for a store's key in `PriceListStoreRow`; no key begins so."""
EVERYBODY = ""
"""The audience, in `PriceListStoreRow`, of a list that is for all buyers."""


class PriceListRow(Base):
    """A price list. `version` counts its changes, not those of its prices."""

    __tablename__ = "price_lists"
    __table_args__ = (
        CheckConstraint("valid_from < valid_to", name="window"),
        CheckConstraint("version > 0", name="version"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str] = mapped_column(CODE, unique=True)
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(CODE)
    stores: Mapped[list[str]] = mapped_column(ARRAY(CODE))
    audience: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    is_tax_included: Mapped[bool]
    priority: Mapped[int]
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    is_published: Mapped[bool]
    version: Mapped[int]
    updated_at: Mapped[datetime]


class PriceListStoreRow(Base):
    """That a list holds in a store, or in all of them, for some buyers, or for all of them: the
    way from a store and a buyer to their lists.

    It says what `PriceListRow.stores` and `audience` say, every pair of both, so that lists of
    other stores and other buyers cost a buyer nothing, however many there are.
    """

    __tablename__ = "price_list_stores"

    store: Mapped[str] = mapped_column(CODE, primary_key=True)
    audience: Mapped[str] = mapped_column(CODE, primary_key=True)
    price_list_id: Mapped[int] = mapped_column(ForeignKey(PriceListRow.id), primary_key=True)


class PricedSkuRow(Base):
    """A SKU that has or had a price in a list. `sequence` counts the writes of its prices."""

    __tablename__ = "priced_skus"

    price_list_id: Mapped[int] = mapped_column(ForeignKey(PriceListRow.id), primary_key=True)
    sku: Mapped[str] = mapped_column(CODE, primary_key=True)
    sequence: Mapped[int]


class PriceRow(Base):
    """A price in its window, as it was known from `recorded_from` to `recorded_to`.

    Rows whose `recorded_to` is null are what is known now. Only those are in the index that
    resolution reads, so that history costs it nothing; and it has all that choosing a price takes,
    so that only the rows of chosen prices are fetched.
    """

    __tablename__ = "prices"
    __table_args__ = (
        ForeignKeyConstraint(
            ["price_list_id", "sku"], [PricedSkuRow.price_list_id, PricedSkuRow.sku]
        ),
        CheckConstraint("valid_from < valid_to", name="valid_time"),
        CheckConstraint("recorded_from < recorded_to", name="recorded_time"),
        CheckConstraint(
            "cardinality(tier_quantities) > 0"
            " AND cardinality(tier_quantities) = cardinality(tier_amounts)",
            name="tiers",
        ),
        Index(
            "ix_prices_known_now",
            "sku",
            "price_list_id",
            "valid_from",
            unique=True,
            postgresql_include=["valid_to", "id"],
            postgresql_where=text("recorded_to IS NULL"),
        ),
        Index(
            "ix_prices_known_before",
            "sku",
            "price_list_id",
            "recorded_to",
            postgresql_where=text("recorded_to IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    price_list_id: Mapped[int]
    sku: Mapped[str] = mapped_column(CODE)
    sequence: Mapped[int]
    tier_quantities: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    tier_amounts: Mapped[list[Decimal]] = mapped_column(ARRAY(Numeric))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    recorded_from: Mapped[datetime]
    recorded_to: Mapped[datetime | None]
