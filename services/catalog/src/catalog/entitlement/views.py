"""Entitlement as it crosses the border."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Row


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
