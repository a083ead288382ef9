"""Calls to catalog, and what is remembered of it for the whole process."""

import asyncio
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from contracts import catalog as wire
from contracts.paging import Page
from contracts.problems import Invalid, NotFound, Problem
from gateway.catalog.types import Category, CategoryTree, Product
from gateway.context import Context, Wire, choose_locale
from gateway.errors import StoreUnknown
from gateway.ids import is_key
from gateway.pricing.clients import resolve_prices
from gateway.pricing.types import Price
from gateway.selection import Selection

ProductT = TypeVar("ProductT", bound=Product)

_PAGE = 200
_MOST_PAGES = 50


@dataclass(frozen=True)
class ProductPage:
    """A page of catalog's list, and where catalog goes on."""

    items: list[Wire]
    following: str | None


async def get_store(context: Context) -> Wire:
    """The request's store. Raises StoreUnknown, Unavailable."""

    if not is_key(context.store):
        raise StoreUnknown(context.store)

    async def fetch() -> Wire:
        path = f"/v1/stores/{context.store}"
        try:
            reply = await context.neighbours["catalog"].get(path, token=None)
        except NotFound:
            raise StoreUnknown(context.store) from None
        store: Wire = reply.json(wire.Store)
        return store

    return await context.caches.stores.get(context.store, fetch)


async def get_locale(context: Context) -> str:
    """The store's locale that fits the request best."""
    return choose_locale(context.languages, (await get_store(context))["locales"])


async def get_category_tree(context: Context) -> CategoryTree:
    """All categories: the same for all guests, and a member's own. Raises Unavailable."""

    async def fetch() -> CategoryTree:
        items: list[Wire] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            params = {"limit": _PAGE, "after": after}
            if context.token is not None:
                params["store"] = context.store
            page = await _get_page(context, "/v1/categories", params, Page[wire.Category])
            items += page.items
            if (after := page.following) is None:
                break
        return CategoryTree.from_wire(items)

    return await context.caches.categories.get("all", fetch)


async def list_products(
    context: Context,
    *,
    limit: int,
    after: str | None,
    category: str | None = None,
    search: str | None = None,
) -> ProductPage:
    """A page of the store's published products. Raises Invalid, Unavailable."""
    params = {
        "store": context.store,
        "category": category,
        "search": search,
        "limit": limit,
        "after": after,
    }
    return await _get_page(context, "/v1/products", params, Page[wire.Product])


async def _get_page(
    context: Context, path: str, params: dict[str, Any], shape: type[BaseModel]
) -> ProductPage:
    reply = await context.neighbours["catalog"].get(path, params=params, token=context.token)
    page = reply.json(shape)
    return ProductPage(page["items"], page["next"])


async def find_product(context: Context, key: str) -> Wire | None:
    """One published product, if there is such a one."""
    if not is_key(key):
        return None
    return await _find(context, f"/v1/products/{key}", {"store": context.store})


async def find_product_by_slug(context: Context, slug: str) -> Wire | None:
    """One published product by its page's name in the request's locale."""
    locale = await get_locale(context)
    params = {"store": context.store, "locale": locale, "slug": slug}
    return await _find(context, "/v1/products/by-slug", params)


async def _find(context: Context, path: str, params: dict[str, Any]) -> Wire | None:
    """A product; a name that catalog calls impossible names none either."""
    try:
        reply = await context.neighbours["catalog"].get(path, params=params, token=context.token)
    except (NotFound, Invalid):
        return None
    product: Wire = reply.json(wire.Product)
    return product


async def show_products(
    context: Context,
    items: list[Wire],
    selection: Selection,
    *,
    path: list[str | int],
    kind: type[ProductT],
) -> list[ProductT]:
    """Products with all that the query selects of them, each neighbour called once at most.

    Without pricing they have no prices, and the answer says why beside it.
    """
    skus = _priced_skus(items, selection)
    prices, tree, locale = await asyncio.gather(
        _prices(context, skus, path, kind=kind, has_tiers=_wants_tiers(selection)),
        get_category_tree(context) if selection.has("categories") else _nothing(),
        get_locale(context),
    )
    return [kind.from_wire(one, locale=locale, prices=prices, tree=tree) for one in items]


def _priced_skus(items: list[Wire], selection: Selection) -> list[str]:
    """SKUs whose price is selected: of all variants, of the first ones, or of none."""
    if selection.has("variants", "price") or selection.has("variants", "quantityRule"):
        return [variant["sku"] for item in items for variant in item["variants"]]
    if selection.has("price"):
        return [variant["sku"] for item in items for variant in item["variants"][:1]]
    return []


def _wants_tiers(selection: Selection) -> bool:
    return selection.has("price", "tiers") or selection.has("variants", "price", "tiers")


async def _prices(
    context: Context,
    skus: list[str],
    path: list[str | int],
    *,
    kind: type[Product],
    has_tiers: bool,
) -> dict[str, Price | None]:
    if not skus:
        return {}
    try:
        return await resolve_prices(
            context.neighbours["pricing"],
            skus,
            store=context.store,
            seconds=context.settings.enrichment_seconds,
            token=context.token,
            kind=kind.variant_type.price_type,
            has_tiers=has_tiers,
        )
    except Problem as problem:  # away, or a price that is too large to show: the rest is shown
        context.note(problem, path)
        return {}


async def _nothing() -> None:
    return None


async def list_categories(context: Context) -> list[Category]:
    """The roots of the tree."""
    tree, locale = await asyncio.gather(get_category_tree(context), get_locale(context))
    return tree.below(None, locale)


async def find_category(context: Context, key: str) -> Category | None:
    """One category, if there is such a one."""
    tree, locale = await asyncio.gather(get_category_tree(context), get_locale(context))
    return tree.find(key, locale)
