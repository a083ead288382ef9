"""What orders knows of a SKU."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """A SKU that buyers may see, and the product it belongs to."""

    sku: str
    product_key: str
    name: Mapping[str, str]
