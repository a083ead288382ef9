"""Products over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from catalog.errors import ProductNotFound
from catalog.product import commands, queries, views
from catalog.product.queries import Start
from catalog.viewer import queries as viewers
from catalog.viewer.domain import Plan
from catalog.wire import IncludeUnpublished, ProductKey, StoreIfAny, StoreQuery, line_result
from chassis.auth import Actor, Caller, Needs
from chassis.bulk import DryRun, documents, upsert_lines
from chassis.clock import Now
from chassis.db import Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live, Runtime
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.bulk import LineResult
from contracts.catalog import Product, PutProduct, PutProductLine, Slug
from contracts.ids import Key, Locale
from contracts.paging import Page
from contracts.text import ShortText

router = APIRouter(prefix="/v1/products", tags=["products"])

EXAMPLE = '{"key":"71053","name":{"en":"White metal lantern"},"variants":[{"sku":"71053"}]}\n'


@router.get("", summary="List or search products", response_model=Page[Product])
async def list_products(
    runtime: Live,
    caller: Caller,
    store: StoreQuery,
    category: Annotated[
        Key | None, Query(description="This category and all below it.", examples=["home"])
    ] = None,
    search: Annotated[
        ShortText | None,
        Query(
            description="Words to look for in names and SKUs: every one must begin a word of the"
            " product, in any order, whatever its case and accents.",
            examples=["white lantern"],
        ),
    ] = None,
    limit: Limit = 50,
    after: After = None,
    include_unpublished: IncludeUnpublished = False,
) -> Response:
    """Products that the caller sees in a store, by key, each with the SKUs that they see.

    A guest sees the store's assortment, a member of a company in a store for companies that which
    their assortments make of it. Such a store shows nothing to guests (401).

    With `search` the product of that very SKU comes first, then whole words before beginnings
    of words, short names before long ones, and then by key.
    """
    _may_include(caller, include_unpublished)
    start = Start(*decode_cursor(after, int, str)) if after is not None else Start()

    async def question(reader: AsyncConnection, plan: Plan) -> Sequence[Row[Any]]:
        return await queries.list_products(
            reader,
            plan,
            store=store,
            category=category,
            wanted=search,
            start=start,
            limit=limit + 1,
            include_unpublished=include_unpublished,
        )

    answer = await viewers.ask(runtime, caller, question, store=store, sees_all=include_unpublished)
    rows = queries.page_of(answer, category=category)
    more = None
    if len(rows) > limit:
        rows = rows[:limit]
        more = encode_cursor(rows[-1].rank, rows[-1].key)
    return Response(views.as_page(rows, after=more), media_type="application/json")


@router.get(
    "/by-slug",
    summary="Read a product by its slug",
    response_model=Product,
    responses=read("product"),
)
async def get_product_by_slug(
    runtime: Live,
    caller: Caller,
    store: StoreQuery,
    locale: Annotated[Locale, Query(description="The slug's locale.", examples=["en"])],
    slug: Annotated[
        Slug,
        Query(
            description="Readable piece of the page's URL.", examples=["white-metal-lantern-71053"]
        ),
    ],
    include_unpublished: IncludeUnpublished = False,
) -> Response:
    """The product whose page has this slug in its URL, if the caller sees it in the store."""
    _may_include(caller, include_unpublished)

    async def question(reader: AsyncConnection, plan: Plan) -> Sequence[Row[Any]]:
        return await queries.find_product_by_slug(
            reader, plan, store=store, locale=locale, slug=slug
        )

    answer = await viewers.ask(runtime, caller, question, store=store, sees_all=include_unpublished)
    row = queries.product_of(answer, slug, include_unpublished=include_unpublished)
    return _answer(views.as_product(row), version=row.version)


@router.get("/{key}", summary="Read a product", response_model=Product, responses=read("product"))
async def get_product(
    key: ProductKey,
    runtime: Live,
    caller: Caller,
    store: StoreIfAny = None,
    include_unpublished: IncludeUnpublished = False,
) -> Response:
    """One product by its key, as the caller sees it in the store.

    Unknown, unpublished and invisible ones are answered alike. Without a store nothing says who
    may see what, so there is only something for who may read the catalog (`catalog:read`).
    """
    _may_include(caller, include_unpublished)
    if store is None:
        row = await _get_from_all(runtime, caller, key, include_unpublished=include_unpublished)
        return _answer(views.as_product(row), version=row.version)

    async def question(reader: AsyncConnection, plan: Plan) -> Sequence[Row[Any]]:
        return await queries.find_product(reader, plan, store=store, key=key)

    answer = await viewers.ask(runtime, caller, question, store=store, sees_all=include_unpublished)
    row = queries.product_of(answer, key, include_unpublished=include_unpublished)
    return _answer(views.as_product(row), version=row.version)


@router.put(
    "/{key}",
    summary="Make or change a product",
    dependencies=[Needs("catalog:write")],
    response_model=Product,
    responses=upserted(Product, "product"),
)
async def put_product(
    key: ProductKey, body: PutProduct, if_match: IfMatch, session: Session, now: Now
) -> Response:
    """Writes the product whole, variants included; what it already says changes nothing.

    A SKU belongs to one product: one that stands at another is a conflict, until it is taken off
    there.
    """
    verdict = await commands.put_product(session, key, body, if_match=if_match, now=now)
    row = await queries.get_product(await session.connection(), key, include_unpublished=True)
    response = _answer(views.as_product(row), version=row.version)
    stamp(response, version=row.version, outcome=verdict.outcome)
    return response


@router.post(
    "/bulk",
    summary="Write many products",
    dependencies=[Needs("catalog:write")],
    **documents(PutProductLine, example=EXAMPLE),
)
async def put_products(runtime: Live, request: Request, dry_run: DryRun = False) -> Response:
    """NDJSON in, one result a line out. A refused line changes nothing and stops nothing."""

    async def write(
        session: AsyncSession, lines: list[tuple[int, PutProductLine]]
    ) -> Sequence[LineResult]:
        verdicts = await commands.write_products(
            session, [(line.key, line) for _, line in lines], now=runtime.clock.now()
        )
        return [
            line_result(number, verdict.key, verdict.outcome, verdict.problems)
            for (number, _), verdict in zip(lines, verdicts, strict=True)
        ]

    return await upsert_lines(request, PutProductLine, write, runtime, dry_run=dry_run)


async def _get_from_all(
    runtime: Runtime, caller: Actor, key: str, *, include_unpublished: bool
) -> Row[Any]:
    if "catalog:read" not in caller.scopes:
        raise ProductNotFound(key)
    async with runtime.reader.connect() as reader:
        return await queries.get_product(reader, key, include_unpublished=include_unpublished)


def _may_include(caller: Actor, include_unpublished: bool) -> None:
    if include_unpublished:
        caller.require("catalog:read")


def _answer(body: bytes, *, version: int) -> Response:
    response = Response(body, media_type="application/json")
    stamp(response, version=version)
    return response
