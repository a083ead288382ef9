"""What can be asked of approval requests."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from typing import Annotated

import strawberry

from gateway.approvals import clients
from gateway.approvals.types import ApprovalRequest, ApprovalStatus
from gateway.catalog.queries import After, First, nodes_of
from gateway.connections import Connection, Place
from gateway.context import Info, path_of, selected
from gateway.ids import decode_id
from gateway.orders.linked import most_of, with_placements


@strawberry.type
class ApprovalsQuery:
    """Merged into the Query of `b2b`."""

    @strawberry.field(description="A request; null if the caller may see no such one.")
    async def approval_request(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The request's id.")],
    ) -> ApprovalRequest | None:
        found = await clients.find_request(info.context, decode_id(id, "ApprovalRequest"))
        if found is not None:
            await with_placements(info.context, [found], selected(info), path_of(info))
        return found

    @strawberry.field(description="The caller's own requests, and those they may decide on.")
    async def approval_requests(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        status: Annotated[
            ApprovalStatus | None, strawberry.argument(description="Only those there.")
        ] = None,
    ) -> Connection[ApprovalRequest] | None:
        nodes = nodes_of(selected(info))
        place = Place.of(first, after, most=most_of(nodes, "placement"))
        items, following = await clients.list_requests(
            info.context, place, str(status.value) if status else None
        )
        await with_placements(info.context, items, nodes, path_of(info))
        return Connection[ApprovalRequest].of(items, place, following)
