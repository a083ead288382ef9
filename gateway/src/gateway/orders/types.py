"""Delivery methods, carts, placing and orders."""

from enum import Enum
from typing import Any, Self

import strawberry

from contracts.text import in_locale
from gateway.errors import UserError
from gateway.ids import encode_id
from gateway.pricing.types import Money, TaxedAmount, TaxTotal
from gateway.scalars import DateTimeText


@strawberry.enum(description="Where a cart stands.")
class CartStatus(Enum):
    OPEN = strawberry.enum_value("open", description="It can be changed and ordered.")
    PLACING = strawberry.enum_value("placing", description="It is being ordered.")
    ORDERED = strawberry.enum_value("ordered", description="It became an order.")


@strawberry.enum(description="Where the placing of an order stands.")
class PlacementStatus(Enum):
    PENDING = strawberry.enum_value("pending", description="Going on; ask again with its id.")
    PLACED = strawberry.enum_value("placed", description="The order stands.")
    REFUSED = strawberry.enum_value("refused", description="Fully undone; `problem` says why.")


@strawberry.enum(description="Where an order stands.")
class OrderStatus(Enum):
    PLACED = strawberry.enum_value("placed", description="Agreed on by both sides.")
    PARTIALLY_SHIPPED = strawberry.enum_value(
        "partially_shipped", description="Some of it is on its way."
    )
    SHIPPED = strawberry.enum_value("shipped", description="All of it is on its way.")


@strawberry.enum(description="Where a payment stands.")
class PaymentStatus(Enum):
    AUTHORISED = strawberry.enum_value("authorised", description="The provider has agreed to it.")
    CAPTURED = strawberry.enum_value("captured", description="Some of it was taken, or all.")
    REFUNDED = strawberry.enum_value("refunded", description="All that was taken was given back.")


@strawberry.type(description="A way to have an order brought.")
class DeliveryMethod:
    key: str = strawberry.field(description="Choose it by this.")
    name: str = strawberry.field(description="In the request's locale.")
    description: str | None = strawberry.field(description="More of it.")
    countries: list[str] = strawberry.field(description="Where it goes, ISO 3166-1 alpha-2.")
    price: Money = strawberry.field(description="For one order.")
    is_tax_included: bool = strawberry.field(description="Whether the price has tax in it.")

    @classmethod
    def from_wire(cls, wire: Any, *, locale: str) -> Self:
        return cls(
            key=wire["key"],
            name=in_locale(wire["name"], locale) or wire["key"],
            description=in_locale(wire["description"], locale),
            countries=wire["countries"],
            price=Money.from_wire(wire["price"]),
            is_tax_included=wire["is_tax_included"],
        )


@strawberry.type(description="Where something goes, or who pays.")
class Address:
    name: str = strawberry.field(description="Person or firm.")
    company: str | None = strawberry.field(description="Firm, where the name is a person.")
    line1: str = strawberry.field(description="Street and number.")
    line2: str | None = strawberry.field(description="More of it.")
    city: str = strawberry.field(description="Town.")
    region: str | None = strawberry.field(description="County, state, province.")
    postal_code: str | None = strawberry.field(description="Where the country has one.")
    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    phone: str | None = strawberry.field(description="For the driver.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            name=wire["name"],
            company=wire.get("company"),
            line1=wire["line1"],
            line2=wire.get("line2"),
            city=wire["city"],
            region=wire.get("region"),
            postal_code=wire.get("postal_code"),
            country=wire["country"],
            phone=wire.get("phone"),
        )

    @classmethod
    def from_wire_or_none(cls, wire: Any) -> Self | None:
        return None if wire is None else cls.from_wire(wire)


@strawberry.type(description="Why a cart cannot be ordered as it is.")
class CartProblem:
    code: str = strawberry.field(
        description="sku-not-orderable, no-price, not-enough-stock, cart-empty, "
        "address-missing, delivery-missing or delivery-not-offered."
    )
    message: str = strawberry.field(description="What is wrong and what would do.")
    line_id: strawberry.ID | None = strawberry.field(description="The line it is about.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        line = wire.get("line_id")
        return cls(
            code=wire["code"],
            message=wire["message"],
            line_id=encode_id("CartLine", line) if line else None,
        )


@strawberry.type(description="A line of a cart, priced now.")
class CartLine:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    sku: str = strawberry.field(description="The SKU.")
    product_key: str | None = strawberry.field(description="The product it belongs to.")
    name: str | None = strawberry.field(description="The product's name in the cart's locale.")
    quantity: int = strawberry.field(description="How many.")
    unit_price: Money | None = strawberry.field(
        description="Of one piece, as the store shows prices; null without a price."
    )
    total: TaxedAmount | None = strawberry.field(description="Of the line.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        unit_price, total = wire.get("unit_price"), wire.get("total")
        return cls(
            id=encode_id("CartLine", wire["id"]),
            sku=wire["sku"],
            product_key=wire.get("product_key"),
            name=wire.get("name"),
            quantity=wire["quantity"],
            unit_price=Money.from_wire(unit_price) if unit_price else None,
            total=TaxedAmount.from_wire(total) if total else None,
        )


@strawberry.type(description="How an order is brought, and what that costs.")
class ChosenDelivery:
    delivery_method: str = strawberry.field(description="Key of the method.")
    name: str = strawberry.field(description="In the cart's locale.")
    total: TaxedAmount = strawberry.field(description="What it costs.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            delivery_method=wire["delivery_method"],
            name=wire["name"],
            total=TaxedAmount.from_wire(wire["total"]),
        )


@strawberry.type(description="What everything costs: items + delivery = total.")
class Totals:
    items: TaxedAmount = strawberry.field(description="All lines.")
    delivery: TaxedAmount = strawberry.field(description="Delivery; zero until it is chosen.")
    total: TaxedAmount = strawberry.field(description="All of it; its gross is what is charged.")
    taxes: list[TaxTotal] = strawberry.field(description="The tax by rate.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            items=TaxedAmount.from_wire(wire["items"]),
            delivery=TaxedAmount.from_wire(wire["delivery"]),
            total=TaxedAmount.from_wire(wire["total"]),
            taxes=[TaxTotal.from_wire(one) for one in wire["taxes"]],
        )


@strawberry.type(description="A cart, priced now.")
class Cart:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    version: int = strawberry.field(description="Grows by one with every change.")
    status: CartStatus = strawberry.field(description="Where it stands.")
    store: str = strawberry.field(description="Key of the store.")
    currency: str = strawberry.field(description="Of all amounts, ISO 4217.")
    country: str = strawberry.field(description="Where it goes, for tax; ISO 3166-1 alpha-2.")
    locale: str = strawberry.field(description="Of the names, BCP 47.")
    lines: list[CartLine] = strawberry.field(description="In the order they were put in.")
    email: str | None = strawberry.field(description="For news of the order.")
    delivery_address: Address | None = strawberry.field(description="Where it goes.")
    billing_address: Address | None = strawberry.field(
        description="Who pays, where that is another."
    )
    delivery: ChosenDelivery | None = strawberry.field(description="How it is brought.")
    totals: Totals = strawberry.field(description="What everything costs.")
    problems: list[CartProblem] = strawberry.field(
        description="Why it cannot be ordered yet; empty when it can."
    )
    order_number: str | None = strawberry.field(description="Of the order it became.")
    updated_at: DateTimeText = strawberry.field(description="When it changed last.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        delivery = wire.get("delivery")
        return cls(
            id=encode_id("Cart", wire["id"]),
            version=wire["version"],
            status=CartStatus(wire["status"]),
            store=wire["store"],
            currency=wire["currency"],
            country=wire["country"],
            locale=wire["locale"],
            lines=[CartLine.from_wire(one) for one in wire["lines"]],
            email=wire.get("email"),
            delivery_address=Address.from_wire_or_none(wire.get("delivery_address")),
            billing_address=Address.from_wire_or_none(wire.get("billing_address")),
            delivery=ChosenDelivery.from_wire(delivery) if delivery else None,
            totals=Totals.from_wire(wire["totals"]),
            problems=[CartProblem.from_wire(one) for one in wire["problems"]],
            order_number=wire.get("order_number"),
            updated_at=wire["updated_at"],
        )


@strawberry.type(description="A line of an order, as it was when it was placed.")
class OrderLine:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    sku: str = strawberry.field(description="The SKU.")
    product_key: str | None = strawberry.field(description="The product it belongs to.")
    name: str = strawberry.field(description="The product's name in the order's locale.")
    quantity: int = strawberry.field(description="How many.")
    unit_price: Money = strawberry.field(description="Of one piece, as the store shows prices.")
    total: TaxedAmount = strawberry.field(description="Of the line.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            id=encode_id("OrderLine", wire["id"]),
            sku=wire["sku"],
            product_key=wire.get("product_key"),
            name=wire["name"],
            quantity=wire["quantity"],
            unit_price=Money.from_wire(wire["unit_price"]),
            total=TaxedAmount.from_wire(wire["total"]),
        )


@strawberry.type(description="How an order is paid.")
class Payment:
    method: str = strawberry.field(description="The payment provider.")
    status: PaymentStatus = strawberry.field(description="Where it stands.")
    amount: Money = strawberry.field(description="How much was authorised.")
    captured: Money = strawberry.field(description="How much of it was taken.")
    refunded: Money = strawberry.field(description="How much of that was given back.")
    reference: str = strawberry.field(description="The provider's name for it.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            method=wire["method"],
            status=PaymentStatus(wire["status"]),
            amount=Money.from_wire(wire["amount"]),
            captured=Money.from_wire(wire["captured"]),
            refunded=Money.from_wire(wire["refunded"]),
            reference=wire["reference"],
        )


@strawberry.type(description="An order, as it was placed and where it stands.")
class Order:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    number: str = strawberry.field(description="For people.")
    version: int = strawberry.field(description="Grows by one with every change.")
    status: OrderStatus = strawberry.field(description="Where it stands.")
    store: str = strawberry.field(description="Key of the store.")
    currency: str = strawberry.field(description="Of all amounts, ISO 4217.")
    country: str = strawberry.field(description="Where it goes, ISO 3166-1 alpha-2.")
    locale: str = strawberry.field(description="Of the names, BCP 47.")
    lines: list[OrderLine] = strawberry.field(description="In the cart's order.")
    email: str = strawberry.field(description="For news of the order.")
    delivery_address: Address = strawberry.field(description="Where it goes.")
    billing_address: Address = strawberry.field(description="Who pays.")
    delivery: ChosenDelivery = strawberry.field(description="How it is brought.")
    payment: Payment = strawberry.field(description="How it is paid.")
    totals: Totals = strawberry.field(description="What everything costs.")
    placed_at: DateTimeText = strawberry.field(description="When it was placed.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            **order_facts(wire),
            lines=[OrderLine.from_wire(one) for one in wire["lines"]],
            payment=Payment.from_wire(wire["payment"]),
        )


def order_facts(wire: Any) -> dict[str, Any]:
    """What is told alike of every order, as an Order's fields."""
    return {
        "id": encode_id("Order", wire["id"]),
        "number": wire["number"],
        "version": wire["version"],
        "status": OrderStatus(wire["status"]),
        "store": wire["store"],
        "currency": wire["currency"],
        "country": wire["country"],
        "locale": wire["locale"],
        "email": wire["email"],
        "delivery_address": Address.from_wire(wire["delivery_address"]),
        "billing_address": Address.from_wire(wire["billing_address"]),
        "delivery": ChosenDelivery.from_wire(wire["delivery"]),
        "totals": Totals.from_wire(wire["totals"]),
        "placed_at": wire["placed_at"],
    }


@strawberry.type(description="The placing of an order: it ends placed, or fully undone.")
class Placement:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    status: PlacementStatus = strawberry.field(description="Where it stands.")
    order: Order | None = strawberry.field(description="The order, once placed.")
    problem: UserError | None = strawberry.field(description="Why it was refused.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        order, problem = wire.get("order"), wire.get("problem")
        return cls(
            id=encode_id("Placement", wire["id"]),
            status=PlacementStatus(wire["status"]),
            order=Order.from_wire(order) if order else None,
            problem=UserError(code=problem["code"], message=problem["detail"], field=None)
            if problem
            else None,
        )
