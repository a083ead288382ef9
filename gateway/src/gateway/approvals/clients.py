"""Calls to approvals, with the caller's own token."""

from typing import Any

from chassis.http import Neighbour, segment
from contracts import approvals as wire
from contracts.paging import Page
from contracts.problems import Invalid, NotFound
from gateway.approvals.types import ApprovalRequest
from gateway.connections import Place
from gateway.context import Context


def _approvals(context: Context) -> Neighbour:
    return context.neighbours["approvals"]


async def find_request(context: Context, request_id: str) -> ApprovalRequest | None:
    """A request that the caller may see, by approvals' own id for it."""
    try:
        reply = await _approvals(context).get(
            f"/v1/approval-requests/{segment(request_id)}", token=context.token
        )
    except (NotFound, Invalid):
        return None
    return ApprovalRequest.from_wire(reply.json(wire.ApprovalRequest))


async def list_requests(
    context: Context, place: Place, status: str | None
) -> tuple[list[ApprovalRequest], str | None]:
    """A page of the caller's own requests and those they may decide on."""
    reply = await _approvals(context).get(
        "/v1/approval-requests",
        params={"status": status, "limit": place.limit, "after": place.after},
        token=context.token,
    )
    page = reply.json(Page[wire.ApprovalRequest])
    return [ApprovalRequest.from_wire(one) for one in page["items"][place.skip :]], page["next"]


async def decide(
    context: Context, request_id: str, verdict: str, comment: str | None
) -> ApprovalRequest:
    """The request once decided; `verdict` is `approve` or `reject`.

    Raises NotFound, Forbidden, Conflict, Invalid, Unavailable.
    """
    body: dict[str, Any] = {"comment": comment}
    reply = await _approvals(context).post(
        f"/v1/approval-requests/{segment(request_id)}/{verdict}", json=body, token=context.token
    )
    return ApprovalRequest.from_wire(reply.json(wire.ApprovalRequest))
