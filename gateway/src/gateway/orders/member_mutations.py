"""From a member's open cart to an order, or to one that waits for approval.

What a person can mend (a problem of the kinds Invalid, Conflict and NotFound) comes back as
`errors` of the payload; anything else is an error of the request.
"""

# Strawberry types its decorator as Any where a description is given.
# mypy: disable-error-code="untyped-decorator"

from typing import Annotated, Any

import strawberry

from gateway.catalog.clients import get_locale
from gateway.context import Info, path_of, selected
from gateway.errors import UserError, told
from gateway.ids import decode_uuid
from gateway.orders import member_clients as clients
from gateway.orders import member_inputs as inputs
from gateway.orders.inputs import OpenCartInput
from gateway.orders.linked import with_requests
from gateway.orders.member_types import MemberCart, MemberPlacement, QuickOrderRefusal

_ERRORS = "What a person can mend; when there is any, nothing was changed."


@strawberry.type(name="OpenCartPayload", description="The new cart.")
class OpenPayload:
    cart: MemberCart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(name="AddCartLinesPayload", description="The cart as it is now.")
class AddLinesPayload:
    cart: MemberCart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="What came of a pasted list: the good lines are in the cart.")
class QuickOrderPayload:
    cart: MemberCart | None = strawberry.field(default=None, description="The cart.")
    taken: int = strawberry.field(default=0, description="How many lines were taken.")
    refused: list[QuickOrderRefusal] = strawberry.field(
        default_factory=list, description="Lines that were not, each with why."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(name="ChangeCartLinePayload", description="The cart as it is now.")
class ChangeLinePayload:
    cart: MemberCart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(name="RemoveCartLinePayload", description="The cart as it is now.")
class RemoveLinePayload:
    cart: MemberCart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(name="SetCartAddressPayload", description="The cart as it is now.")
class SetAddressPayload:
    cart: MemberCart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(name="SetCartDeliveryPayload", description="The cart as it is now.")
class SetDeliveryPayload:
    cart: MemberCart | None = strawberry.field(default=None, description="The cart.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(name="PlaceOrderPayload", description="How the placing went.")
class PlacePayload:
    placement: MemberPlacement | None = strawberry.field(
        default=None, description="Where it stands; `placementChanged` tells how it goes on."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="The placement as it is now.")
class CancelPlacementPayload:
    placement: MemberPlacement | None = strawberry.field(
        default=None, description="The placement; what it held is given back by and by."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type
class MemberOrdersMutation:
    """Merged into the Mutation of `b2b`."""

    @strawberry.field(description="Open a cart in the request's store and locale.")
    async def open_cart(
        self,
        info: Info,
        input: Annotated[OpenCartInput, strawberry.argument(description="What it begins with.")],
    ) -> OpenPayload | None:
        cart, errors = await told(_open(info, input))
        return OpenPayload(cart=cart, errors=errors)

    @strawberry.field(description="Put SKUs into a cart, all or nothing.")
    async def add_cart_lines(
        self,
        info: Info,
        input: Annotated[
            inputs.AddLinesInput, strawberry.argument(description="Which cart, and what.")
        ],
    ) -> AddLinesPayload | None:
        cart, errors = await told(_add_lines(info, input))
        return AddLinesPayload(cart=cart, errors=errors)

    @strawberry.field(description="Put a pasted list into a cart; bad lines are refused alone.")
    async def quick_order(
        self,
        info: Info,
        input: Annotated[
            inputs.QuickOrderInput, strawberry.argument(description="Which cart, and the list.")
        ],
    ) -> QuickOrderPayload | None:
        done, errors = await told(_quick_order(info, input))
        cart, taken, refused = done or (None, 0, [])
        return QuickOrderPayload(cart=cart, taken=taken, refused=refused, errors=errors)

    @strawberry.field(description="Set a line's quantity.")
    async def change_cart_line(
        self,
        info: Info,
        input: Annotated[
            inputs.ChangeLineInput, strawberry.argument(description="Which line, how many.")
        ],
    ) -> ChangeLinePayload | None:
        cart, errors = await told(_change_line(info, input))
        return ChangeLinePayload(cart=cart, errors=errors)

    @strawberry.field(description="Take a line out of a cart.")
    async def remove_cart_line(
        self,
        info: Info,
        input: Annotated[inputs.RemoveLineInput, strawberry.argument(description="Which line.")],
    ) -> RemoveLinePayload | None:
        cart, errors = await told(_remove_line(info, input))
        return RemoveLinePayload(cart=cart, errors=errors)

    @strawberry.field(description="Say where it goes.")
    async def set_cart_address(
        self,
        info: Info,
        input: Annotated[inputs.SetAddressInput, strawberry.argument(description="Where.")],
    ) -> SetAddressPayload | None:
        cart, errors = await told(_put(info, input.cart_id, "address", input.to_wire()))
        return SetAddressPayload(cart=cart, errors=errors)

    @strawberry.field(description="Choose how it is brought.")
    async def set_cart_delivery(
        self,
        info: Info,
        input: Annotated[inputs.SetDeliveryInput, strawberry.argument(description="Which way.")],
    ) -> SetDeliveryPayload | None:
        body = {"delivery_method": input.delivery_method}
        cart, errors = await told(_put(info, input.cart_id, "delivery", body))
        return SetDeliveryPayload(cart=cart, errors=errors)

    @strawberry.field(description="Order what is in the cart at the total that was shown.")
    async def place_order(
        self,
        info: Info,
        input: Annotated[inputs.PlaceInput, strawberry.argument(description="What was agreed.")],
    ) -> PlacePayload | None:
        placement, errors = await told(_place(info, input))
        return PlacePayload(placement=placement, errors=errors)

    @strawberry.field(description="Take an order back that is not placed yet.")
    async def cancel_placement(
        self,
        info: Info,
        input: Annotated[
            inputs.CancelPlacementInput, strawberry.argument(description="Which one.")
        ],
    ) -> CancelPlacementPayload | None:
        placement, errors = await told(_cancel(info, input))
        return CancelPlacementPayload(placement=placement, errors=errors)


async def _open(info: Info, input: OpenCartInput) -> MemberCart:
    body = {
        "store": info.context.store,
        "locale": await get_locale(info.context),
        "currency": input.currency,
        "lines": [line.to_wire() for line in input.lines],
    }
    return await clients.open_cart(info.context, body)


async def _add_lines(info: Info, input: inputs.AddLinesInput) -> MemberCart:
    return await clients.add_lines(
        info.context,
        decode_uuid(input.cart_id, "Cart", field="cart_id"),
        [line.to_wire() for line in input.lines],
        idempotency_key=input.idempotency_key,
    )


async def _quick_order(
    info: Info, input: inputs.QuickOrderInput
) -> tuple[MemberCart, int, list[QuickOrderRefusal]]:
    return await clients.quick_order(
        info.context,
        decode_uuid(input.cart_id, "Cart", field="cart_id"),
        input.text,
        idempotency_key=input.idempotency_key,
    )


async def _change_line(info: Info, input: inputs.ChangeLineInput) -> MemberCart:
    line_id = decode_uuid(input.line_id, "CartLine", field="line_id")
    return await _put(info, input.cart_id, f"lines/{line_id}", {"quantity": input.quantity})


async def _remove_line(info: Info, input: inputs.RemoveLineInput) -> MemberCart:
    cart_id = decode_uuid(input.cart_id, "Cart", field="cart_id")
    line_id = decode_uuid(input.line_id, "CartLine", field="line_id")
    return await clients.remove_line(info.context, cart_id, line_id)


async def _put(info: Info, cart_id: str, what: str, body: dict[str, Any]) -> MemberCart:
    cart = decode_uuid(cart_id, "Cart", field="cart_id")
    return await clients.put_in_cart(info.context, cart, what, body)


async def _place(info: Info, input: inputs.PlaceInput) -> MemberPlacement:
    placement = await clients.place_order(
        info.context,
        decode_uuid(input.cart_id, "Cart", field="cart_id"),
        input.to_wire(),
        idempotency_key=input.idempotency_key,
    )
    return await _shown(info, placement)


async def _cancel(info: Info, input: inputs.CancelPlacementInput) -> MemberPlacement:
    placement_id = decode_uuid(input.id, "Placement")
    return await _shown(info, await clients.cancel_placement(info.context, placement_id))


async def _shown(info: Info, placement: MemberPlacement) -> MemberPlacement:
    below = selected(info).within("placement")
    await with_requests(info.context, [placement], below, path_of(info))
    return placement
