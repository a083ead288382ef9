"""Store, categories and products."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Self

import strawberry

from contracts.text import in_locale
from gateway.connections import PageInfo, Place
from gateway.ids import encode_id
from gateway.pricing.types import Price
from gateway.scalars import DateTimeText

_BIGGEST_INT = 2**31 - 1
"""GraphQL's Int has 32 bits; of more pieces than that it is enough to know so many."""


@strawberry.enum(description="Whom a store sells to.")
class Audience(Enum):
    D2C = strawberry.enum_value("d2c", description="To people.")
    B2B = strawberry.enum_value("b2b", description="To companies.")


@strawberry.enum(description="How a store shows prices.")
class TaxDisplay(Enum):
    GROSS = strawberry.enum_value("gross", description="With tax in them.")
    NET = strawberry.enum_value("net", description="Without tax.")


@strawberry.interface(description="A thing that can be fetched again by its id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")


@strawberry.type(description="A portal with its own audience, currencies, locales and countries.")
class Store(Node):
    key: str = strawberry.field(description="As in the header Tandem-Store.")
    name: str = strawberry.field(description="In the request's locale.")
    audience: Audience = strawberry.field(description="Whom it sells to.")
    locale: str = strawberry.field(description="The locale chosen for this request.")
    locales: list[str] = strawberry.field(description="BCP 47; the first is the default.")
    currencies: list[str] = strawberry.field(description="ISO 4217; the first is the default.")
    countries: list[str] = strawberry.field(
        description="Countries it serves, ISO 3166-1 alpha-2; the first is the default."
    )
    tax_display: TaxDisplay = strawberry.field(description="How it shows prices.")

    @classmethod
    def from_wire(cls, wire: Any, *, locale: str) -> Self:
        return cls(
            id=encode_id("Store", wire["key"]),
            key=wire["key"],
            name=in_locale(wire["name"], locale) or wire["key"],
            audience=Audience(wire["audience"]),
            locale=locale,
            locales=wire["locales"],
            currencies=wire["currencies"],
            countries=wire["countries"],
            tax_display=TaxDisplay(wire["tax_display"]),
        )


@strawberry.type(description="A node of the category tree.")
class Category(Node):
    key: str = strawberry.field(description="The merchant's name for it.")
    name: str = strawberry.field(description="In the request's locale.")
    tree: strawberry.Private["CategoryTree"]
    locale: strawberry.Private[str]

    @strawberry.field(description="The category above it; null for a root.")
    def parent(self) -> "Category | None":
        return self.tree.find(self.tree.by_key[self.key]["parent"], self.locale)

    @strawberry.field(description="The categories right below it, in their order.")
    def children(self) -> list["Category"]:
        return self.tree.below(self.key, self.locale)

    @strawberry.field(description="From the root down to this one.")
    def path(self) -> list["Category"]:
        return self.tree.named(self.tree.by_key[self.key]["path"], self.locale)


@dataclass
class CategoryTree:
    """All categories as catalog gave them, by key and by parent."""

    by_key: dict[str, Mapping[str, Any]]
    keys_below: dict[str | None, list[str]] = field(default_factory=dict)

    @classmethod
    def from_wire(cls, items: Sequence[Mapping[str, Any]]) -> "CategoryTree":
        """Order siblings by position, then key."""
        tree = cls({item["key"]: item for item in items})
        for item in sorted(items, key=lambda item: (item["position"], item["key"])):
            tree.keys_below.setdefault(item["parent"], []).append(item["key"])
        return tree

    def find(self, key: str | None, locale: str) -> Category | None:
        """One category, if there is such a one."""
        wire = self.by_key.get(key) if key is not None else None
        if wire is None:
            return None
        return Category(
            id=encode_id("Category", wire["key"]),
            key=wire["key"],
            name=in_locale(wire["name"], locale) or wire["key"],
            tree=self,
            locale=locale,
        )

    def below(self, key: str | None, locale: str) -> list[Category]:
        """The children of a category, or the roots for None."""
        return self.named(self.keys_below.get(key, ()), locale)

    def named(self, keys: Sequence[str], locale: str) -> list[Category]:
        """Those of the keys that there are."""
        found = (self.find(key, locale) for key in keys)
        return [category for category in found if category is not None]


@strawberry.type(description="A picture or other file, by reference.")
class Media:
    url: str = strawberry.field(description="Where it lies.")
    alt: str | None = strawberry.field(description="What it shows, for those who cannot see it.")

    @classmethod
    def from_wire(cls, wire: Any, *, locale: str) -> Self:
        return cls(url=wire["url"], alt=in_locale(wire["alt"], locale))


@strawberry.type(description="How much of a variant can be promised.")
class Availability:
    available: int = strawberry.field(
        description="Pieces that nobody has reserved; follows orders within a second or so."
    )
    is_in_stock: bool = strawberry.field(description="Whether one at least can be had.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        available = min(wire["available"], _BIGGEST_INT)
        return cls(available=available, is_in_stock=wire["is_in_stock"])


@strawberry.type(description="What is put into a cart: one SKU of a product.")
class Variant:
    price_type: ClassVar[type[Price]] = Price

    sku: str = strawberry.field(description="Case-sensitive, unique in the shop.")
    name: str | None = strawberry.field(description="What sets it apart from its siblings.")
    availability: Availability = strawberry.field(description="How much can be promised.")
    price: Price | None = strawberry.field(
        default=None,
        description="Of one piece; null for one without a price, and while prices cannot be had.",
    )

    @classmethod
    def from_wire(cls, wire: Any, *, locale: str, prices: Mapping[str, Price | None]) -> Self:
        return cls(
            sku=wire["sku"],
            name=in_locale(wire["name"], locale),
            availability=Availability.from_wire(wire["availability"]),
            price=prices.get(wire["sku"]),
        )


@strawberry.type(description="A product with its variants.")
class Product(Node):
    variant_type: ClassVar[type[Variant]] = Variant

    key: str = strawberry.field(description="The merchant's name for it.")
    name: str = strawberry.field(description="In the request's locale.")
    description: str | None = strawberry.field(description="Longer text, plain.")
    slug: str | None = strawberry.field(description="Readable piece of the page's URL.")
    categories: list[Category] = strawberry.field(description="The categories it stands in.")
    media: list[Media] = strawberry.field(description="Pictures, the main one first.")
    variants: list[Variant] = strawberry.field(description="What can be ordered of it.")
    price: Price | None = strawberry.field(description="Of one piece of the first variant.")
    updated_at: DateTimeText = strawberry.field(description="When it changed last.")

    @classmethod
    def from_wire(
        cls,
        wire: Any,
        *,
        locale: str,
        prices: Mapping[str, Price | None],
        tree: CategoryTree | None,
    ) -> Self:
        read = cls.variant_type.from_wire
        variants = [read(one, locale=locale, prices=prices) for one in wire["variants"]]
        return cls(
            id=encode_id("Product", wire["key"]),
            key=wire["key"],
            name=in_locale(wire["name"], locale) or wire["key"],
            description=in_locale(wire["description"], locale),
            slug=in_locale(wire["slug"], locale),
            categories=tree.named(wire["categories"], locale) if tree else [],
            media=[Media.from_wire(one, locale=locale) for one in wire["media"]],
            variants=variants,
            price=variants[0].price if variants else None,
            updated_at=wire["updated_at"],
        )


@strawberry.type(description="A product in a list, and its place there.")
class ProductEdge:
    cursor: str = strawberry.field(description="Pass it as `after` to go on behind this one.")
    node: Product = strawberry.field(description="The product.")


@strawberry.type(description="Some of a list of products.")
class ProductConnection:
    edges: list[ProductEdge] = strawberry.field(description="The products with their places.")
    nodes: list[Product] = strawberry.field(description="The products alone.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")

    @classmethod
    def of(cls, nodes: list[Product], place: Place, following: str | None) -> Self:
        """A page of catalog's list."""
        cursors = place.cursors(len(nodes), following)
        return cls(
            edges=[ProductEdge(cursor=c, node=n) for c, n in zip(cursors, nodes, strict=False)],
            nodes=nodes,
            page_info=place.info(cursors, len(nodes), following),
        )


@strawberry.input(one_of=True, description="One way to name a product.")
class ProductBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Its id.")
    key: strawberry.Maybe[str] = strawberry.field(description="The merchant's name for it.")
    slug: strawberry.Maybe[str] = strawberry.field(
        description="The readable piece of its page's URL, in the request's locale."
    )
