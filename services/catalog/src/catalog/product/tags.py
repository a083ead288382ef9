"""Tags: which assortments each SKU belongs to, worked out when products or rules are written.

A SKU belongs to an assortment that includes it (by a category its product stands in or below, by
product or by itself; or that includes everything) and does not exclude it. Both ways of working
it out say the same: all assortments of a few products, and all products of one assortment.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    SQLColumnExpression,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    distinct,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.assortment import queries as assortments
from catalog.assortment.domain import Named, Side
from catalog.db import table_of
from catalog.product.tables import PlacementRow, ProductRow, VariantRow

_PRODUCTS, _VARIANTS = table_of(ProductRow), table_of(VariantRow)
_TAG = bindparam("tag", type_=Integer)
_NONE = cast(literal("{}", Text), ARRAY(Integer))


async def refresh_tags(session: AsyncSession, keys: Sequence[str]) -> None:
    """Work out the tags of these products, whose variants and placements are written.

    Whoever calls keeps or holds the tree.
    """
    await session.execute(_REFRESH, {"keys": list(keys)})


async def follow_assortment(session: AsyncSession, tag: int) -> None:
    """Give the assortment's tag to all that belongs to it now, and take it from all else.

    Whoever calls holds the tree.
    """
    await session.execute(_FOLLOW_VARIANTS, {"tag": tag})
    await session.execute(_FOLLOW_PRODUCTS, {"tag": tag})


def _refresh() -> Any:
    variants = (
        select(VariantRow.sku, VariantRow.product_key)
        .where(VariantRow.product_key == any_(bindparam("keys", type_=ARRAY(Text))))
        .cte("some_variants")
    )
    belongs = _belongs(variants)
    tagged = (
        select(variants.c.sku, _tags(belongs.c.tag).label("tags"))
        .outerjoin(belongs, belongs.c.sku == variants.c.sku)
        .group_by(variants.c.sku)
        .subquery("tagged")
    )
    whole = (
        select(variants.c.product_key, _tags(belongs.c.tag).label("tags"))
        .outerjoin(belongs, belongs.c.sku == variants.c.sku)
        .group_by(variants.c.product_key)
        .subquery("whole")
    )
    written = (
        update(_VARIANTS)
        .where(
            VariantRow.sku == tagged.c.sku, VariantRow.assortments.is_distinct_from(tagged.c.tags)
        )
        .values(assortments=tagged.c.tags)
        .cte("written")
    )
    return (
        update(_PRODUCTS)
        .where(
            ProductRow.key == whole.c.product_key,
            ProductRow.assortments.is_distinct_from(whole.c.tags),
        )
        .values(assortments=whole.c.tags)
        .add_cte(written)
    )


def _tags(tag: ColumnElement[int]) -> ColumnElement[list[int]]:
    known = func.array_agg(aggregate_order_by(distinct(tag), tag)).filter(tag.is_not(None))
    return func.coalesce(known, _NONE)


def _belongs(variants: FromClause) -> FromClause:
    """Pairs of SKU and tag: what is included, without what is excluded."""
    named = _named(variants).cte("named")
    tags = assortments.tags()
    everything = select(variants.c.sku, tags.c.id.label("tag")).join_from(
        variants, tags, tags.c.is_whole
    )
    included, excluded = (
        select(named.c.sku, named.c.tag).where(named.c.side == side.value) for side in Side
    )
    return (
        union(everything, included).subquery("included").select().except_(excluded).cte("belongs")
    )


def _named(variants: FromClause) -> Any:
    """SKUs that a rule names in any way: `sku, tag, side`."""
    clauses = assortments.clauses()
    columns = (variants.c.sku, clauses.c.assortment_id.label("tag"), clauses.c.side)

    def by(kind: Named, key: SQLColumnExpression[str]) -> ColumnElement[bool]:
        return and_(clauses.c.kind == kind.value, clauses.c.key == key)

    placed = select(*columns).join_from(
        variants, PlacementRow, PlacementRow.product_key == variants.c.product_key
    )
    return union_all(
        select(*columns).join_from(variants, clauses, by(Named.SKU, variants.c.sku)),
        select(*columns).join_from(variants, clauses, by(Named.PRODUCT, variants.c.product_key)),
        placed.join(clauses, by(Named.CATEGORY, PlacementRow.category_key)),
    )


def _follow_variants() -> Any:
    tags = assortments.tags()
    is_whole = exists().where(tags.c.id == _TAG, tags.c.is_whole)
    belongs = and_(or_(is_whole, _is_named(Side.INCLUDE)), not_(_is_named(Side.EXCLUDE)))
    judged = select(
        VariantRow.sku,
        func.coalesce(belongs, false()).label("belongs"),
    ).subquery("judged")
    return _give_or_take(_VARIANTS, VariantRow.sku == judged.c.sku, judged.c.belongs)


def _is_named(side: Side) -> ColumnElement[bool]:
    """Condition: a rule of the assortment names the variant in any way."""
    clauses = assortments.clauses()

    def keys(kind: Named) -> Any:
        return select(clauses.c.key).where(
            clauses.c.assortment_id == _TAG,
            clauses.c.side == side.value,
            clauses.c.kind == kind.value,
        )

    placed = select(PlacementRow.product_key).where(
        PlacementRow.category_key.in_(keys(Named.CATEGORY))
    )
    return or_(
        VariantRow.sku.in_(keys(Named.SKU)),
        VariantRow.product_key.in_(keys(Named.PRODUCT)),
        VariantRow.product_key.in_(placed),
    )


def _follow_products() -> Any:
    judged = (
        select(VariantRow.product_key, func.bool_or(_has_tag(VariantRow)).label("belongs"))
        .group_by(VariantRow.product_key)
        .subquery("judged")
    )
    return _give_or_take(_PRODUCTS, ProductRow.key == judged.c.product_key, judged.c.belongs)


def _give_or_take(table: Any, is_it: ColumnElement[bool], belongs: ColumnElement[bool]) -> Any:
    tags = table.c.assortments
    return (
        update(table)
        .where(is_it, _has_tag(table.c) != belongs)
        .values(
            assortments=case(
                (belongs == true(), func.array_append(tags, _TAG)),
                else_=func.array_remove(tags, _TAG),
            )
        )
    )


def _has_tag(of: Any) -> ColumnElement[bool]:
    has: ColumnElement[bool] = of.assortments.bool_op("@>")(array([_TAG]))
    return has


_REFRESH = _refresh()
_FOLLOW_VARIANTS = _follow_variants()
_FOLLOW_PRODUCTS = _follow_products()
