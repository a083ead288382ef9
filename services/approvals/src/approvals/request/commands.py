"""Writes of requests: asked, decided, withdrawn, timed out. The row's lock settles who is first."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from approvals.errors import (
    AlreadyDecided,
    NotApprover,
    OwnRequest,
    RequestDiffers,
    RequesterUnknown,
    RequestTimedOut,
    RequestUnknown,
)
from approvals.policy.domain import find_nearest, find_reasons, may_decide
from approvals.request import queries
from approvals.request.tables import RequestRow
from approvals.request.views import as_facts, as_request
from chassis import buyers, outbox
from chassis.db import commit
from chassis.runtime import Runtime
from contracts.approvals import (
    ApprovalRequest,
    ApprovalRequestDecided,
    ApprovalRequestOpened,
    ApprovalStatus,
    PutApprovalRequest,
)
from contracts.buyers import BuyerProfile

_SWEPT_AT_ONCE = 100


async def put_request(
    session: AsyncSession,
    request_id: str,
    body: PutApprovalRequest,
    *,
    requester: BuyerProfile | None,
    now: datetime,
    lifetime: timedelta,
) -> ApprovalRequest:
    """Ask; the same again tells how it stands now, also where the requester is gone meanwhile.

    Emits ApprovalRequestOpened where somebody must decide. One that was withdrawn before it came
    is withdrawn. Raises RequestDiffers, RequesterUnknown.
    """
    asked = body.model_dump(mode="json")
    is_new = await _insert(session, request_id, now=now)
    row = await queries.find_for_update(session, request_id)
    if row is None:
        raise RequestUnknown(request_id)
    if row.asked is not None:
        if row.asked != asked:
            raise RequestDiffers(request_id)
        return as_request(row)
    if requester is None:
        raise RequesterUnknown
    row.asked, row.member_id = asked, body.member_id
    row.company, row.units = requester.company, requester.units
    if is_new:
        await _open(session, row, body, requester, now=now, lifetime=lifetime)
    await session.flush()
    return as_request(row)


async def withdraw_request(session: AsyncSession, request_id: str, *, now: datetime) -> None:
    """Ask nobody any more; one that has ended stays as it ended.

    An unknown id leaves a tombstone, so that a late request is refused. Emits
    ApprovalRequestDecided where it was pending.
    """
    if await _insert(session, request_id, now=now):
        return
    row = await queries.find_for_update(session, request_id)
    if row is not None and row.status == ApprovalStatus.PENDING:
        await _end(session, row, ApprovalStatus.WITHDRAWN, now=now)


async def decide(
    session: AsyncSession,
    request_id: str,
    verdict: ApprovalStatus,
    *,
    member: BuyerProfile,
    comment: str | None,
    now: datetime,
) -> ApprovalRequest:
    """Approve or reject; the same member's same verdict again changes nothing.

    Emits ApprovalRequestDecided. Raises RequestUnknown, OwnRequest, NotApprover, AlreadyDecided,
    RequestTimedOut.
    """
    row = await queries.find_for_update(session, request_id)
    if row is None or row.member_id is None or not queries.is_seen_by(row, member):
        raise RequestUnknown(request_id)
    if row.member_id == member.member_id:
        raise OwnRequest
    company, units = row.company or "", row.units
    if not may_decide(member, company=company, requester=row.member_id, units=units):
        raise NotApprover
    if row.status == verdict and row.decided_by == member.member_id:
        return as_request(row)
    if row.status == ApprovalStatus.TIMED_OUT:
        raise RequestTimedOut
    if row.status != ApprovalStatus.PENDING:
        raise AlreadyDecided(ApprovalStatus(row.status))
    if row.expires_at <= now:
        raise RequestTimedOut  # the sweep that comes within a second ends it
    row.decided_by, row.comment = member.member_id, comment
    await _end(session, row, verdict, now=now)
    return as_request(row)


async def time_out(runtime: Runtime) -> int:
    """End requests that nobody decided in time; how many. Emits ApprovalRequestDecided for each."""
    count = 0
    while True:
        async with runtime.sessions() as session:
            now = runtime.clock.now()
            rows = await queries.list_overdue(session, now=now, limit=_SWEPT_AT_ONCE)
            for row in rows:
                await _end(session, row, ApprovalStatus.TIMED_OUT, now=now)
            await commit(session, "job", "time-out")
        count += len(rows)
        if len(rows) < _SWEPT_AT_ONCE:
            return count


async def _insert(session: AsyncSession, request_id: str, *, now: datetime) -> bool:
    """Make a tombstone, unless there is a request of that id; whether it was made."""
    made = await session.execute(
        insert(RequestRow)
        .values(
            id=request_id,
            asked=None,
            units=[],
            reasons=[],
            is_escalated=False,
            status=ApprovalStatus.WITHDRAWN,
            version=1,
            created_at=now,
            expires_at=now,
            decided_at=now,
        )
        .on_conflict_do_nothing()
        .returning(RequestRow.id)
    )
    return made.one_or_none() is not None


async def _open(
    session: AsyncSession,
    row: RequestRow,
    body: PutApprovalRequest,
    requester: BuyerProfile,
    *,
    now: datetime,
    lifetime: timedelta,
) -> None:
    """Open a request that was just inserted, and tell of it where somebody must decide."""
    reasons = find_reasons(body.amount, order_limit=body.order_limit, over=body.over)
    row.reasons = [reason.value for reason in reasons]
    row.status = ApprovalStatus.PENDING.value if reasons else ApprovalStatus.NOT_NEEDED.value
    row.decided_at, row.expires_at = None, now + lifetime
    if reasons:
        row.is_escalated = not await _find_approvers(session, requester)
    await session.flush()
    if reasons:
        outbox.add(
            session,
            ApprovalRequestOpened(request=as_facts(row)),
            subject=row.id,
            sequence=row.version,
        )


async def _find_approvers(session: AsyncSession, requester: BuyerProfile) -> Sequence[object]:
    members = await buyers.list_company(session, requester.company)
    return find_nearest(members, requester=requester.member_id, units=requester.units)


async def _end(
    session: AsyncSession, row: RequestRow, status: ApprovalStatus, *, now: datetime
) -> None:
    row.status, row.decided_at = status.value, now
    row.version += 1
    await session.flush()
    outbox.add(
        session,
        ApprovalRequestDecided(request=as_facts(row)),
        subject=row.id,
        sequence=row.version,
    )
