"""Reads of products. The statements are built once, for building one costs as much as running it.

JSON columns are read as text: the views put them into the answer as they are.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    SQLColumnExpression,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from catalog.availability.queries import availability_of
from catalog.category import queries as categories
from catalog.db import as_rows, recordset
from catalog.errors import CategoryNotFound, ProductNotFound, StoreNotFound
from catalog.product import search
from catalog.product.domain import Holdings, SlugKey, Stored, slugs_wanted
from catalog.product.tables import PlacementRow, ProductRow, SlugRow, VariantRow
from catalog.product.views import as_facts
from catalog.store import queries as stores
from contracts.catalog import ProductFacts, PutProduct

Held = TypeVar("Held", str, SlugKey)


class Start(NamedTuple):
    """Where a page begins: behind this product (searching: of this rank)."""

    rank: int = -1
    key: str = ""


def _variants_of(product_key: ColumnElement[str]) -> ColumnElement[str]:
    """A product's variants with their availability, as the JSON of `Variant`s."""
    built = func.json_build_object(
        "sku",
        VariantRow.sku,
        "name",
        VariantRow.name,
        "availability",
        availability_of(VariantRow.sku),
    )
    listed = func.json_agg(aggregate_order_by(built, VariantRow.position))
    return select(cast(listed, Text)).where(VariantRow.product_key == product_key).scalar_subquery()


def _columns(of: Any) -> list[ColumnElement[Any]]:
    """What the views need of a product; `of` is the table, or a subquery on it."""
    return [
        cast(of.id, Text).label("id"),
        of.key,
        cast(of.name, Text).label("name"),
        cast(of.description, Text).label("description"),
        cast(of.slug, Text).label("slug"),
        of.categories,
        of.tax_class,
        cast(of.media, Text).label("media"),
        of.is_published,
        of.version,
        of.updated_at,
        _variants_of(of.key).label("variants"),
    ]


_AFTER = bindparam("after", type_=Text)
_CATEGORY = bindparam("category", type_=Text)


def _listed(*conditions: SQLColumnExpression[bool]) -> Select[*tuple[Any, ...]]:
    """Products by key."""
    return (
        select(ProductRow, literal(0).label("rank"))
        .where(ProductRow.key > _AFTER, *conditions)
        .order_by(ProductRow.key)
    )


def _listed_in_category(*conditions: SQLColumnExpression[bool]) -> Select[*tuple[Any, ...]]:
    """Products of a branch by key: a range of placements, each with its product.

    The OFFSET keeps PostgreSQL from joining in any other way. It would otherwise sometimes walk
    through all products in the order of their keys, looking for the few of a small category.
    """
    product = (
        select(ProductRow)
        .where(ProductRow.key == PlacementRow.product_key, *conditions)
        .offset(literal_column("0"))
        .lateral("product")
    )
    return (
        select(*product.c, literal(0).label("rank"))
        .select_from(PlacementRow)
        .join(product, true())
        .where(PlacementRow.category_key == _CATEGORY, PlacementRow.product_key > _AFTER)
        .order_by(PlacementRow.product_key)
    )


def _found(*conditions: SQLColumnExpression[bool]) -> Select[*tuple[Any, ...]]:
    """Products that a search finds, the best first."""
    rank = search.rank(ProductRow.search, ProductRow.word_count)
    return (
        select(ProductRow, rank.label("rank"))
        .where(
            search.matches(ProductRow.search),
            tuple_(rank, ProductRow.key) > tuple_(bindparam("rank", type_=BigInteger), _AFTER),
            *conditions,
        )
        .order_by(rank, ProductRow.key)
    )


def _is_in_category() -> ColumnElement[bool]:
    return exists().where(
        PlacementRow.category_key == _CATEGORY, PlacementRow.product_key == ProductRow.key
    )


@cache
def _page(*, is_searched: bool, has_category: bool, is_published: bool) -> Select[Any]:
    """One page of products, and whether store and category are known at all.

    The page is chosen first, in an inner query, and only its rows are completed.
    """
    conditions: list[SQLColumnExpression[bool]] = [ProductRow.is_published] if is_published else []
    if is_searched:
        page = _found(*conditions, *([_is_in_category()] if has_category else []))
    else:
        page = (_listed_in_category if has_category else _listed)(*conditions)
    chosen = page.limit(bindparam("limit")).lateral("page")
    known = select(
        stores.is_known(bindparam("store", type_=Text)).label("store"),
        categories.is_known(_CATEGORY).label("category"),
    ).subquery("known")
    columns = [known.c.store.label("has_store"), known.c.category.label("has_category")]
    return (
        select(*columns, chosen.c.rank, *_columns(chosen.c))
        .select_from(known.outerjoin(chosen, true()))
        .order_by(chosen.c.rank, chosen.c.key)
    )


async def list_products(
    reader: AsyncConnection,
    *,
    store: str,
    category: str | None,
    wanted: str | None,
    start: Start,
    limit: int,
    include_unpublished: bool = False,
) -> Sequence[Row[Any]]:
    """Products by key; searching: the best found first, then by key.

    Raises StoreNotFound, CategoryNotFound.
    """
    statement = _page(
        is_searched=wanted is not None,
        has_category=category is not None,
        is_published=not include_unpublished,
    )
    given = {
        "store": store,
        "category": category or "",
        "after": start.key,
        "limit": limit,
        "rank": start.rank,
        **(search.parameters(wanted) if wanted is not None else {}),
    }
    rows = (await reader.execute(statement, given)).all()
    if not rows[0].has_store:
        raise StoreNotFound(store)
    if category is not None and not rows[0].has_category:
        raise CategoryNotFound(category)
    return rows if rows[0].key is not None else ()


_BY_KEY = select(*_columns(ProductRow)).where(ProductRow.key == bindparam("key", type_=Text))


@cache
def _by_slug() -> Select[Any]:
    """The product of a slug, and whether the store is known at all."""
    known = select(stores.is_known(bindparam("store", type_=Text)).label("store")).subquery()
    product = (
        select(ProductRow)
        .join(SlugRow, SlugRow.product_key == ProductRow.key)
        .where(
            SlugRow.locale == bindparam("locale", type_=Text),
            SlugRow.slug == bindparam("slug", type_=Text),
        )
        .subquery()
    )
    return select(known.c.store.label("has_store"), *_columns(product.c)).select_from(
        known.outerjoin(product, true())
    )


async def get_product(
    reader: AsyncConnection, key: str, *, include_unpublished: bool = False
) -> Row[Any]:
    """One product. Raises ProductNotFound, for an unpublished one too unless it is included."""
    row = (await reader.execute(_BY_KEY, {"key": key})).one_or_none()
    if row is None or not (row.is_published or include_unpublished):
        raise ProductNotFound(key)
    return row


async def get_product_by_slug(
    reader: AsyncConnection,
    *,
    store: str,
    locale: str,
    slug: str,
    include_unpublished: bool = False,
) -> Row[Any]:
    """One product by its slug in a locale. Raises StoreNotFound, ProductNotFound."""
    given = {"store": store, "locale": locale, "slug": slug}
    row: Row[Any] = (await reader.execute(_by_slug(), given)).one()
    if not row.has_store:
        raise StoreNotFound(store)
    if row.key is None or not (row.is_published or include_unpublished):
        raise ProductNotFound(slug)
    return row


@cache
def _orderable() -> Select[Any]:
    known = select(stores.is_known(bindparam("store", type_=Text)).label("store")).subquery()
    found = (
        select(VariantRow.sku, ProductRow.key, ProductRow.name, ProductRow.tax_class)
        .join(ProductRow, ProductRow.key == VariantRow.product_key)
        .where(VariantRow.sku == any_(bindparam("skus", type_=ARRAY(Text))))
        .where(ProductRow.is_published)
        .subquery()
    )
    return select(
        known.c.store.label("has_store"),
        found.c.sku,
        found.c.key,
        cast(found.c.name, Text).label("name"),
        found.c.tax_class,
    ).select_from(known.outerjoin(found, true()))


async def find_orderable(
    reader: AsyncConnection, *, store: str, skus: Sequence[str]
) -> dict[str, Row[Any]]:
    """Those of these SKUs that a buyer of the store may order, each with its product.

    The rows' `name` is JSON. Raises StoreNotFound.
    """
    rows = (await reader.execute(_orderable(), {"store": store, "skus": list(skus)})).all()
    if not rows[0].has_store:
        raise StoreNotFound(store)
    return {row.sku: row for row in rows if row.sku is not None}


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
