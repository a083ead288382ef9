"""What orders knows of a SKU."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.catalog import SkuEntitlement


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """A SKU that buyers may see, and the product it belongs to."""

    sku: str
    product_key: str
    name: Mapping[str, str]


def sold_skus(entitlements: Mapping[str, SkuEntitlement]) -> dict[str, SkuFacts]:
    """What catalog says may be ordered; of all else nothing is told."""
    return {
        sku: SkuFacts(sku, one.product_key, one.name or {})
        for sku, one in entitlements.items()
        if one.is_orderable and one.product_key is not None
    }
