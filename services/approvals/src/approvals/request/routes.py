"""Requests over HTTP: orders asks, members decide."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from approvals.request import commands, queries
from approvals.request.domain import Viewer
from approvals.request.views import as_request
from approvals.settings import ApprovalsSettings
from chassis import buyers
from chassis.auth import Actor, Caller, NeedsService, TokenMissing
from chassis.buyers import BuyerUnknown
from chassis.clock import Now
from chassis.db import Reader, Session
from chassis.idempotency import IdempotentRoute
from chassis.paging import After, Limit, decode_cursor, encode_cursor
from chassis.runtime import Live, Runtime
from chassis.versions import read, stamp
from contracts.approvals import ApprovalRequest, ApprovalStatus, Decide, PutApprovalRequest
from contracts.buyers import BuyerProfile
from contracts.companies import HoldId
from contracts.paging import Page
from contracts.problems import Forbidden

router = APIRouter(
    prefix="/v1/approval-requests", tags=["approval requests"], route_class=IdempotentRoute
)

RequestId = Annotated[
    HoldId,
    Path(
        description="As the asker named it: made of a process and its step.",
        examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10:approve"],
    ),
]
OfStatus = Annotated[
    ApprovalStatus | None,
    Query(description="Only those that stand so.", examples=["pending"]),
]


class MembersOnly(Forbidden):
    """Only members of companies decide."""

    def __init__(self) -> None:
        super().__init__("Only a member of the company decides on its requests.")


@router.put(
    "/{request_id}",
    summary="Ask whether something may go on",
    dependencies=[NeedsService("orders")],
    responses=read("request"),
)
async def put_approval_request(
    request_id: RequestId,
    body: PutApprovalRequest,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> ApprovalRequest:
    """Ask; the answer says whether anybody must decide, and how that stands. Sent again with the
    same content it tells how it stands now; with another it is refused (409).

    What is sent is the snapshot that is approved. Who decides is found by the member's unit.
    """
    try:
        requester = await buyers.get_profile(runtime, body.member_id)
    except BuyerUnknown:
        requester = None
    request = await commands.put_request(
        session,
        request_id,
        body,
        requester=requester,
        now=now,
        lifetime=_settings(runtime).approval_lifetime,
    )
    stamp(response, version=request.version)
    return request


@router.get("/{request_id}", summary="Read an approval request", responses=read("request"))
async def get_approval_request(
    request_id: RequestId, caller: Caller, runtime: Live, reader: Reader, response: Response
) -> ApprovalRequest:
    """A request as it stands: for who asked, who may decide, and scope approvals:read."""
    viewer = await _find_viewer(runtime, caller)
    request = await queries.get_request(reader, request_id, viewer)
    stamp(response, version=request.version)
    return request


@router.get("", summary="List approval requests")
async def list_approval_requests(
    caller: Caller,
    runtime: Live,
    reader: Reader,
    status: OfStatus = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[ApprovalRequest]:
    """The newest first: what a member asked for, what an approver may decide on, all of a company
    for its admins, all of all companies with scope approvals:read.
    """
    viewer = await _find_viewer(runtime, caller)
    start = decode_cursor(after, datetime, str) if after is not None else None
    rows = await queries.list_requests(reader, viewer, status=status, after=start, limit=limit + 1)
    more = None
    if len(rows) > limit:
        more = encode_cursor(rows[limit - 1].created_at, rows[limit - 1].id)
    return Page(items=[as_request(row) for row in rows[:limit]], next=more)


@router.post("/{request_id}/approve", summary="Approve a request", responses=read("request"))
async def approve_request(
    request_id: RequestId,
    body: Decide,
    caller: Caller,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> ApprovalRequest:
    """Let it go on: by an approver of the unit or of one above it, or an admin, never by who asked
    (403). Who is second is told how it ended (409).
    """
    member = await _get_member(runtime, caller)
    request = await commands.decide(
        session,
        request_id,
        ApprovalStatus.APPROVED,
        member=member,
        comment=body.comment,
        now=now,
    )
    stamp(response, version=request.version)
    return request


@router.post("/{request_id}/reject", summary="Reject a request", responses=read("request"))
async def reject_request(
    request_id: RequestId,
    body: Decide,
    caller: Caller,
    runtime: Live,
    session: Session,
    now: Now,
    response: Response,
) -> ApprovalRequest:
    """Do not let it go on; everything that was held for it is given back. The same people may."""
    member = await _get_member(runtime, caller)
    request = await commands.decide(
        session,
        request_id,
        ApprovalStatus.REJECTED,
        member=member,
        comment=body.comment,
        now=now,
    )
    stamp(response, version=request.version)
    return request


@router.post(
    "/{request_id}/withdraw",
    summary="Withdraw a request",
    status_code=204,
    dependencies=[NeedsService("orders")],
)
async def withdraw_request(request_id: RequestId, session: Session, now: Now) -> None:
    """Ask nobody any more. One that has ended stays as it ended; one that never came is refused
    from now on.
    """
    await commands.withdraw_request(session, request_id, now=now)


async def _find_viewer(runtime: Runtime, caller: Actor) -> Viewer:
    """Whose eyes: a member's own, orders' all, else scope approvals:read."""
    if caller.kind == "service" and caller.subject == "orders":
        return Viewer()
    if caller.kind == "member":
        return Viewer(profile=await _get_member(runtime, caller))
    caller.require("approvals:read")
    return Viewer()


async def _get_member(runtime: Runtime, caller: Actor) -> BuyerProfile:
    if caller.kind == "guest":
        raise TokenMissing
    profile = await buyers.get_buyer(runtime, caller) if caller.kind == "member" else None
    if profile is None:
        raise MembersOnly
    return profile


def _settings(runtime: Runtime) -> ApprovalsSettings:
    settings = runtime.settings
    assert isinstance(settings, ApprovalsSettings)  # noqa: S101 (whose service this is)
    return settings
