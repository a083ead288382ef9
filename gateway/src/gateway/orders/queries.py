"""What can be asked of delivery, a cart and an order."""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from typing import Annotated

import strawberry

from gateway.catalog.clients import get_locale
from gateway.context import Info
from gateway.ids import decode_uuid
from gateway.orders import clients
from gateway.orders.types import Cart, DeliveryMethod, Order, Placement

Secret = Annotated[
    str, strawberry.argument(description="As `openCart` told it; another finds nothing.")
]


@strawberry.type
class DeliveryQuery:
    """What is asked alike in all schemas."""

    @strawberry.field(description="Ways to have an order brought, as the store offers them.")
    async def delivery_methods(
        self,
        info: Info,
        country: Annotated[
            str | None,
            strawberry.argument(description="Only those that go there; ISO 3166-1 alpha-2."),
        ] = None,
    ) -> list[DeliveryMethod] | None:
        locale = await get_locale(info.context)
        return await clients.list_delivery_methods(info.context, country=country, locale=locale)


@strawberry.type
class OrdersQuery(DeliveryQuery):
    """Merged into Query."""

    @strawberry.field(description="A cart; null if the secret does not open one of that id.")
    async def cart(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The cart's id.")],
        secret: Secret,
    ) -> Cart | None:
        return await clients.find_cart(info.context, decode_uuid(id, "Cart"), secret)

    @strawberry.field(description="An order; null if the secret does not open one of that number.")
    async def order(
        self,
        info: Info,
        number: Annotated[str, strawberry.argument(description="The order's number.")],
        secret: Secret,
    ) -> Order | None:
        return await clients.find_order(info.context, number, secret)

    @strawberry.field(description="How the placing of an order goes on; null if not found.")
    async def placement(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The placement's id.")],
        secret: Secret,
    ) -> Placement | None:
        return await clients.find_placement(info.context, decode_uuid(id, "Placement"), secret)
