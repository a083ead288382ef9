"""From an open cart to an order.

What a person can mend (a problem of the kinds Invalid, Conflict and NotFound) comes back as
`errors` of the payload; anything else is an error of the request.
"""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from typing import Annotated

import strawberry

from gateway.catalog.clients import get_locale
from gateway.context import Info
from gateway.errors import UserError, told
from gateway.ids import decode_uuid
from gateway.orders import clients, inputs
from gateway.orders.types import Cart, Placement

_ERRORS = "What a person can mend; when there is any, nothing was changed."


@strawberry.type(description="The new cart and its secret.")
class OpenCartPayload:
    cart: Cart | None = strawberry.field(default=None, description="The cart.")
    secret: str | None = strawberry.field(
        default=None,
        description="Opens the cart, and the order that it becomes. Told only this once: keep it.",
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The cart as it is now.")
class AddCartLinesPayload:
    cart: Cart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The cart as it is now.")
class ChangeCartLinePayload:
    cart: Cart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The cart as it is now.")
class RemoveCartLinePayload:
    cart: Cart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The cart as it is now.")
class SetCartAddressPayload:
    cart: Cart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The cart as it is now.")
class SetCartDeliveryPayload:
    cart: Cart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="How the placing went.")
class PlaceOrderPayload:
    placement: Placement | None = strawberry.field(
        default=None, description="Where it stands; ask again by its id while it is PENDING."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type
class OrdersMutation:
    """Merged into Mutation."""

    @strawberry.field(description="Open a cart in the request's store and locale.")
    async def open_cart(
        self,
        info: Info,
        input: Annotated[
            inputs.OpenCartInput, strawberry.argument(description="What it begins with.")
        ],
    ) -> OpenCartPayload | None:
        body = {
            "store": info.context.store,
            "locale": await get_locale(info.context),
            "currency": input.currency,
            "lines": [line.to_wire() for line in input.lines],
        }
        opened, errors = await told(clients.open_cart(info.context, body))
        cart, secret = opened or (None, None)
        return OpenCartPayload(cart=cart, secret=secret, errors=errors)

    @strawberry.field(description="Put SKUs into a cart, all or nothing.")
    async def add_cart_lines(
        self,
        info: Info,
        input: Annotated[
            inputs.AddCartLinesInput, strawberry.argument(description="Which cart, and what.")
        ],
    ) -> AddCartLinesPayload | None:
        cart, errors = await told(_add_lines(info, input))
        return AddCartLinesPayload(cart=cart, errors=errors)

    @strawberry.field(description="Set a line's quantity.")
    async def change_cart_line(
        self,
        info: Info,
        input: Annotated[
            inputs.ChangeCartLineInput, strawberry.argument(description="Which line, how many.")
        ],
    ) -> ChangeCartLinePayload | None:
        cart, errors = await told(_change_line(info, input))
        return ChangeCartLinePayload(cart=cart, errors=errors)

    @strawberry.field(description="Take a line out of a cart.")
    async def remove_cart_line(
        self,
        info: Info,
        input: Annotated[
            inputs.RemoveCartLineInput, strawberry.argument(description="Which line.")
        ],
    ) -> RemoveCartLinePayload | None:
        cart, errors = await told(_remove_line(info, input))
        return RemoveCartLinePayload(cart=cart, errors=errors)

    @strawberry.field(description="Say who buys and where it goes.")
    async def set_cart_address(
        self,
        info: Info,
        input: Annotated[
            inputs.SetCartAddressInput, strawberry.argument(description="Who and where.")
        ],
    ) -> SetCartAddressPayload | None:
        cart, errors = await told(_set_address(info, input))
        return SetCartAddressPayload(cart=cart, errors=errors)

    @strawberry.field(description="Choose how it is brought.")
    async def set_cart_delivery(
        self,
        info: Info,
        input: Annotated[
            inputs.SetCartDeliveryInput, strawberry.argument(description="Which method.")
        ],
    ) -> SetCartDeliveryPayload | None:
        cart, errors = await told(_set_delivery(info, input))
        return SetCartDeliveryPayload(cart=cart, errors=errors)

    @strawberry.field(description="Order what is in the cart at the total that was shown.")
    async def place_order(
        self,
        info: Info,
        input: Annotated[
            inputs.PlaceOrderInput, strawberry.argument(description="What was agreed.")
        ],
    ) -> PlaceOrderPayload | None:
        placement, errors = await told(_place(info, input))
        return PlaceOrderPayload(placement=placement, errors=errors)


async def _add_lines(info: Info, input: inputs.AddCartLinesInput) -> Cart:
    return await clients.add_lines(
        info.context,
        decode_uuid(input.cart_id, "Cart", field="cart_id"),
        input.secret,
        lines=[line.to_wire() for line in input.lines],
        idempotency_key=input.idempotency_key,
    )


async def _change_line(info: Info, input: inputs.ChangeCartLineInput) -> Cart:
    cart_id = decode_uuid(input.cart_id, "Cart", field="cart_id")
    line_id = decode_uuid(input.line_id, "CartLine", field="line_id")
    return await clients.put_in_cart(
        info.context, cart_id, input.secret, f"lines/{line_id}", {"quantity": input.quantity}
    )


async def _remove_line(info: Info, input: inputs.RemoveCartLineInput) -> Cart:
    cart_id = decode_uuid(input.cart_id, "Cart", field="cart_id")
    line_id = decode_uuid(input.line_id, "CartLine", field="line_id")
    return await clients.remove_line(info.context, cart_id, input.secret, line_id)


async def _set_address(info: Info, input: inputs.SetCartAddressInput) -> Cart:
    cart_id = decode_uuid(input.cart_id, "Cart", field="cart_id")
    billing = input.billing_address
    body = {
        "email": input.email,
        "delivery_address": input.delivery_address.to_wire(),
        "billing_address": billing.to_wire() if billing else None,
    }
    return await clients.put_in_cart(info.context, cart_id, input.secret, "address", body)


async def _set_delivery(info: Info, input: inputs.SetCartDeliveryInput) -> Cart:
    cart_id = decode_uuid(input.cart_id, "Cart", field="cart_id")
    body = {"delivery_method": input.delivery_method}
    return await clients.put_in_cart(info.context, cart_id, input.secret, "delivery", body)


async def _place(info: Info, input: inputs.PlaceOrderInput) -> Placement:
    return await clients.place_order(
        info.context,
        decode_uuid(input.cart_id, "Cart", field="cart_id"),
        input.secret,
        body={
            "agreed_total": input.agreed_total.to_wire(),
            "payment": input.payment.to_wire(),
        },
        idempotency_key=input.idempotency_key,
    )
