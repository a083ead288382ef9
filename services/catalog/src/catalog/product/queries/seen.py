"""Reads of products by who looks at them. The statements are built once, for building one costs as
much as running it.

JSON columns are read as text: the views put them into the answer as they are.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    SQLColumnExpression,
    Text,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.availability.queries import availability_of
from catalog.category import queries as categories
from catalog.errors import CategoryNotFound, ProductNotFound
from catalog.product import search
from catalog.product.tables import PlacementRow, ProductRow, SlugRow, VariantRow
from catalog.store import queries as stores
from catalog.viewer import queries as viewers
from catalog.viewer.domain import EVERYTHING, Plan, Shape


class Start(NamedTuple):
    """Where a page begins: behind this product (searching: of this rank)."""

    rank: int = -1
    key: str = ""


def _variants_of(product_key: ColumnElement[str], shape: Shape) -> ColumnElement[str]:
    """A product's variants with their availability, as the JSON of `Variant`s; those seen."""
    built = func.json_build_object(
        "sku",
        VariantRow.sku,
        "name",
        VariantRow.name,
        "availability",
        availability_of(VariantRow.sku),
    )
    listed = func.json_agg(aggregate_order_by(built, VariantRow.position))
    variants = select(cast(listed, Text)).where(VariantRow.product_key == product_key)
    return variants.where(*_seen_variant(shape)).scalar_subquery()


def _seen_variant(shape: Shape) -> list[ColumnElement[bool]]:
    """Conditions: the variant is seen; none where everything is."""
    return [] if shape == EVERYTHING.shape else [viewers.sees(shape, VariantRow.assortments)]


def _seen(shape: Shape) -> list[ColumnElement[bool]]:
    """Conditions: a variant of the product is seen; none where everything is. The OFFSET keeps
    PostgreSQL from joining instead: it would sometimes walk through all variants.
    """
    if shape == EVERYTHING.shape:
        return []
    variant: Select[Any] = (
        select(literal_column("1"))
        .where(VariantRow.product_key == ProductRow.key, *_seen_variant(shape))
        .correlate(ProductRow)
        .offset(literal_column("0"))
    )
    return [variant.exists()]


def _seen_by_tags(shape: Shape) -> list[ColumnElement[bool]]:
    """The same where products are looked for, not looked up: by the index on all their tags."""
    if shape == EVERYTHING.shape:
        return []
    return [viewers.may_see(shape, ProductRow.assortments), *_seen(shape)]


def is_in_branch(category: SQLColumnExpression[str], plan: Plan) -> ColumnElement[bool]:
    """Condition: something published is seen under a plan in this category or below it.

    To be executed with the plan's parameters.
    """
    return exists().where(
        PlacementRow.category_key == category,
        ProductRow.key == PlacementRow.product_key,
        ProductRow.is_published,
        *_seen_by_tags(plan.shape),
    )


def _columns(of: Any, shape: Shape) -> list[ColumnElement[Any]]:
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
        _variants_of(of.key, shape).label("variants"),
    ]


_STORE = bindparam("store", type_=Text)
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


def _found(*conditions: SQLColumnExpression[bool], shape: Shape) -> Select[*tuple[Any, ...]]:
    """Products that a search finds, the best first.

    Nobody finds a product by a variant that they do not see: the index of all words chooses, and
    then only the words of what is seen count.
    """
    index: SQLColumnExpression[str] = ProductRow.search
    if shape != EVERYTHING.shape:
        index = search.without(ProductRow.search, _unseen_words(shape))
        conditions = (*conditions, search.matches(index))
    rank = search.rank(index, ProductRow.word_count)
    return (
        select(ProductRow, rank.label("rank"))
        .where(
            search.matches(ProductRow.search),
            tuple_(rank, ProductRow.key) > tuple_(bindparam("rank", type_=BigInteger), _AFTER),
            *conditions,
        )
        .order_by(rank, ProductRow.key)
    )


def _unseen_words(shape: Shape) -> ColumnElement[list[str]]:
    """Words that only unseen variants bring to their product's index."""
    seen = viewers.sees(shape, VariantRow.assortments)
    words = select(func.unnest(VariantRow.words)).where(VariantRow.product_key == ProductRow.key)
    unseen = words.where(not_(seen)).correlate(ProductRow)
    unseen_only = unseen.except_(words.where(seen).correlate(ProductRow))
    return func.array(unseen_only.scalar_subquery(), type_=ARRAY(Text))


def _is_in_category() -> ColumnElement[bool]:
    return exists().where(
        PlacementRow.category_key == _CATEGORY, PlacementRow.product_key == ProductRow.key
    )


@cache
def _page(
    *, is_searched: bool, has_category: bool, is_published: bool, shape: Shape
) -> Select[Any]:
    """One page of products, whether the store is open to all, and whether the category is known.

    The page is chosen first, in an inner query, and only its rows are completed.
    """
    conditions: list[SQLColumnExpression[bool]] = [ProductRow.is_published] if is_published else []
    conditions += _seen_by_tags(shape)
    if is_searched:
        page = _found(*conditions, *([_is_in_category()] if has_category else []), shape=shape)
    else:
        page = (_listed_in_category if has_category else _listed)(*conditions)
    chosen = page.limit(bindparam("limit")).lateral("page")
    known = select(
        stores.is_open(_STORE).label("is_open"),
        categories.is_known(_CATEGORY).label("category"),
    ).subquery("known")
    columns = [known.c.is_open, known.c.category.label("has_category")]
    return (
        select(*columns, chosen.c.rank, *_columns(chosen.c, shape))
        .select_from(known.outerjoin(chosen, true()))
        .order_by(chosen.c.rank, chosen.c.key)
    )


async def list_products(
    reader: AsyncConnection,
    plan: Plan,
    *,
    store: str,
    category: str | None,
    wanted: str | None,
    start: Start,
    limit: int,
    include_unpublished: bool = False,
) -> Sequence[Row[Any]]:
    """Products by key; searching: the best found first, then by key. A question for `viewers.ask`.

    One row at least, with `is_open` and `has_category`; its `key` is None where there are none.
    """
    statement = _page(
        is_searched=wanted is not None,
        has_category=category is not None,
        is_published=not include_unpublished,
        shape=plan.shape,
    )
    given = {
        "store": store,
        "category": category or "",
        "after": start.key,
        "limit": limit,
        "rank": start.rank,
        **(search.parameters(wanted) if wanted is not None else {}),
        **viewers.parameters(plan),
    }
    rows: Sequence[Row[Any]] = (await reader.execute(statement, given)).all()
    return rows


def page_of(rows: Sequence[Row[Any]], *, category: str | None) -> Sequence[Row[Any]]:
    """The products among the rows of `list_products`. Raises CategoryNotFound."""
    if category is not None and not rows[0].has_category:
        raise CategoryNotFound(category)
    return rows if rows[0].key is not None else ()


_BY_KEY = select(*_columns(ProductRow, EVERYTHING.shape)).where(
    ProductRow.key == bindparam("key", type_=Text)
)


async def get_product(
    reader: AsyncConnection, key: str, *, include_unpublished: bool = False
) -> Row[Any]:
    """One product as who keeps the catalog sees it. Raises ProductNotFound, for an unpublished
    one too unless it is included.
    """
    row = (await reader.execute(_BY_KEY, {"key": key})).one_or_none()
    if row is None or not (row.is_published or include_unpublished):
        raise ProductNotFound(key)
    return row


@cache
def _one(*, is_by_slug: bool, shape: Shape) -> Select[Any]:
    """The product of a key or slug, if it is seen, and whether the store is open to all."""
    known = select(stores.is_open(_STORE).label("is_open")).subquery()
    product = select(ProductRow).where(*_seen(shape))
    if is_by_slug:
        product = product.join(SlugRow, SlugRow.product_key == ProductRow.key).where(
            SlugRow.locale == bindparam("locale", type_=Text),
            SlugRow.slug == bindparam("slug", type_=Text),
        )
    else:
        product = product.where(ProductRow.key == bindparam("key", type_=Text))
    found = product.subquery()
    return select(known.c.is_open, *_columns(found.c, shape)).select_from(
        known.outerjoin(found, true())
    )


async def find_product(
    reader: AsyncConnection, plan: Plan, *, store: str, key: str
) -> Sequence[Row[Any]]:
    """One row: the product of a key, published or not, as seen under a plan; its `key` is None
    where there is none. A question for `viewers.ask`.
    """
    given = {"store": store, "key": key, **viewers.parameters(plan)}
    rows: Sequence[Row[Any]] = (
        await reader.execute(_one(is_by_slug=False, shape=plan.shape), given)
    ).all()
    return rows


async def find_product_by_slug(
    reader: AsyncConnection, plan: Plan, *, store: str, locale: str, slug: str
) -> Sequence[Row[Any]]:
    """One row, like that of `find_product`: the product of a slug in a locale."""
    given = {"store": store, "locale": locale, "slug": slug, **viewers.parameters(plan)}
    rows: Sequence[Row[Any]] = (
        await reader.execute(_one(is_by_slug=True, shape=plan.shape), given)
    ).all()
    return rows


def product_of(
    rows: Sequence[Row[Any]], name: str, *, include_unpublished: bool = False
) -> Row[Any]:
    """The product in the row of such a question. Raises ProductNotFound, for unknown, unpublished
    and unseen ones alike.
    """
    row = rows[0]
    if row.key is None or not (row.is_published or include_unpublished):
        raise ProductNotFound(name)
    return row


@cache
def _orderable(shape: Shape) -> Select[Any]:
    known = select(stores.is_open(_STORE).label("is_open")).subquery()
    found = (
        select(VariantRow.sku, ProductRow.key, ProductRow.name, ProductRow.tax_class)
        .join(ProductRow, ProductRow.key == VariantRow.product_key)
        .where(VariantRow.sku == any_(bindparam("skus", type_=ARRAY(Text))))
        .where(ProductRow.is_published, *_seen_variant(shape))
        .subquery()
    )
    return select(
        known.c.is_open,
        found.c.sku,
        found.c.key,
        cast(found.c.name, Text).label("name"),
        found.c.tax_class,
    ).select_from(known.outerjoin(found, true()))


async def list_orderable(
    reader: AsyncConnection, plan: Plan, *, store: str, skus: Sequence[str]
) -> Sequence[Row[Any]]:
    """Those of these SKUs that may be ordered under a plan, each with its product, whose `name` is
    JSON; one row at least, its `sku` None where there are none. A question for `viewers.ask`.
    """
    given = {"store": store, "skus": list(skus), **viewers.parameters(plan)}
    rows: Sequence[Row[Any]] = (await reader.execute(_orderable(plan.shape), given)).all()
    return rows


@cache
def _judged(shape: Shape) -> Select[*tuple[Any, ...]]:
    return (
        select(
            ProductRow.is_published,
            VariantRow.assortments,
            viewers.sees(shape, VariantRow.assortments).label("is_seen"),
        )
        .join(ProductRow, ProductRow.key == VariantRow.product_key)
        .where(VariantRow.sku == bindparam("sku", type_=Text))
    )


async def find_judged(reader: AsyncConnection, plan: Plan, *, sku: str) -> Row[Any] | None:
    """Whether a SKU's product is published, its tags, and whether it is seen under a plan."""
    given = {"sku": sku, **viewers.parameters(plan)}
    found: Row[Any] | None = (await reader.execute(_judged(plan.shape), given)).one_or_none()
    return found
