"""What mutations of members' carts and orders take, and how it goes to orders."""

from typing import Any

import strawberry
from strawberry import ID

from contracts.problems import Invalid
from gateway.orders.inputs import AddressInput, CartLineInput, MoneyInput

_CART = "The cart's id."
_KEY = "A name of your own for this one wish: sent again, it changes nothing more."


class PaymentNotChosen(Invalid):
    """`terms: false` says how it is not paid."""

    def __init__(self) -> None:
        super().__init__("Say `terms: true`, or another payment.", field="/payment/terms")


@strawberry.input(name="AddCartLinesInput", description="Put SKUs into a cart; those in it grow.")
class AddLinesInput:
    cart_id: ID = strawberry.field(description=_CART)
    lines: list[CartLineInput] = strawberry.field(description="What to add; all or nothing.")
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Put a pasted list into a cart.")
class QuickOrderInput:
    cart_id: ID = strawberry.field(description=_CART)
    text: str = strawberry.field(
        description="A SKU and a quantity a line, parted by tab, comma, semicolon or spaces; 500 "
        "lines at most. A line without a quantity is for one piece."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(name="ChangeCartLineInput", description="Set a line's quantity.")
class ChangeLineInput:
    cart_id: ID = strawberry.field(description=_CART)
    line_id: ID = strawberry.field(description="The line's id.")
    quantity: int = strawberry.field(description="How many from now on, 1 to 1,000,000.")


@strawberry.input(name="RemoveCartLineInput", description="Take a line out.")
class RemoveLineInput:
    cart_id: ID = strawberry.field(description=_CART)
    line_id: ID = strawberry.field(description="The line's id.")


@strawberry.input(name="SetCartAddressInput", description="Say where it goes.")
class SetAddressInput:
    cart_id: ID = strawberry.field(description=_CART)
    email: str = strawberry.field(description="For news of the order.")
    delivery_address: AddressInput = strawberry.field(description="Where it goes.")
    billing_address: AddressInput | None = strawberry.field(
        default=None, description="Who pays, where that is another."
    )

    def to_wire(self) -> dict[str, Any]:
        billing = self.billing_address
        return {
            "email": self.email,
            "delivery_address": self.delivery_address.to_wire(),
            "billing_address": billing.to_wire() if billing else None,
        }


@strawberry.input(name="SetCartDeliveryInput", description="Choose how it is brought.")
class SetDeliveryInput:
    cart_id: ID = strawberry.field(description=_CART)
    delivery_method: str = strawberry.field(
        description="Key of a method offered for the cart's store and country."
    )


@strawberry.input(description="A payment that moves no money, for demos and tests.")
class TestPaymentInput:
    token: str = strawberry.field(
        description="The test card; tok_ok is paid and tok_declined refused."
    )


@strawberry.input(name="PaymentInput", one_of=True, description="How an order is paid.")
class MemberPaymentInput:
    terms: strawberry.Maybe[bool] = strawberry.field(
        description="`true`: on the terms of the company's agreement, by invoice."
    )
    test: strawberry.Maybe[TestPaymentInput] = strawberry.field(description="At once, for tests.")

    def to_wire(self) -> dict[str, Any]:
        """As orders takes it. Raises PaymentNotChosen."""
        if self.test:
            return {"method": "test", "token": self.test.value.token}
        if self.terms and self.terms.value:
            return {"method": "terms"}
        raise PaymentNotChosen


@strawberry.input(name="PlaceOrderInput", description="Order what is in the cart.")
class PlaceInput:
    cart_id: ID = strawberry.field(description=_CART)
    agreed_total: MoneyInput = strawberry.field(
        description="The cart's `totals.total.gross` as the buyer saw it; another is refused."
    )
    payment: MemberPaymentInput = strawberry.field(description="How it is paid.")
    idempotency_key: str = strawberry.field(
        description="A name of your own for this one wish: however often it is sent, "
        "there is one order."
    )
    purchase_order_number: str | None = strawberry.field(
        default=None,
        description="The company's own number for it; needed where its agreement says so.",
    )

    def to_wire(self) -> dict[str, Any]:
        return {
            "agreed_total": self.agreed_total.to_wire(),
            "payment": self.payment.to_wire(),
            "purchase_order_number": self.purchase_order_number,
        }


@strawberry.input(description="Take an order back that is not placed yet.")
class CancelPlacementInput:
    id: ID = strawberry.field(description="The placement's id.")
