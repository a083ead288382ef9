"""What can be asked of the store and its products; of members, with their own prices."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

import asyncio
from typing import Annotated, TypeVar

import strawberry

from gateway.catalog import clients
from gateway.catalog.member_types import MemberProduct
from gateway.catalog.types import Category, Node, Product, ProductBy, ProductConnection, Store
from gateway.connections import Connection, Place
from gateway.context import Info, path_of, selected
from gateway.ids import decode_id, kind_of_id
from gateway.selection import Selection

ProductT = TypeVar("ProductT", bound=Product)
First = Annotated[int, strawberry.argument(description="How many at most, 1 to 100.")]
After = Annotated[
    str | None, strawberry.argument(description="An `endCursor` or `cursor` of this list.")
]


@strawberry.type
class StoreQuery:
    """What is asked alike in all schemas."""

    @strawberry.field(description="The request's store.")
    async def store(self, info: Info) -> Store | None:
        store, locale = await asyncio.gather(
            clients.get_store(info.context), clients.get_locale(info.context)
        )
        return Store.from_wire(store, locale=locale)

    @strawberry.field(description="The roots of the category tree, in their order.")
    async def categories(self, info: Info) -> list[Category] | None:
        return await clients.list_categories(info.context)

    @strawberry.field(description="One category; null when there is no such one.")
    async def category(
        self,
        info: Info,
        key: Annotated[str, strawberry.argument(description="The merchant's name for it.")],
    ) -> Category | None:
        return await clients.find_category(info.context, key)


@strawberry.type
class CatalogQuery(StoreQuery):
    """Merged into Query."""

    @strawberry.field(description="The store's products, by category or search or all of them.")
    async def products(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        category: Annotated[
            str | None,
            strawberry.argument(description="Key of a category: its products and all below it."),
        ] = None,
        search: Annotated[
            str | None, strawberry.argument(description="Words to look for in names and SKUs.")
        ] = None,
    ) -> ProductConnection | None:
        return await _connection(info, first, after, category=category, search=search)

    @strawberry.field(description="The store's products that fit some words.")
    async def search(
        self,
        info: Info,
        query: Annotated[
            str, strawberry.argument(description="Words to look for in names and SKUs.")
        ],
        first: First = 20,
        after: After = None,
    ) -> ProductConnection | None:
        return await _connection(info, first, after, search=query)

    @strawberry.field(description="One product; null when there is no such one in the store.")
    async def product(
        self,
        info: Info,
        by: Annotated[ProductBy, strawberry.argument(description="By id, key or slug.")],
    ) -> Product | None:
        return await _product(info, by, Product)

    @strawberry.field(description="A store, category or product by its id; null if there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="As `id` of a thing.")],
    ) -> Node | None:
        return await _node(info, id, Product)


@strawberry.type
class MemberCatalogQuery(StoreQuery):
    """Merged into the Query of `b2b`."""

    @strawberry.field(description="The products that the buyer may see, at the buyer's prices.")
    async def products(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        category: Annotated[
            str | None,
            strawberry.argument(description="Key of a category: its products and all below it."),
        ] = None,
        search: Annotated[
            str | None, strawberry.argument(description="Words to look for in names and SKUs.")
        ] = None,
    ) -> Connection[MemberProduct] | None:
        place = Place.of(first, after)
        shown, following = await _page(info, place, MemberProduct, category, search)
        return Connection[MemberProduct].of(shown, place, following)

    @strawberry.field(description="One product; null when the buyer may see no such one.")
    async def product(
        self,
        info: Info,
        by: Annotated[ProductBy, strawberry.argument(description="By id, key or slug.")],
    ) -> MemberProduct | None:
        return await _product(info, by, MemberProduct)

    @strawberry.field(description="A store, category or product by its id; null if there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="As `id` of a thing.")],
    ) -> Node | None:
        return await _node(info, id, MemberProduct)


async def _product(info: Info, by: ProductBy, kind: type[ProductT]) -> ProductT | None:
    if by.slug:
        wire = await clients.find_product_by_slug(info.context, by.slug.value)
    else:
        wire = await clients.find_product(info.context, _key(by))
    items = [wire] if wire is not None else []
    shown = await clients.show_products(
        info.context, items, selected(info), path=path_of(info), kind=kind
    )
    return shown[0] if shown else None


def _key(by: ProductBy) -> str:
    if by.id:
        return decode_id(by.id.value, "Product")
    return by.key.value if by.key else ""


async def _node(info: Info, id: str, product: type[Product]) -> Node | None:
    kind = kind_of_id(id)
    if kind == "Product":
        by = ProductBy(key=strawberry.Some(decode_id(id, kind)), id=None, slug=None)
        return await _product(info, by, product)
    if kind == "Category":
        return await clients.find_category(info.context, decode_id(id, kind))
    store = await clients.get_store(info.context)
    if decode_id(id, "Store") != store["key"]:
        return None
    return Store.from_wire(store, locale=await clients.get_locale(info.context))


async def _connection(
    info: Info,
    first: int,
    after: str | None,
    *,
    category: str | None = None,
    search: str | None = None,
) -> ProductConnection:
    place = Place.of(first, after)
    shown, following = await _page(info, place, Product, category, search)
    return ProductConnection.of(shown, place, following)


async def _page(
    info: Info, place: Place, kind: type[ProductT], category: str | None, search: str | None
) -> tuple[list[ProductT], str | None]:
    page = await clients.list_products(
        info.context, limit=place.limit, after=place.after, category=category, search=search
    )
    shown = await clients.show_products(
        info.context,
        page.items[place.skip :],
        nodes_of(selected(info)),
        path=path_of(info),
        kind=kind,
    )
    return shown, page.following


def nodes_of(found: Selection) -> Selection:
    """What is selected of a connection's items, by edges and by nodes."""
    return (found.within("edges", "node") or Selection()).merged(found.within("nodes"))
