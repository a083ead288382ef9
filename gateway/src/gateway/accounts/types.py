"""Companies, units, members and credit."""

from enum import Enum
from typing import Any, Self

import strawberry

from contracts.buyers import TokenBuyer
from gateway.ids import encode_id
from gateway.pricing.types import Money
from gateway.scalars import DateTimeText


@strawberry.enum(description="What a member does in their company.")
class Role(Enum):
    BUYER = strawberry.enum_value("buyer", description="Buys.")
    APPROVER = strawberry.enum_value(
        "approver", description="Decides on requests of their unit and of those below it."
    )
    ADMIN = strawberry.enum_value(
        "admin", description="Keeps the company's members and reads all its orders."
    )


@strawberry.type(description="The member who did or asked something, and for whom they act.")
class Buyer:
    member_id: strawberry.ID = strawberry.field(description="As `id` of a member.")
    company: str = strawberry.field(description="Key of the company.")
    unit: str = strawberry.field(description="Key of the unit.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            member_id=encode_id("Member", wire["member_id"]),
            company=wire["company"],
            unit=wire["unit"],
        )

    @classmethod
    def from_wire_or_none(cls, wire: Any) -> Self | None:
        return None if wire is None else cls.from_wire(wire)


@strawberry.type(description="Whom somebody who signed in acts for.")
class SignedInBuyer(Buyer):
    roles: list[Role] = strawberry.field(description="What they do there.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            member_id=encode_id("Member", wire["member_id"]),
            company=wire["company"],
            unit=wire["unit"],
            roles=[Role(role) for role in wire["roles"]],
        )


@strawberry.type(description="A company that buys.")
class Company:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    key: str = strawberry.field(description="The merchant's name for it.")
    name: str = strawberry.field(description="Its name.")
    country: str = strawberry.field(description="Where it is at home, ISO 3166-1 alpha-2.")
    currency: str = strawberry.field(description="That it trades in, ISO 4217.")
    vat_id: str | None = strawberry.field(description="VAT identification number.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            id=encode_id("Company", wire["key"]),
            key=wire["key"],
            name=wire["name"],
            country=wire["country"],
            currency=wire["currency"],
            vat_id=wire.get("vat_id"),
        )


@strawberry.type(description="A part of a company: a shop, a department.")
class Unit:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    key: str = strawberry.field(description="The merchant's name for it.")
    name: str = strawberry.field(description="Its name.")
    parent: str | None = strawberry.field(description="Key of the unit above it; null: the root.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            id=encode_id("Unit", wire["key"]),
            key=wire["key"],
            name=wire["name"],
            parent=wire.get("parent"),
        )


@strawberry.type(description="Where credit stands: available = limit - held - used.")
class Balance:
    limit: Money = strawberry.field(description="How much there is in all.")
    held: Money = strawberry.field(description="Held for orders that are not placed yet.")
    used: Money = strawberry.field(description="Used by orders that were placed.")
    available: Money = strawberry.field(
        description="What is left; negative where more was allowed."
    )

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            limit=Money.from_wire(wire["limit"]),
            held=Money.from_wire(wire["held"]),
            used=Money.from_wire(wire["used"]),
            available=Money.from_wire(wire["available"]),
        )


@strawberry.type(description="A company's credit under the agreement in force.")
class Credit:
    agreement: str | None = strawberry.field(
        description="Key of the agreement; null: none, so no credit."
    )
    payment_days: int | None = strawberry.field(description="Days until an invoice is due.")
    requires_purchase_order: bool = strawberry.field(
        description="Whether an order needs the company's purchase order number."
    )
    balance: Balance = strawberry.field(description="Where it stands.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            agreement=wire.get("agreement"),
            payment_days=wire.get("payment_days"),
            requires_purchase_order=wire.get("requires_purchase_order", False),
            balance=Balance.from_wire(wire["balance"]),
        )


@strawberry.type(description="The member who asks.")
class Me:
    member_id: strawberry.ID = strawberry.field(description="As `id` of a member.")
    roles: list[Role] = strawberry.field(description="What they do, as when they signed in.")
    company: Company = strawberry.field(description="Their company.")
    unit: Unit | None = strawberry.field(
        default=None, description="The unit they act for; null while it cannot be had."
    )
    credit: Credit | None = strawberry.field(
        default=None, description="The company's; null while it cannot be had."
    )

    @classmethod
    def from_wire(cls, buyer: TokenBuyer, company: Any, unit: Any, credit: Any) -> Self:
        return cls(
            member_id=encode_id("Member", str(buyer.member_id)),
            roles=[Role(role.value) for role in buyer.roles],
            company=Company.from_wire(company),
            unit=Unit.from_wire(unit) if unit else None,
            credit=Credit.from_wire(credit) if credit else None,
        )


@strawberry.type(description="A person who acts for a unit of a company.")
class Member:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    key: str = strawberry.field(description="The merchant's name for them.")
    email: str = strawberry.field(description="What they sign in with.")
    name: str = strawberry.field(description="Their name.")
    unit: str = strawberry.field(description="Key of the unit they act for.")
    roles: list[Role] = strawberry.field(description="What they do.")
    order_limit: Money | None = strawberry.field(
        description="Up to this they place an order alone; null: no limit."
    )
    is_active: bool = strawberry.field(description="Whether they have access.")
    has_password: bool = strawberry.field(description="Whether they can sign in.")
    updated_at: DateTimeText = strawberry.field(description="When they changed last.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        limit = wire.get("order_limit")
        return cls(
            id=encode_id("Member", wire["id"]),
            key=wire["key"],
            email=wire["email"],
            name=wire["name"],
            unit=wire["unit"],
            roles=[Role(role) for role in wire["roles"]],
            order_limit=Money.from_wire(limit) if limit else None,
            is_active=wire["is_active"],
            has_password=wire["has_password"],
            updated_at=wire["updated_at"],
        )
