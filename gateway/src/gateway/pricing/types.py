"""Money, taxes and the price of a SKU."""

from typing import Any, Self

import strawberry

from gateway.scalars import DecimalText


@strawberry.type(description="An amount in a currency.")
class Money:
    amount: DecimalText = strawberry.field(
        description="With the currency's decimals; the price of one piece may have up to six."
    )
    currency: str = strawberry.field(description="ISO 4217 code.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(amount=wire["amount"], currency=wire["currency"])


@strawberry.type(description="What one piece of a variant costs a buyer of the store, now.")
class Price:
    unit_price: Money = strawberry.field(description="Of one piece.")
    is_tax_included: bool = strawberry.field(description="Whether it has tax in it.")
    tax_rate: DecimalText | None = strawberry.field(description='As a fraction: "0.2" is 20 %.')

    @classmethod
    def from_wire(cls, wire: Any) -> Self | None:
        """A priced line of one piece; None for a SKU without a price."""
        if wire["unit_price"] is None:
            return None
        return cls(
            unit_price=Money.from_wire(wire["unit_price"]),
            is_tax_included=wire["is_tax_included"],
            tax_rate=wire.get("tax_rate"),
        )


@strawberry.type(description="From this many pieces on, each costs this.")
class PriceTier:
    min_quantity: int = strawberry.field(description="The smallest quantity it holds for.")
    unit_price: Money = strawberry.field(description="Of one piece.")


@strawberry.type(description="How many of a variant are sold at once.")
class QuantityRule:
    minimum: int = strawberry.field(description="The smallest quantity.")
    maximum: int | None = strawberry.field(description="The largest; null: none.")
    multiple: int = strawberry.field(description="The quantity must be a multiple of this.")

    @classmethod
    def from_wire_or_none(cls, wire: Any) -> Self | None:
        if wire is None:
            return None
        return cls(minimum=wire["minimum"], maximum=wire["maximum"], multiple=wire["multiple"])


@strawberry.type(name="Price", description="What a variant costs the buyer, now.")
class MemberPrice(Price):
    tiers: list[PriceTier] = strawberry.field(
        description="What one piece costs by quantity, rising; with tax as `isTaxIncluded` says."
    )
    rule: strawberry.Private[QuantityRule | None]

    @classmethod
    def from_wire(cls, wire: Any) -> Self | None:
        """A priced line of one piece, with the rule that one piece breaks."""
        if wire["unit_price"] is None:
            return None
        currency = wire["unit_price"]["currency"]
        return cls(
            unit_price=Money.from_wire(wire["unit_price"]),
            is_tax_included=wire["is_tax_included"],
            tax_rate=wire.get("tax_rate"),
            tiers=[
                PriceTier(
                    min_quantity=one["min_quantity"],
                    unit_price=Money(amount=one["amount"], currency=currency),
                )
                for one in wire.get("tiers") or ()
            ],
            rule=QuantityRule.from_wire_or_none(wire.get("quantity_problem")),
        )


@strawberry.type(description="A sum without tax, its tax, and both together.")
class TaxedAmount:
    net: Money = strawberry.field(description="Without tax.")
    tax: Money = strawberry.field(description="The tax.")
    gross: Money = strawberry.field(description="With tax.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            net=Money.from_wire(wire["net"]),
            tax=Money.from_wire(wire["tax"]),
            gross=Money.from_wire(wire["gross"]),
        )


@strawberry.type(description="The tax of one rate.")
class TaxTotal:
    rate: DecimalText = strawberry.field(description='As a fraction: "0.2" is 20 %.')
    name: str = strawberry.field(description="As printed on an invoice.")
    amount: TaxedAmount = strawberry.field(description="Of everything with that rate.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            rate=wire["rate"], name=wire["name"], amount=TaxedAmount.from_wire(wire["amount"])
        )
