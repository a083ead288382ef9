"""Categories over HTTP: lists, and writing."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.category import queries
from catalog.category.views import as_category
from catalog.product import queries as products
from catalog.tree import commands
from catalog.viewer import queries as viewers
from catalog.wire import CategoryKey, line_result
from chassis.auth import Caller, Needs
from chassis.bulk import DryRun, documents, upsert_lines
from chassis.clock import Now
from chassis.db import Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live
from chassis.versions import IfMatch, stamp, upserted
from contracts.bulk import LineResult
from contracts.catalog import Category, PutCategory, PutCategoryLine
from contracts.ids import Key
from contracts.paging import Page

EXAMPLE = '{"key":"lighting","name":{"en":"Lighting"},"parent":null}\n'

router = APIRouter(prefix="/v1/categories", tags=["categories"])


@router.get("", summary="List categories")
async def list_categories(
    runtime: Live,
    caller: Caller,
    limit: Limit = 50,
    after: After = None,
    store: Annotated[
        Key | None,
        Query(
            description="Only categories in which, or below which, the caller sees a product of"
            " this store.",
            examples=["b2b-eu"],
        ),
    ] = None,
) -> Page[Category]:
    """Categories by key; the tree is made of their `parent`, its order of `position`.

    With a store it is the caller's own tree: that of what they see there.
    """
    start = decode_cursor(after, str)[0] if after is not None else ""
    if store is None:
        async with runtime.reader.connect() as reader:
            rows = await queries.list_categories(reader, after=start, limit=limit + 1)
    else:
        plan = await viewers.get_plan(runtime, caller, store=store)
        async with runtime.reader.connect() as reader:
            rows = await queries.list_categories(
                reader,
                after=start,
                limit=limit + 1,
                condition=lambda key: products.is_in_branch(key, plan),
                given=viewers.parameters(plan),
            )
    more = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page(items=[as_category(row) for row in rows[:limit]], next=more)


@router.put(
    "/{key}",
    summary="Make, change or move a category",
    dependencies=[Needs("catalog:write")],
    responses=upserted(Category, "category"),
)
async def put_category(
    key: CategoryKey,
    body: PutCategory,
    if_match: IfMatch,
    session: Session,
    now: Now,
    response: Response,
) -> Category:
    """Writes the category whole; with another parent it moves with all that is below it."""
    outcome = await commands.put_category(session, key, body, if_match=if_match, now=now)
    category = await queries.get_category(await session.connection(), key)
    stamp(response, version=category.version, outcome=outcome)
    return category


@router.post(
    "/bulk",
    summary="Write many categories",
    dependencies=[Needs("catalog:write")],
    **documents(PutCategoryLine, example=EXAMPLE),
)
async def put_categories(runtime: Live, request: Request, dry_run: DryRun = False) -> Response:
    """NDJSON in, one result a line out. Parents come before what stands below them."""

    async def write(
        session: AsyncSession, lines: list[tuple[int, PutCategoryLine]]
    ) -> Sequence[LineResult]:
        verdicts = await commands.write_categories(
            session, [(line.key, line) for _, line in lines], now=runtime.clock.now()
        )
        return [
            line_result(number, verdict.key, verdict.outcome, verdict.problems)
            for (number, _), verdict in zip(lines, verdicts, strict=True)
        ]

    return await upsert_lines(request, PutCategoryLine, write, runtime, dry_run=dry_run)
