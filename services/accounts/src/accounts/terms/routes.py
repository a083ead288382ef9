"""Agreements over HTTP."""

from fastapi import APIRouter, Response

from accounts.access import find_reach
from accounts.agreement import queries
from accounts.agreement.views import as_agreement
from accounts.errors import AgreementUnknown
from accounts.terms import commands
from accounts.wire import AgreementKey, OfCompany
from chassis.auth import Caller, Needs
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.versions import IfMatch, read, stamp, upserted
from contracts.companies import Agreement, PutAgreement
from contracts.paging import Page

router = APIRouter(prefix="/v1/agreements", tags=["agreements"])


@router.put(
    "/{agreement}",
    summary="Make or change an agreement",
    dependencies=[Needs("companies:write")],
    responses=upserted(Agreement, "agreement"),
)
async def put_agreement(
    agreement: AgreementKey,
    body: PutAgreement,
    session: Session,
    now: Now,
    if_match: IfMatch,
    response: Response,
) -> Agreement:
    """Settle with a company how it pays and how much it may owe. The same again changes nothing.

    The company stays as it was made (409); the credit limit is in its currency (422).
    """
    made, outcome = await commands.put_agreement(
        session, agreement, body, if_match=if_match, now=now
    )
    stamp(response, version=made.version, outcome=outcome)
    return made


@router.get("/{agreement}", summary="Read an agreement", responses=read("agreement"))
async def get_agreement(
    agreement: AgreementKey, caller: Caller, reader: Reader, response: Response
) -> Agreement:
    """One agreement by its key: for those who may read companies, and members of its company."""
    reach = await find_reach(reader, caller)
    found = await queries.find_agreement(reader, agreement)
    if found is None or reach not in (None, found.company):
        raise AgreementUnknown(agreement)
    stamp(response, version=found.version)
    return found


@router.get("", summary="List agreements")
async def list_agreements(
    caller: Caller,
    reader: Reader,
    company: OfCompany = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Agreement]:
    """Agreements by key: of one company or of all; a member's list has only their company's."""
    reach = await find_reach(reader, caller)
    (last,) = decode_cursor(after, str) if after is not None else ("",)
    if reach is not None and company not in (None, reach):
        return Page[Agreement](items=[], next=None)
    rows = await queries.list_agreements(
        reader, company=company or reach, after=last, limit=limit + 1
    )
    following = encode_cursor(rows[limit - 1].key) if len(rows) > limit else None
    return Page[Agreement](items=[as_agreement(row) for row in rows[:limit]], next=following)
