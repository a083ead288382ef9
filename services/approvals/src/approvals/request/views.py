"""Requests as they cross the border."""

from typing import Any

from sqlalchemy import Row

from approvals.request.tables import RequestRow
from contracts.approvals import ApprovalFacts, ApprovalRequest, ApprovalStatus, PutApprovalRequest


def as_request(row: RequestRow | Row[Any]) -> ApprovalRequest:
    """A request as it stands; not of a tombstone, of which nothing is known."""
    asked = PutApprovalRequest.model_validate(row.asked)
    return ApprovalRequest(
        id=row.id,
        version=row.version,
        subject_type=asked.subject_type,
        subject_id=asked.subject_id,
        company=row.company,
        unit=row.units[0],
        member_id=asked.member_id,
        amount=asked.amount,
        order_limit=asked.order_limit,
        purchase_order_number=asked.purchase_order_number,
        reasons=row.reasons,
        status=ApprovalStatus(row.status),
        is_escalated=row.is_escalated,
        decided_by=row.decided_by,
        comment=row.comment,
        created_at=row.created_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
    )


def as_facts(row: RequestRow) -> ApprovalFacts:
    """What others are told of a request."""
    request = as_request(row)
    return ApprovalFacts.model_validate(request.model_dump())
