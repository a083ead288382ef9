"""Reads of requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, literal, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.types import Text

from approvals.errors import RequestUnknown
from approvals.request.domain import Viewer
from approvals.request.tables import RequestRow
from approvals.request.views import as_request
from contracts.approvals import ApprovalRequest, ApprovalStatus
from contracts.buyers import BuyerProfile, Role

_REQUESTS = select(*RequestRow.__table__.c).where(RequestRow.asked.is_not(None))


async def get_request(
    connection: AsyncConnection, request_id: str, viewer: Viewer
) -> ApprovalRequest:
    """One request. Raises RequestUnknown, also for one that the viewer may not see."""
    wanted = _REQUESTS.where(RequestRow.id == request_id, _is_seen_by(viewer))
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        raise RequestUnknown(request_id)
    return as_request(row)


async def list_requests(
    connection: AsyncConnection,
    viewer: Viewer,
    *,
    status: ApprovalStatus | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Requests that the viewer may see, the newest first, from behind `after`."""
    page = _REQUESTS.where(_is_seen_by(viewer))
    if status is not None:
        page = page.where(RequestRow.status == status)
    place = tuple_(RequestRow.created_at, RequestRow.id)
    if after is not None:
        page = page.where(place < tuple_(literal(after[0]), literal(after[1])))
    page = page.order_by(RequestRow.created_at.desc(), RequestRow.id.desc()).limit(limit)
    return (await connection.execute(page)).all()


async def find_for_update(session: AsyncSession, request_id: str) -> RequestRow | None:
    """A request, for one writer at a time; a tombstone too."""
    return await session.get(RequestRow, request_id, with_for_update=True, populate_existing=True)


async def list_overdue(session: AsyncSession, *, now: datetime, limit: int) -> list[RequestRow]:
    """Pending requests whose time is over, for one sweeper at a time."""
    found = await session.scalars(
        select(RequestRow)
        .where(RequestRow.status == ApprovalStatus.PENDING, RequestRow.expires_at <= now)
        .order_by(RequestRow.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found)


def is_seen_by(row: RequestRow, profile: BuyerProfile) -> bool:
    """The same for a row at hand: whether a member may see it."""
    if row.company != profile.company:
        return False
    is_above = Role.APPROVER in profile.roles and profile.units[0] in row.units
    return row.member_id == profile.member_id or Role.ADMIN in profile.roles or is_above


def _is_seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """A member sees what they asked for, what an approver may decide on, an admin all of it."""
    profile = viewer.profile
    if profile is None:
        return true()
    whose: list[ColumnElement[bool]] = [RequestRow.member_id == profile.member_id]
    if Role.ADMIN in profile.roles:
        whose.append(RequestRow.company == profile.company)
    if Role.APPROVER in profile.roles:
        unit = literal([profile.units[0]], ARRAY(Text(collation="C")))
        whose.append(RequestRow.units.contains(unit))
    return and_(RequestRow.company == profile.company, or_(false(), *whose))
