"""Writes of products: any number in a few statements.

Everybody locks in one order, so that writers wait for each other and never in a circle: the tree
(shared: it stands still, while many write products), then claims, then products by key. A write
that asks for a key, SKU or slug that its product does not have yet makes a claim, and one at a time
makes claims; so what a claim is judged by cannot change before it is committed. All other writes
only wait for those of the same products.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    SmallInteger,
    Text,
    and_,
    any_,
    bindparam,
    delete,
    exists,
    func,
    not_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID, insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.category import queries as categories
from catalog.db import as_rows, recordset, table_of
from catalog.product import queries, search, tags
from catalog.product.domain import Holdings, SlugKey, Verdict, is_claim, judge, placements_of
from catalog.product.tables import PlacementRow, ProductRow, SlugRow, VariantRow
from catalog.product.words import lexemes, own_lexemes, word_count
from chassis import outbox, versions
from chassis.db import lock_number
from contracts.bulk import LineOutcome
from contracts.catalog import ProductChanged, ProductFacts, PutProduct
from contracts.ids import new_id
from contracts.problems import Problem

BATCH = 500
_CLAIMS = lock_number("catalog:claims")

_PRODUCTS, _VARIANTS = table_of(ProductRow), table_of(VariantRow)
_SLUGS, _PLACEMENTS = table_of(SlugRow), table_of(PlacementRow)

Accepted = Sequence[tuple[PutProduct, Verdict]]
Paths = Mapping[str, Sequence[str]]


class _ClaimNeeded(Exception):
    """The write asks for what its products do not have yet."""


async def write_products(
    session: AsyncSession,
    products: Sequence[tuple[str, PutProduct]],
    *,
    now: datetime,
    if_match: frozenset[str] | None = None,
) -> list[Verdict]:
    """Make or change products, each key once, and say what became of each.

    A refused one changes nothing and costs the others nothing. Emits ProductChanged, in batches.
    Raises VersionNotCurrent unless all have a version that `if_match` names.
    """
    await categories.keep_tree(session)
    try:
        async with session.begin_nested():
            return await _write(session, products, now=now, if_match=if_match, may_claim=False)
    except _ClaimNeeded:
        await session.execute(select(func.pg_advisory_xact_lock(_CLAIMS)))
        return await _write(session, products, now=now, if_match=if_match, may_claim=True)


async def put_product(
    session: AsyncSession,
    key: str,
    body: PutProduct,
    *,
    if_match: frozenset[str] | None,
    now: datetime,
) -> Verdict:
    """Make or change one product; the same again changes nothing.

    Emits ProductChanged. Raises VersionNotCurrent, and what `judge` finds.
    """
    [verdict] = await write_products(session, [(key, body)], now=now, if_match=if_match)
    if verdict.problems:
        raise _as_one(verdict.problems)
    return verdict


def _as_one(problems: Sequence[Problem]) -> Problem:
    """The first problem, telling of the others too."""
    first = problems[0]
    first.errors = tuple(error for problem in problems for error in problem.errors)
    return first


async def _write(
    session: AsyncSession,
    products: Sequence[tuple[str, PutProduct]],
    *,
    now: datetime,
    if_match: frozenset[str] | None,
    may_claim: bool,
) -> list[Verdict]:
    holdings = await queries.hold(session, products)
    for key, _ in products:
        stored = holdings.stored.get(key)
        versions.check(stored.version if stored else None, if_match)
    named = {category for _, body in products for category in body.categories}
    paths = await categories.get_paths(session, named)
    verdicts = judge(products, holdings, paths)
    accepted = [
        (body, verdict)
        for (_, body), verdict in zip(products, verdicts, strict=True)
        if verdict.outcome in {LineOutcome.CREATED, LineOutcome.UPDATED}
    ]
    if not may_claim and any(is_claim(*one, holdings) for one in accepted):
        raise _ClaimNeeded
    if accepted:
        await _store(session, accepted, holdings, paths, now=now)
    return verdicts


async def _store(
    session: AsyncSession, accepted: Accepted, holdings: Holdings, paths: Paths, *, now: datetime
) -> None:
    rows = [_product_row(body, verdict, holdings, now=now) for body, verdict in accepted]
    await session.execute(_UPSERT_PRODUCTS, as_rows(rows))
    await _store_variants(session, accepted, holdings)
    await _store_slugs(session, accepted, holdings)
    placements = {verdict.key: placements_of(body.categories, paths) for body, verdict in accepted}
    await _store_placements(session, placements)
    await tags.refresh_tags(session, list(placements))
    facts = [
        _facts(row, body, placements[verdict.key])
        for row, (body, verdict) in zip(rows, accepted, strict=True)
    ]
    _tell(session, facts)


def _product_row(
    body: PutProduct, verdict: Verdict, holdings: Holdings, *, now: datetime
) -> dict[str, Any]:
    stored = holdings.stored.get(verdict.key)
    content = body.model_dump(mode="json", include={"name", "description", "categories", "media"})
    return {
        **content,
        "key": verdict.key,
        "id": new_id() if stored is None else stored.id,
        "slug": verdict.slug,
        "tax_class": body.tax_class,
        "is_published": body.is_published,
        "words": lexemes(
            body.name,
            [variant.sku for variant in body.variants],
            [variant.name for variant in body.variants],
        ),
        "word_count": word_count(body.name),
        "digest": verdict.digest,
        "version": 1 if stored is None else stored.version + 1,
        "updated_at": now,
    }


def _upsert_products() -> Any:
    given = recordset(
        key=Text(),
        id=UUID(),
        name=JSONB(),
        description=JSONB(),
        slug=JSONB(),
        categories=ARRAY(Text()),
        tax_class=Text(),
        media=JSONB(),
        is_published=Boolean(),
        words=ARRAY(Text()),
        word_count=SmallInteger(),
        digest=UUID(),
        version=BigInteger(),
        updated_at=TIMESTAMP(timezone=True),
    )
    names = [one.name for one in given.c if one.name != "words"]
    new = select(*(given.c[name] for name in names), search.as_index(given.c.words))
    statement = insert(_PRODUCTS).from_select([*names, "search"], new.order_by(given.c.key))
    kept = {"key", "id"}
    return statement.on_conflict_do_update(
        index_elements=["key"],
        set_={name: statement.excluded[name] for name in [*names, "search"] if name not in kept},
    )


async def _store_variants(session: AsyncSession, accepted: Accepted, holdings: Holdings) -> None:
    gone = [
        sku
        for _, verdict in accepted
        if (stored := holdings.stored.get(verdict.key))
        for sku in stored.skus
        if holdings.skus.get(sku) != verdict.key
    ]
    if gone:
        await session.execute(_DELETE_VARIANTS, {"gone": gone})
    rows = [
        {
            "sku": variant.sku,
            "product_key": verdict.key,
            "position": position,
            "name": variant.name,
            "words": own_lexemes(body.name, variant.sku, variant.name),
        }
        for body, verdict in accepted
        for position, variant in enumerate(body.variants)
    ]
    await session.execute(_UPSERT_VARIANTS, as_rows(rows))


def _upsert_variants() -> Any:
    given = recordset(
        sku=Text(),
        product_key=Text(),
        position=SmallInteger(),
        name=JSONB(),
        words=ARRAY(Text()),
    )
    statement = insert(_VARIANTS).from_select(
        [one.name for one in given.c], select(given).order_by(given.c.sku)
    )
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["sku"],
        set_={
            "product_key": new.product_key,
            "position": new.position,
            "name": new.name,
            "words": new.words,
        },
    )


async def _store_slugs(session: AsyncSession, accepted: Accepted, holdings: Holdings) -> None:
    gone: list[SlugKey] = []
    rows: list[dict[str, str]] = []
    for _, verdict in accepted:
        stored = holdings.stored.get(verdict.key)
        before = stored.slugs if stored else frozenset()
        gone.extend(pair for pair in before if holdings.slugs.get(pair) != verdict.key)
        rows.extend(
            {"locale": locale, "slug": slug, "product_key": verdict.key}
            for locale, slug in verdict.slug.items()
            if (locale, slug) not in before
        )
    if gone:
        pairs = ({"locale": locale, "slug": slug} for locale, slug in gone)
        await session.execute(_DELETE_SLUGS, as_rows(pairs))
    if rows:
        await session.execute(_INSERT_SLUGS, as_rows(rows))


def _insert_slugs() -> Any:
    given = recordset(locale=Text(), slug=Text(), product_key=Text())
    return insert(_SLUGS).from_select(["locale", "slug", "product_key"], select(given))


def _delete_slugs() -> Any:
    given = recordset(locale=Text(), slug=Text())
    return delete(_SLUGS).where(SlugRow.locale == given.c.locale, SlugRow.slug == given.c.slug)


async def _store_placements(session: AsyncSession, placements: Mapping[str, Iterable[str]]) -> None:
    """Let each of these products stand in these categories and no others."""
    rows = as_rows(
        {"category_key": category, "product_key": product}
        for product, above in placements.items()
        for category in above
    )
    await session.execute(_DELETE_PLACEMENTS, {"keys": list(placements), **rows})
    await session.execute(_INSERT_PLACEMENTS, rows)


def _delete_placements() -> Any:
    given = recordset(category_key=Text(), product_key=Text())
    is_given = exists().where(
        and_(
            given.c.product_key == PlacementRow.product_key,
            given.c.category_key == PlacementRow.category_key,
        )
    )
    return delete(_PLACEMENTS).where(
        PlacementRow.product_key == any_(bindparam("keys", type_=ARRAY(Text))), not_(is_given)
    )


def _insert_placements() -> Any:
    given = recordset(category_key=Text(), product_key=Text())
    return (
        insert(_PLACEMENTS)
        .from_select(["category_key", "product_key"], select(given))
        .on_conflict_do_nothing()
    )


_UPSERT_PRODUCTS = _upsert_products()
_UPSERT_VARIANTS = _upsert_variants()
_DELETE_VARIANTS = delete(_VARIANTS).where(
    VariantRow.sku == any_(bindparam("gone", type_=ARRAY(Text)))
)
_INSERT_SLUGS = _insert_slugs()
_DELETE_SLUGS = _delete_slugs()
_DELETE_PLACEMENTS = _delete_placements()
_INSERT_PLACEMENTS = _insert_placements()


def _facts(row: Mapping[str, Any], body: PutProduct, placements: list[str]) -> ProductFacts:
    return ProductFacts(
        product_id=row["id"],
        key=row["key"],
        sequence=row["version"],
        is_published=body.is_published,
        tax_class=body.tax_class,
        name=body.name,
        categories=placements,
        skus=[variant.sku for variant in body.variants],
    )


def _tell(session: AsyncSession, facts: Sequence[ProductFacts]) -> None:
    outbox.add_items(session, ProductChanged, facts, subject=lambda item: item.key)


async def follow_branches(
    session: AsyncSession, category_keys: Sequence[str], *, now: datetime
) -> None:
    """Let the products in moved categories stand below their new ancestors too, and belong to
    those ones' assortments.

    Emits ProductChanged, in batches.
    """
    placed = await queries.get_placed_for_update(session, category_keys)
    named = {category for row in placed for category in row.categories}
    paths = await categories.get_paths(session, named)
    for start in range(0, len(placed), BATCH):
        batch = placed[start : start + BATCH]
        keys = [row.key for row in batch]
        await session.execute(
            update(_PRODUCTS)
            .where(ProductRow.key.in_(keys))
            .values(version=ProductRow.version + 1, updated_at=now)
        )
        await _store_placements(
            session, {row.key: placements_of(row.categories, paths) for row in batch}
        )
        await tags.refresh_tags(session, keys)
        _tell(session, await queries.list_facts(session, keys))
