"""Quantity rules over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Needs
from chassis.bulk import DryRun, documents, upsert_lines
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.bulk import LineResult
from contracts.ids import Sku
from contracts.paging import Page
from contracts.pricing import PutQuantityRule, PutQuantityRuleLine, QuantityRule
from pricing.quantity_rule import commands, queries
from pricing.quantity_rule.views import as_quantity_rule
from pricing.wire import RuleKey

EXAMPLE = '{"key":"71053-b2b","sku":"71053","stores":["b2b-eu"],"minimum":6,"multiple":6}\n'

router = APIRouter(prefix="/v1/quantity-rules", tags=["quantity rules"])

OfSku = Annotated[Sku | None, Query(description="Only those of this SKU.", examples=["71053"])]


@router.put(
    "/{key}",
    summary="Make or change a quantity rule",
    dependencies=[Needs("pricing:write")],
    responses=upserted(QuantityRule, "rule"),
)
async def put_quantity_rule(
    key: RuleKey,
    body: PutQuantityRule,
    session: Session,
    now: Now,
    if_match: IfMatch,
    response: Response,
) -> QuantityRule:
    """Say how many of a SKU are sold at once. Its SKU stays (409).

    The same again changes nothing.
    """
    rule, outcome = await commands.put_quantity_rule(session, key, body, if_match=if_match, now=now)
    stamp(response, version=rule.version, outcome=outcome)
    return rule


@router.get(
    "/{key}",
    summary="Read a quantity rule",
    dependencies=[Needs("pricing:read")],
    responses=read("rule"),
)
async def get_quantity_rule(key: RuleKey, reader: Reader, response: Response) -> QuantityRule:
    """One rule by its key."""
    rule = await queries.get_quantity_rule(reader, key)
    stamp(response, version=rule.version)
    return rule


@router.get("", summary="List quantity rules", dependencies=[Needs("pricing:read")])
async def list_quantity_rules(
    reader: Reader, sku: OfSku = None, limit: Limit = 50, after: After = None
) -> Page[QuantityRule]:
    """All rules by key, or those of one SKU."""
    (last,) = decode_cursor(after, str) if after is not None else ("",)
    rows = await queries.list_quantity_rules(reader, sku=sku, after=last, limit=limit + 1)
    following = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page[QuantityRule](items=[as_quantity_rule(row) for row in rows[:limit]], next=following)


@router.post(
    "/bulk",
    summary="Set many quantity rules",
    dependencies=[Needs("pricing:write")],
    **documents(PutQuantityRuleLine, example=EXAMPLE),
)
async def put_quantity_rules(request: Request, runtime: Live, dry_run: DryRun = False) -> Response:
    """Set many rules: NDJSON in, a line each; one result a line out, in order."""

    async def write(
        session: AsyncSession, lines: list[tuple[int, PutQuantityRuleLine]]
    ) -> list[LineResult]:
        return await commands.put_lines(session, lines, now=runtime.clock.now())

    return await upsert_lines(request, PutQuantityRuleLine, write, runtime, dry_run=dry_run)
