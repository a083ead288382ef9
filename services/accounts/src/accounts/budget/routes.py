"""Budgets over HTTP."""

from fastapi import APIRouter, Response

from accounts.access import find_reach
from accounts.budget import commands, queries
from accounts.errors import BudgetUnknown
from accounts.ledger.domain import LedgerKind
from accounts.ledger.queries import page_entries
from accounts.wire import BudgetKey, OfCompany
from chassis.auth import Actor, Caller, Needs
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.companies import Budget, LedgerEntry, PutBudget
from contracts.paging import Page

router = APIRouter(prefix="/v1/budgets", tags=["budgets"])


@router.put(
    "/{budget}",
    summary="Make or change a budget",
    dependencies=[Needs("companies:write")],
    responses=upserted(Budget, "budget"),
)
async def put_budget(
    budget: BudgetKey,
    body: PutBudget,
    session: Session,
    now: Now,
    if_match: IfMatch,
    response: Response,
) -> Budget:
    """Give a unit, with those below it, so much to spend. The same again changes nothing.

    The unit stays as it was made (409); the amount is in its company's currency (422). Less than
    is held and used already leaves nothing available.
    """
    made, outcome = await commands.put_budget(session, budget, body, if_match=if_match, now=now)
    stamp(response, version=made.version, outcome=outcome)
    return made


@router.get("/{budget}", summary="Read a budget", responses=read("budget"))
async def get_budget(
    budget: BudgetKey, caller: Caller, reader: Reader, response: Response
) -> Budget:
    """One budget and where it stands: for those who may read companies, and its company's members.

    Its version counts changes of the budget itself, not of where it stands.
    """
    found = await _get_budget(reader, caller, budget)
    stamp(response, version=found.version)
    return found


@router.get("/{budget}/entries", summary="List what moved a budget")
async def list_budget_entries(
    budget: BudgetKey, caller: Caller, reader: Reader, limit: Limit = 50, after: After = None
) -> Page[LedgerEntry]:
    """The lines of a budget's ledger, the newest first; held and used are their sums."""
    found = await _get_budget(reader, caller, budget)
    return await page_entries(reader, LedgerKind.BUDGET, found.key, limit=limit, after=after)


@router.get("", summary="List budgets")
async def list_budgets(
    caller: Caller,
    reader: Reader,
    company: OfCompany = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Budget]:
    """Budgets by key: of one company or of all; a member's list has only their company's."""
    reach = await find_reach(reader, caller)
    (last,) = decode_cursor(after, str) if after is not None else ("",)
    if reach is not None and company not in (None, reach):
        return Page[Budget](items=[], next=None)
    found = await queries.list_budgets(
        reader, company=company or reach, after=last, limit=limit + 1
    )
    following = encode_cursor(found[limit - 1].key) if len(found) > limit else None
    return Page[Budget](items=found[:limit], next=following)


async def _get_budget(reader: Reader, caller: Actor, key: str) -> Budget:
    reach = await find_reach(reader, caller)
    found = await queries.find_budget(reader, key)
    if found is None or reach not in (None, found.company):
        raise BudgetUnknown(key)
    return found
