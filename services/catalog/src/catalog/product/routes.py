"""Products over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.product import commands, queries, views
from catalog.product.queries import Start
from catalog.wire import IncludeUnpublished, ProductKey, line_result
from chassis.auth import Actor, Caller, Needs
from chassis.bulk import DryRun, documents, upsert_lines
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.bulk import LineResult
from contracts.catalog import Product, PutProduct, PutProductLine, Slug
from contracts.ids import Key, Locale
from contracts.paging import Page
from contracts.text import ShortText

router = APIRouter(prefix="/v1/products", tags=["products"])

EXAMPLE = '{"key":"71053","name":{"en":"White metal lantern"},"variants":[{"sku":"71053"}]}\n'
Store = Annotated[Key, Query(description="Key of the store.", examples=["d2c-uk"])]


@router.get("", summary="List or search products", response_model=Page[Product])
async def list_products(
    reader: Reader,
    caller: Caller,
    store: Store,
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
    """Products that buyers of a store see, by key.

    With `search` the product of that very SKU comes first, then whole words before beginnings
    of words, short names before long ones, and then by key.
    """
    _may_include(caller, include_unpublished)
    rows = await queries.list_products(
        reader,
        store=store,
        category=category,
        wanted=search,
        start=Start(*decode_cursor(after, int, str)) if after is not None else Start(),
        limit=limit + 1,
        include_unpublished=include_unpublished,
    )
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
    reader: Reader,
    caller: Caller,
    store: Store,
    locale: Annotated[Locale, Query(description="The slug's locale.", examples=["en"])],
    slug: Annotated[
        Slug,
        Query(
            description="Readable piece of the page's URL.", examples=["white-metal-lantern-71053"]
        ),
    ],
    include_unpublished: IncludeUnpublished = False,
) -> Response:
    """The product whose page has this slug in its URL."""
    _may_include(caller, include_unpublished)
    row = await queries.get_product_by_slug(
        reader, store=store, locale=locale, slug=slug, include_unpublished=include_unpublished
    )
    return _answer(views.as_product(row), version=row.version)


@router.get("/{key}", summary="Read a product", response_model=Product, responses=read("product"))
async def get_product(
    key: ProductKey,
    reader: Reader,
    caller: Caller,
    include_unpublished: IncludeUnpublished = False,
) -> Response:
    """One product by its key. Unpublished and unknown ones are answered alike."""
    _may_include(caller, include_unpublished)
    row = await queries.get_product(reader, key, include_unpublished=include_unpublished)
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


def _may_include(caller: Actor, include_unpublished: bool) -> None:
    if include_unpublished:
        caller.require("catalog:read")


def _answer(body: bytes, *, version: int) -> Response:
    response = Response(body, media_type="application/json")
    stamp(response, version=version)
    return response
