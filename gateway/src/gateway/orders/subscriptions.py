"""How placing and orders go on, told as it happens."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from functools import partial
from typing import Annotated

import strawberry

from gateway.context import Info, path_of, selected
from gateway.ids import decode_uuid
from gateway.live.hub import Topic, follow
from gateway.orders import member_clients as clients
from gateway.orders.linked import with_requests
from gateway.orders.member_types import MemberOrder, MemberPlacement


@strawberry.type
class OrdersSubscription:
    """Merged into the Subscription of `b2b`."""

    @strawberry.subscription(
        description="A placement whenever it goes on; with an id that one, first as it is now."
    )
    async def placement_changed(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only this; else all that the caller may see."),
        ] = None,
    ) -> AsyncGenerator[MemberPlacement, None]:
        only = decode_uuid(id, "Placement") if id is not None else None
        session, company = info.context.subscriber()
        read = partial(_find_placement, info)
        async with aclosing(
            follow(session, Topic.PLACEMENT, company, only, read=read, state=_state_of_placement)
        ) as changes:
            async for one in changes:
                yield one

    @strawberry.subscription(
        description="An order whenever it is placed or shipped; with a number that one, first as "
        "it is now."
    )
    async def order_changed(
        self,
        info: Info,
        number: Annotated[
            str | None,
            strawberry.argument(description="Only this; else all that the caller may see."),
        ] = None,
    ) -> AsyncGenerator[MemberOrder, None]:
        session, company = info.context.subscriber()
        read = partial(clients.find_order, info.context)
        async with aclosing(
            follow(session, Topic.ORDER, company, number, read=read, state=lambda one: one.version)
        ) as changes:
            async for one in changes:
                yield one


async def _find_placement(info: Info, placement_id: str) -> MemberPlacement | None:
    found = await clients.find_placement(info.context, placement_id)
    if found is not None:
        await with_requests(info.context, [found], selected(info), path_of(info))
    return found


def _state_of_placement(placement: MemberPlacement) -> Hashable:
    order = placement.order
    return placement.status, placement.request_key, order.version if order else None
