"""Approval requests, told as they come and are decided."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated

import strawberry

from gateway.approvals import clients
from gateway.approvals.types import ApprovalRequest
from gateway.context import Info, path_of, selected
from gateway.ids import decode_id
from gateway.live.hub import Topic, follow
from gateway.orders.linked import with_placements


@strawberry.type
class ApprovalsSubscription:
    """Merged into the Subscription of `b2b`."""

    @strawberry.subscription(
        description="A request when it is asked and when it ends; with an id that one, first as "
        "it is now."
    )
    async def approval_request_changed(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only this; else all that the caller may see."),
        ] = None,
    ) -> AsyncGenerator[ApprovalRequest, None]:
        only = decode_id(id, "ApprovalRequest") if id is not None else None
        session, company = info.context.subscriber()
        read = partial(_find_request, info)
        topic = Topic.APPROVAL_REQUEST
        async with aclosing(
            follow(session, topic, company, only, read=read, state=lambda one: one.version)
        ) as changes:
            async for one in changes:
                yield one


async def _find_request(info: Info, request_id: str) -> ApprovalRequest | None:
    found = await clients.find_request(info.context, request_id)
    if found is not None:
        await with_placements(info.context, [found], selected(info), path_of(info))
    return found
