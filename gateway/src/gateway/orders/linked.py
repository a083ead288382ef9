"""Placements and the approval requests about them, each beside the other where both are selected.

Neither owner takes several ids at once, so each pair costs a call; lists bound it.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from contracts.problems import Problem
from gateway.approvals.clients import find_request
from gateway.approvals.types import ApprovalRequest
from gateway.connections import MOST_AT_ONCE
from gateway.context import Context
from gateway.ids import decode_uuid
from gateway.orders.member_clients import find_placement
from gateway.orders.member_types import MemberPlacement
from gateway.selection import Selection

MOST_LINKED = 20
Found = TypeVar("Found")


def most_of(selection: Selection, linked: str) -> int:
    """How many items a list may have at once."""
    return MOST_LINKED if selection.has(linked) else MOST_AT_ONCE


async def with_requests(
    context: Context,
    placements: Sequence[MemberPlacement],
    selection: Selection | None,
    path: list[str | int],
) -> None:
    """Put each placement's request beside it, if that is selected."""
    if selection is None or not selection.has("approvalRequest"):
        return
    found = await asyncio.gather(*(_request(context, placement, path) for placement in placements))
    for placement, request in zip(placements, found, strict=True):
        placement.approval_request = request
        if request is not None:
            request.placement = placement


async def with_placements(
    context: Context,
    requests: Sequence[ApprovalRequest],
    selection: Selection | None,
    path: list[str | int],
) -> None:
    """Put each request's placement beside it, if that is selected."""
    if selection is None or not selection.has("placement"):
        return
    found = await asyncio.gather(*(_placement(context, request, path) for request in requests))
    for request, placement in zip(requests, found, strict=True):
        request.placement = placement
        if placement is not None:
            placement.approval_request = request


async def _request(
    context: Context, placement: MemberPlacement, path: list[str | int]
) -> ApprovalRequest | None:
    if placement.request_key is None:
        return None
    return await _noted(context, find_request(context, placement.request_key), path)


async def _placement(
    context: Context, request: ApprovalRequest, path: list[str | int]
) -> MemberPlacement | None:
    if request.placement_id is None:
        return None
    placement_id = decode_uuid(request.placement_id, "Placement")
    return await _noted(context, find_placement(context, placement_id), path)


async def _noted(
    context: Context, work: Awaitable[Found | None], path: list[str | int]
) -> Found | None:
    """What was found; where that fails, the rest is shown, and why is told beside it."""
    try:
        return await work
    except Problem as problem:
        context.note(problem, path)
        return None
