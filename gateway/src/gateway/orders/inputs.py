"""What mutations of carts and orders take, and how it goes to orders."""

from typing import Any

import strawberry
from strawberry import ID

from gateway.scalars import DecimalText

_SECRET = "As `openCart` told it."  # noqa: S105 (a description)
_CART = "The cart's id."


@strawberry.input(description="A SKU and how many of it.")
class CartLineInput:
    sku: str = strawberry.field(description="Case-sensitive.")
    quantity: int = strawberry.field(description="How many, 1 to 1,000,000.")

    def to_wire(self) -> dict[str, Any]:
        return {"sku": self.sku, "quantity": self.quantity}


@strawberry.input(description="Where something goes, or who pays.")
class AddressInput:
    name: str = strawberry.field(description="Person or firm.")
    line1: str = strawberry.field(description="Street and number.")
    city: str = strawberry.field(description="Town.")
    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    company: str | None = strawberry.field(
        default=None, description="Firm, where the name is a person."
    )
    line2: str | None = strawberry.field(default=None, description="More of the street.")
    region: str | None = strawberry.field(default=None, description="County, state, province.")
    postal_code: str | None = strawberry.field(
        default=None, description="Where the country has one."
    )
    phone: str | None = strawberry.field(default=None, description="For the driver.")

    def to_wire(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "company": self.company,
            "line1": self.line1,
            "line2": self.line2,
            "city": self.city,
            "region": self.region,
            "postal_code": self.postal_code,
            "country": self.country,
            "phone": self.phone,
        }


@strawberry.input(description="An amount in a currency.")
class MoneyInput:
    amount: DecimalText = strawberry.field(description="With the currency's decimals.")
    currency: str = strawberry.field(description="ISO 4217 code.")

    def to_wire(self) -> dict[str, Any]:
        return {"amount": self.amount, "currency": self.currency}


@strawberry.input(description="How an order is paid.")
class PaymentInput:
    method: str = strawberry.field(description="The payment provider; `test` moves no money.")
    token: str = strawberry.field(
        description="What the provider gave; of `test`, tok_ok is paid and tok_declined refused."
    )

    def to_wire(self) -> dict[str, Any]:
        return {"method": self.method, "token": self.token}


@strawberry.input(description="Open a cart in the request's store and locale.")
class OpenCartInput:
    lines: list[CartLineInput] = strawberry.field(
        default_factory=list, description="What to put into it at once, maybe nothing."
    )
    currency: str | None = strawberry.field(
        default=None, description="One of the store's; its default if absent."
    )


@strawberry.input(description="Put SKUs into a cart; one that is in it already grows.")
class AddCartLinesInput:
    cart_id: ID = strawberry.field(description=_CART)
    secret: str = strawberry.field(description=_SECRET)
    lines: list[CartLineInput] = strawberry.field(description="What to add; all or nothing.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A name of your own for this one wish: sent again, it changes nothing more.",
    )


@strawberry.input(description="Set a line's quantity.")
class ChangeCartLineInput:
    cart_id: ID = strawberry.field(description=_CART)
    secret: str = strawberry.field(description=_SECRET)
    line_id: ID = strawberry.field(description="The line's id.")
    quantity: int = strawberry.field(description="How many from now on, 1 to 1,000,000.")


@strawberry.input(description="Take a line out.")
class RemoveCartLineInput:
    cart_id: ID = strawberry.field(description=_CART)
    secret: str = strawberry.field(description=_SECRET)
    line_id: ID = strawberry.field(description="The line's id.")


@strawberry.input(description="Say who buys and where it goes.")
class SetCartAddressInput:
    cart_id: ID = strawberry.field(description=_CART)
    secret: str = strawberry.field(description=_SECRET)
    email: str = strawberry.field(description="For news of the order.")
    delivery_address: AddressInput = strawberry.field(description="Where it goes.")
    billing_address: AddressInput | None = strawberry.field(
        default=None, description="Who pays, where that is another."
    )


@strawberry.input(description="Choose how it is brought.")
class SetCartDeliveryInput:
    cart_id: ID = strawberry.field(description=_CART)
    secret: str = strawberry.field(description=_SECRET)
    delivery_method: str = strawberry.field(
        description="Key of a method offered for the cart's store and country."
    )


@strawberry.input(description="Order what is in the cart at the total that was shown.")
class PlaceOrderInput:
    cart_id: ID = strawberry.field(description=_CART)
    secret: str = strawberry.field(description=_SECRET)
    agreed_total: MoneyInput = strawberry.field(
        description="The cart's `totals.total.gross` as the buyer saw it; another is refused."
    )
    payment: PaymentInput = strawberry.field(description="How it is paid.")
    idempotency_key: str = strawberry.field(
        description="A name of your own for this one wish: however often it is sent, "
        "there is one order."
    )
