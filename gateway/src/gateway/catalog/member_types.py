"""Products as members of companies see them: with tiers and quantity rules."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import strawberry

from gateway.catalog.types import Product, Variant
from gateway.pricing.types import MemberPrice, Price, QuantityRule


@strawberry.type(name="Variant", description="What is put into a cart: one SKU of a product.")
class MemberVariant(Variant):
    price_type: ClassVar[type[Price]] = MemberPrice

    price: MemberPrice | None = strawberry.field(
        default=None,
        description="The buyer's; null for one without a price, and while prices cannot be had.",
    )
    quantity_rule: QuantityRule | None = strawberry.field(
        default=None, description="How many are sold at once; null where one piece is."
    )

    @classmethod
    def from_wire(cls, wire: Any, *, locale: str, prices: Mapping[str, Any]) -> Self:
        variant = super().from_wire(wire, locale=locale, prices=prices)
        variant.quantity_rule = variant.price.rule if variant.price else None
        return variant


@strawberry.type(name="Product", description="A product with its variants.")
class MemberProduct(Product):
    variant_type: ClassVar[type[Variant]] = MemberVariant

    variants: list[MemberVariant] = strawberry.field(  # type: ignore[assignment]
        description="What can be ordered of it."
    )
    price: MemberPrice | None = strawberry.field(description="The buyer's, of the first variant.")
