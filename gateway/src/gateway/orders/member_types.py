"""Carts, placing and orders of members: who they are for, terms, approval and shipments."""

from enum import Enum
from typing import Any, Self

import strawberry

from gateway.accounts.types import Buyer
from gateway.approvals.types import ApprovalRequest
from gateway.errors import UserError
from gateway.ids import encode_id
from gateway.orders.types import Cart, Order, OrderLine, Payment, order_facts
from gateway.pricing.types import TaxedAmount
from gateway.scalars import DateTimeText


@strawberry.enum(name="PlacementStatus", description="Where the placing of an order stands.")
class MemberPlacementStatus(Enum):
    PENDING = strawberry.enum_value("pending", description="It goes on by itself.")
    AWAITING_APPROVAL = strawberry.enum_value("awaiting_approval", description="A person decides.")
    PLACED = strawberry.enum_value("placed", description="The order stands.")
    REFUSED = strawberry.enum_value("refused", description="Fully undone; `problem` says why.")


@strawberry.type(name="Cart", description="A cart, priced now.")
class MemberCart(Cart):
    buyer: Buyer | None = strawberry.field(description="The member whose cart it is.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        facts = vars(Cart.from_wire(wire))
        return cls(**facts, buyer=Buyer.from_wire_or_none(wire.get("buyer")))


@strawberry.type(description="A line of a pasted list that was not taken.")
class QuickOrderRefusal:
    line: int = strawberry.field(description="Its number in the text; the first is 1.")
    text: str = strawberry.field(description="The line, its first 200 characters.")
    code: str = strawberry.field(
        description="line-unreadable, quantity-unreadable, sku-not-orderable, no-price, "
        "below-minimum, above-maximum, off-multiple or quantity-too-large."
    )
    message: str = strawberry.field(description="What is wrong and what would do.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(line=wire["line"], text=wire["text"], code=wire["code"], message=wire["message"])


@strawberry.type(name="OrderLine", description="A line of an order, as it was placed.")
class MemberOrderLine(OrderLine):
    shipped: int = strawberry.field(description="How many of them are on their way.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(**vars(OrderLine.from_wire(wire)), shipped=wire.get("shipped", 0))


@strawberry.type(description="The terms that an order is paid on.")
class OrderTerms:
    agreement: str = strawberry.field(description="Key of the agreement.")
    payment_days: int = strawberry.field(description="Days until its invoice is due.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(agreement=wire["agreement"], payment_days=wire["payment_days"])


@strawberry.type(description="How many pieces of a SKU are in a parcel.")
class ShipmentLine:
    sku: str = strawberry.field(description="The SKU.")
    quantity: int = strawberry.field(description="How many of it.")


@strawberry.type(description="A parcel of an order.")
class Shipment:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    lines: list[ShipmentLine] = strawberry.field(description="What is in it.")
    carrier: str | None = strawberry.field(description="Who carries it.")
    tracking_number: str | None = strawberry.field(description="The carrier's number for it.")
    shipped_at: DateTimeText = strawberry.field(description="When.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        return cls(
            id=encode_id("Shipment", wire["id"]),
            lines=[ShipmentLine(sku=one["sku"], quantity=one["quantity"]) for one in wire["lines"]],
            carrier=wire.get("carrier"),
            tracking_number=wire.get("tracking_number"),
            shipped_at=wire["shipped_at"],
        )


@strawberry.type(name="Order", description="An order, as it was placed and where it stands.")
class MemberOrder(Order):
    lines: list[MemberOrderLine] = strawberry.field(  # type: ignore[assignment]
        description="In the cart's order."
    )
    payment: Payment | None = strawberry.field(  # type: ignore[assignment]
        description="How it was paid at once; null: on terms."
    )
    buyer: Buyer | None = strawberry.field(description="The member who ordered.")
    purchase_order_number: str | None = strawberry.field(
        description="The company's own number for it."
    )
    terms: OrderTerms | None = strawberry.field(
        description="The terms it is paid on; null: paid at once."
    )
    shipments: list[Shipment] = strawberry.field(description="Its parcels, the first first.")

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        payment, terms = wire.get("payment"), wire.get("terms")
        return cls(
            **order_facts(wire),
            lines=[MemberOrderLine.from_wire(one) for one in wire["lines"]],
            payment=Payment.from_wire(payment) if payment else None,
            buyer=Buyer.from_wire_or_none(wire.get("buyer")),
            purchase_order_number=wire.get("purchase_order_number"),
            terms=OrderTerms.from_wire(terms) if terms else None,
            shipments=[Shipment.from_wire(one) for one in wire.get("shipments", ())],
        )


@strawberry.type(
    name="Placement", description="The placing of an order: it ends placed, or fully undone."
)
class MemberPlacement:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    status: MemberPlacementStatus = strawberry.field(description="Where it stands.")
    cart_id: strawberry.ID | None = strawberry.field(description="`id` of the cart it is of.")
    buyer: Buyer | None = strawberry.field(description="The member who orders.")
    total: TaxedAmount | None = strawberry.field(
        description="What it comes to, once that is checked."
    )
    purchase_order_number: str | None = strawberry.field(
        description="The company's own number for it."
    )
    approval_request_id: strawberry.ID | None = strawberry.field(
        description="`id` of the request that somebody decides on, once it is asked."
    )
    approval_request: ApprovalRequest | None = strawberry.field(
        default=None,
        description="That request; null where the caller may not see it. In a list each costs a "
        "call, so `first` is 20 at most there.",
    )
    order: MemberOrder | None = strawberry.field(description="The order, once placed.")
    problem: UserError | None = strawberry.field(description="Why it was refused.")
    created_at: DateTimeText | None = strawberry.field(description="When it was begun.")
    request_key: strawberry.Private[str | None]

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        order, problem, cart = wire.get("order"), wire.get("problem"), wire.get("cart_id")
        total, request = wire.get("total"), wire.get("approval_request_id")
        return cls(
            id=encode_id("Placement", wire["id"]),
            status=MemberPlacementStatus(wire["status"]),
            cart_id=encode_id("Cart", cart) if cart else None,
            buyer=Buyer.from_wire_or_none(wire.get("buyer")),
            total=TaxedAmount.from_wire(total) if total else None,
            purchase_order_number=wire.get("purchase_order_number"),
            approval_request_id=encode_id("ApprovalRequest", request) if request else None,
            order=MemberOrder.from_wire(order) if order else None,
            problem=UserError(code=problem["code"], message=problem["detail"], field=None)
            if problem
            else None,
            created_at=wire.get("created_at"),
            request_key=request,
        )
