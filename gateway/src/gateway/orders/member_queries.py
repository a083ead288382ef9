"""What a member can ask of carts, placing and orders."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from typing import Annotated

import strawberry

from gateway.catalog.queries import After, First, nodes_of
from gateway.connections import Connection, Place
from gateway.context import Info, path_of, selected
from gateway.ids import decode_uuid
from gateway.orders import member_clients as clients
from gateway.orders.linked import most_of, with_requests
from gateway.orders.member_types import (
    MemberCart,
    MemberOrder,
    MemberPlacement,
    MemberPlacementStatus,
)
from gateway.orders.queries import DeliveryQuery
from gateway.orders.types import OrderStatus


@strawberry.type
class MemberOrdersQuery(DeliveryQuery):
    """Merged into the Query of `b2b`."""

    @strawberry.field(description="A cart; null if it is not the caller's.")
    async def cart(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The cart's id.")],
    ) -> MemberCart | None:
        return await clients.find_cart(info.context, decode_uuid(id, "Cart"))

    @strawberry.field(description="The caller's open carts.")
    async def carts(
        self, info: Info, first: First = 20, after: After = None
    ) -> Connection[MemberCart] | None:
        place = Place.of(first, after)
        items, following = await clients.list_carts(info.context, place)
        return Connection[MemberCart].of(items, place, following)

    @strawberry.field(description="An order; null if the caller may see no such one.")
    async def order(
        self,
        info: Info,
        number: Annotated[str, strawberry.argument(description="The order's number.")],
    ) -> MemberOrder | None:
        return await clients.find_order(info.context, number)

    @strawberry.field(
        description="Orders: a buyer's own, an approver's units', an admin's whole company's."
    )
    async def orders(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        status: Annotated[
            OrderStatus | None, strawberry.argument(description="Only those that stand there.")
        ] = None,
    ) -> Connection[MemberOrder] | None:
        place = Place.of(first, after)
        items, following = await clients.list_orders(
            info.context, place, str(status.value) if status else None
        )
        return Connection[MemberOrder].of(items, place, following)

    @strawberry.field(description="How the placing of an order goes on; null if not found.")
    async def placement(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The placement's id.")],
    ) -> MemberPlacement | None:
        found = await clients.find_placement(info.context, decode_uuid(id, "Placement"))
        if found is not None:
            await with_requests(info.context, [found], selected(info), path_of(info))
        return found

    @strawberry.field(description="Placements that the caller may see.")
    async def placements(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
        status: Annotated[
            MemberPlacementStatus | None, strawberry.argument(description="Only those there.")
        ] = None,
    ) -> Connection[MemberPlacement] | None:
        nodes = nodes_of(selected(info))
        place = Place.of(first, after, most=most_of(nodes, "approvalRequest"))
        items, following = await clients.list_placements(
            info.context, place, str(status.value) if status else None
        )
        await with_requests(info.context, items, nodes, path_of(info))
        return Connection[MemberPlacement].of(items, place, following)
