"""Reads of products by who writes them and by who copies them."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    Row,
    Text,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from catalog.db import as_rows, recordset
from catalog.product.domain import Holdings, SlugKey, Stored, slugs_wanted
from catalog.product.tables import PlacementRow, ProductRow, SlugRow, VariantRow
from catalog.product.views import as_facts
from contracts.catalog import ProductFacts, PutProduct

Held = TypeVar("Held", str, SlugKey)


async def hold(session: AsyncSession, products: Sequence[tuple[str, PutProduct]]) -> Holdings:
    """What is stored of these products, locked in the order of their keys, and who holds the
    SKUs and slugs that they ask for.
    """
    keys = [key for key, _ in products]
    locked = await session.execute(
        select(ProductRow.key, ProductRow.id, ProductRow.version, ProductRow.digest)
        .where(ProductRow.key == any_(bindparam("keys", type_=ARRAY(Text))))
        .order_by(ProductRow.key)
        .with_for_update(),
        {"keys": keys},
    )
    found = locked.all()
    skus = await _owners_of_skus(session, keys, products)
    slugs = await _owners_of_slugs(session, keys, products)
    skus_of, slugs_of = _by_owner(skus), _by_owner(slugs)
    stored = {
        row.key: Stored(
            id=row.id,
            version=row.version,
            digest=row.digest,
            skus=frozenset(skus_of.get(row.key, ())),
            slugs=frozenset(slugs_of.get(row.key, ())),
        )
        for row in found
    }
    return Holdings(stored, skus, slugs)


async def _owners_of_skus(
    session: AsyncSession, keys: list[str], products: Sequence[tuple[str, PutProduct]]
) -> dict[str, str]:
    wanted = [variant.sku for _, body in products for variant in body.variants]
    rows = await session.execute(
        select(VariantRow.sku, VariantRow.product_key).where(
            or_(
                VariantRow.sku == any_(bindparam("skus", type_=ARRAY(Text))),
                VariantRow.product_key == any_(bindparam("keys", type_=ARRAY(Text))),
            )
        ),
        {"skus": wanted, "keys": keys},
    )
    return {row.sku: row.product_key for row in rows}


async def _owners_of_slugs(
    session: AsyncSession, keys: list[str], products: Sequence[tuple[str, PutProduct]]
) -> dict[SlugKey, str]:
    wanted = {pair for key, body in products for pair in slugs_wanted(key, body)}
    given = recordset(locale=Text(), slug=Text())
    columns = (SlugRow.locale, SlugRow.slug, SlugRow.product_key)
    rows = await session.execute(
        union_all(
            select(*columns).where(
                SlugRow.product_key == any_(bindparam("keys", type_=ARRAY(Text)))
            ),
            select(*columns).join(
                given, and_(SlugRow.locale == given.c.locale, SlugRow.slug == given.c.slug)
            ),
        ),
        {"keys": keys, **as_rows({"locale": locale, "slug": slug} for locale, slug in wanted)},
    )
    return {(row.locale, row.slug): row.product_key for row in rows}


def _by_owner(owners: Mapping[Held, str]) -> dict[str, list[Held]]:
    held: dict[str, list[Held]] = {}
    for thing, owner in owners.items():
        held.setdefault(owner, []).append(thing)
    return held


async def stream_products(connection: AsyncConnection) -> AsyncIterator[ProductFacts]:
    """Every product, published or not, for the snapshot."""
    async with connection.stream(_FACTS) as rows:
        async for row in rows:
            yield as_facts(row)


_FACTS = select(
    ProductRow.id,
    ProductRow.key,
    ProductRow.version,
    ProductRow.is_published,
    ProductRow.tax_class,
    ProductRow.name,
    func.array(
        select(PlacementRow.category_key)
        .where(PlacementRow.product_key == ProductRow.key)
        .order_by(PlacementRow.category_key)
        .scalar_subquery()
    ).label("placements"),
    func.array(
        select(VariantRow.sku)
        .where(VariantRow.product_key == ProductRow.key)
        .order_by(VariantRow.position)
        .scalar_subquery()
    ).label("skus"),
).order_by(ProductRow.key)


async def get_placed_for_update(
    session: AsyncSession, category_keys: Collection[str]
) -> Sequence[Row[Any]]:
    """Key and categories of every product in one of these branches, locked by key."""
    placed = select(PlacementRow.product_key).where(
        PlacementRow.category_key == any_(bindparam("categories", type_=ARRAY(Text)))
    )
    rows = await session.execute(
        select(ProductRow.key, ProductRow.categories)
        .where(ProductRow.key.in_(placed))
        .order_by(ProductRow.key)
        .with_for_update(),
        {"categories": list(category_keys)},
    )
    return [*rows]


async def list_facts(session: AsyncSession, keys: Sequence[str]) -> list[ProductFacts]:
    """What other services keep of these products."""
    rows = await session.execute(
        _FACTS.where(ProductRow.key == any_(bindparam("keys", type_=ARRAY(Text)))),
        {"keys": list(keys)},
    )
    return [as_facts(row) for row in rows]
