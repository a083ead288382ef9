"""Products as they cross the border.

Buyers wait for lists and pages, so these are put together as JSON from what PostgreSQL already
holds as JSON, without making objects of it; tests hold the result against `contracts.catalog`.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Row

from contracts.catalog import ProductFacts

_OPTIONS = orjson.OPT_UTC_Z


def as_product(row: Row[Any]) -> bytes:
    """A `Product`, as JSON."""
    return orjson.dumps(_product(row), option=_OPTIONS)


def as_page(rows: Sequence[Row[Any]], *, after: str | None) -> bytes:
    """A `Page[Product]`, as JSON."""
    page = {"items": [_product(row) for row in rows], "next": after}
    return orjson.dumps(page, option=_OPTIONS)


def _product(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "key": row.key,
        "name": orjson.Fragment(row.name),
        "description": orjson.Fragment(row.description),
        "slug": orjson.Fragment(row.slug),
        "categories": row.categories,
        "tax_class": row.tax_class,
        "media": orjson.Fragment(row.media),
        "variants": orjson.Fragment(row.variants),
        "is_published": row.is_published,
        "version": row.version,
        "updated_at": row.updated_at,
    }


def as_facts(row: Row[Any]) -> ProductFacts:
    """What other services keep of a product; `placements` are its categories and those above."""
    return ProductFacts(
        product_id=row.id,
        key=row.key,
        sequence=row.version,
        is_published=row.is_published,
        tax_class=row.tax_class,
        name=row.name,
        categories=row.placements,
        skus=row.skus,
    )
