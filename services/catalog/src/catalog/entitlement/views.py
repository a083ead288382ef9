"""Entitlement as it crosses the border."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Row

from catalog.viewer.queries import Part
from contracts.catalog import AssortmentPart, EntitlementExplanation


def as_entitlement(skus: Sequence[str], found: Mapping[str, Row[Any]]) -> bytes:
    """An `Entitlement`, as JSON: one item for each SKU asked; `found` are the orderable ones."""
    return orjson.dumps({"items": [_item(sku, found.get(sku)) for sku in skus]})


def _item(sku: str, row: Row[Any] | None) -> dict[str, Any]:
    return {
        "sku": sku,
        "is_orderable": row is not None,
        "product_key": row.key if row else None,
        "name": orjson.Fragment(row.name) if row else None,
        "tax_class": row.tax_class if row else None,
    }


def as_explanation(
    sku: str, judged: Row[Any] | None, parts: Sequence[Part], *, is_stranger: bool
) -> EntitlementExplanation:
    """Why a SKU may or may not be ordered; `is_stranger`: the store sells nothing to who asks."""
    tags = frozenset(judged.assortments if judged else ())
    is_published = judged is not None and judged.is_published
    return EntitlementExplanation(
        sku=sku,
        is_orderable=not is_stranger and is_published and judged is not None and judged.is_seen,
        is_known=judged is not None,
        is_published=is_published,
        parts=[
            AssortmentPart(
                assortment=part.assortment,
                level=part.level,
                company=part.company,
                key=part.key,
                effect=part.effect,
                contains=part.tag in tags,
            )
            for part in parts
        ],
    )
