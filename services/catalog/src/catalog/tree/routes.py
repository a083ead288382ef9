"""Categories over HTTP: writing."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.category import queries
from catalog.tree import commands
from catalog.wire import CategoryKey, line_result
from chassis.auth import Needs
from chassis.bulk import DryRun, documents, upsert_lines
from chassis.clock import Now
from chassis.db import Session
from chassis.runtime import Live
from chassis.versions import IfMatch, stamp, upserted
from contracts.bulk import LineResult
from contracts.catalog import Category, PutCategory, PutCategoryLine

EXAMPLE = '{"key":"lighting","name":{"en":"Lighting"},"parent":null}\n'

router = APIRouter(
    prefix="/v1/categories", tags=["categories"], dependencies=[Needs("catalog:write")]
)


@router.put(
    "/{key}", summary="Make, change or move a category", responses=upserted(Category, "category")
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
    "/bulk", summary="Write many categories", **documents(PutCategoryLine, example=EXAMPLE)
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
