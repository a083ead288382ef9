"""Holds over HTTP, for the service that places orders; and credit, for those it concerns."""

from fastapi import APIRouter

from accounts.access import find_reach
from accounts.errors import CompanyUnknown, HoldUnknown
from accounts.hold import commands, queries
from accounts.ledger.domain import LedgerKind
from accounts.ledger.queries import page_entries
from accounts.wire import CompanyKey, PathHold
from chassis.auth import Actor, Caller, NeedsService
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.idempotency import IdempotentRoute, KeyIgnored
from chassis.paging import After, Limit
from contracts.companies import Credit, Hold, LedgerEntry, PutHold, SettleHold
from contracts.paging import Page

router = APIRouter(prefix="/v1", tags=["holds"], route_class=IdempotentRoute)


@router.put(
    "/holds/{hold_id}",
    summary="Hold credit and budget for an order",
    dependencies=[NeedsService("orders")],
)
async def put_hold(hold_id: PathHold, body: PutHold, session: Session, now: Now) -> Hold:
    """Hold what an order comes to, or say why not: always 200, `outcome` tells.

    The same id and body again is answered as it stands now; another body under the same id is a
    409. A hold that was released before it came is `released`, and nothing is held.
    """
    return await commands.put_hold(session, hold_id, body, now=now)


@router.get("/holds/{hold_id}", summary="Read a hold", dependencies=[NeedsService("orders")])
async def get_hold(hold_id: PathHold, reader: Reader) -> Hold:
    """One hold as it stands now."""
    found = await queries.find_hold(reader, hold_id)
    if found is None:
        raise HoldUnknown(hold_id)
    return found


@router.post(
    "/holds/{hold_id}/release",
    summary="Give back what a hold took",
    dependencies=[NeedsService("orders"), KeyIgnored],
)
async def release_hold(hold_id: PathHold, session: Session, now: Now) -> Hold:
    """Give back credit and budget; again changes nothing. A settled hold is a 409.

    An unknown id is remembered, so that a hold which comes late is answered `released`.
    """
    return await commands.release_hold(session, hold_id, now=now)


@router.post(
    "/holds/{hold_id}/settle",
    summary="Use what a hold took",
    dependencies=[NeedsService("orders"), KeyIgnored],
)
async def settle_hold(hold_id: PathHold, body: SettleHold, session: Session, now: Now) -> Hold:
    """Turn what is held into used by a placed order; the same again changes nothing.

    A hold that was refused or released, or settled by another order, is a 409.
    """
    return await commands.settle_hold(session, hold_id, order_number=body.order_number, now=now)


@router.get("/companies/{company}/credit", summary="Read a company's credit", tags=["credit"])
async def get_credit(company: CompanyKey, caller: Caller, reader: Reader, now: Now) -> Credit:
    """Where a company's credit stands under the agreement in force; without one there is none.

    For those who may read companies, and the company's own members.
    """
    return await _get_credit(reader, caller, company, now=now)


@router.get(
    "/companies/{company}/credit/entries",
    summary="List what moved a company's credit",
    tags=["credit"],
)
async def list_credit_entries(
    company: CompanyKey,
    caller: Caller,
    reader: Reader,
    now: Now,
    limit: Limit = 50,
    after: After = None,
) -> Page[LedgerEntry]:
    """The lines of a company's credit ledger, the newest first; held and used are their sums."""
    await _get_credit(reader, caller, company, now=now)
    return await page_entries(reader, LedgerKind.CREDIT, company, limit=limit, after=after)


async def _get_credit(reader: Reader, caller: Actor, company: str, *, now: Now) -> Credit:
    reach = await find_reach(reader, caller)
    found = (
        await queries.find_credit(reader, company, now=now) if reach in (None, company) else None
    )
    if found is None:
        raise CompanyUnknown(company)
    return found
