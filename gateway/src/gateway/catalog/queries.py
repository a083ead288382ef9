"""What can be asked of the store and its products."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

import asyncio
from typing import Annotated

import strawberry

from gateway.catalog import clients
from gateway.catalog.types import Category, Node, Product, ProductBy, ProductConnection, Store
from gateway.context import Info, path_of, selected
from gateway.errors import PageSizeOutOfRange
from gateway.ids import decode_cursor, decode_id, kind_of_id
from gateway.selection import Selection

MOST_AT_ONCE = 100

First = Annotated[int, strawberry.argument(description="How many at most, 1 to 100.")]
After = Annotated[
    str | None, strawberry.argument(description="An `endCursor` or `cursor` of this list.")
]


@strawberry.type
class CatalogQuery:
    """Merged into Query."""

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
        if by.slug:
            wire = await clients.find_product_by_slug(info.context, by.slug.value)
        else:
            wire = await clients.find_product(info.context, _key(by))
        items = [wire] if wire is not None else []
        shown = await clients.show_products(info.context, items, selected(info), path=path_of(info))
        return shown[0] if shown else None

    @strawberry.field(description="A store, category or product by its id; null if there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="As `id` of a thing.")],
    ) -> Node | None:
        kind = kind_of_id(id)
        if kind == "Product":
            return await _product_node(info, decode_id(id, kind))
        if kind == "Category":
            return await clients.find_category(info.context, decode_id(id, kind))
        store = await clients.get_store(info.context)
        if decode_id(id, "Store") != store["key"]:
            return None
        return Store.from_wire(store, locale=await clients.get_locale(info.context))


def _key(by: ProductBy) -> str:
    if by.id:
        return decode_id(by.id.value, "Product")
    return by.key.value if by.key else ""


async def _product_node(info: Info, key: str) -> Product | None:
    wire = await clients.find_product(info.context, key)
    items = [wire] if wire is not None else []
    shown = await clients.show_products(info.context, items, selected(info), path=path_of(info))
    return shown[0] if shown else None


async def _connection(
    info: Info,
    first: int,
    after: str | None,
    *,
    category: str | None = None,
    search: str | None = None,
) -> ProductConnection:
    if not 1 <= first <= MOST_AT_ONCE:
        raise PageSizeOutOfRange(first)
    start, skip = decode_cursor(after) if after is not None else (None, 0)
    page = await clients.list_products(
        info.context, limit=skip + first, after=start, category=category, search=search
    )
    found = selected(info)
    below = (found.within("edges", "node") or Selection()).merged(found.within("nodes"))
    nodes = await clients.show_products(info.context, page.items[skip:], below, path=path_of(info))
    return ProductConnection.of(nodes, after=start, skip=skip, following=page.following)
