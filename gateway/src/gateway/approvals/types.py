"""Approval requests."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry

from gateway.accounts.types import Buyer
from gateway.ids import encode_id
from gateway.pricing.types import Money
from gateway.scalars import DateTimeText

if TYPE_CHECKING:
    from gateway.orders.member_types import MemberPlacement


@strawberry.enum(description="Where an approval request stands.")
class ApprovalStatus(Enum):
    NOT_NEEDED = strawberry.enum_value("not_needed", description="No policy asks for anybody.")
    PENDING = strawberry.enum_value("pending", description="Somebody must decide.")
    APPROVED = strawberry.enum_value("approved", description="The order goes on.")
    REJECTED = strawberry.enum_value("rejected", description="The order is undone.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="Taken back by who asked.")
    TIMED_OUT = strawberry.enum_value("timed_out", description="Nobody decided in time.")


@strawberry.enum(description="Why somebody must decide.")
class ApprovalReason(Enum):
    OVER_ORDER_LIMIT = strawberry.enum_value(
        "over_order_limit", description="It is more than the member may place alone."
    )
    OVER_CREDIT = strawberry.enum_value("over_credit", description="It goes over the credit.")
    OVER_BUDGET = strawberry.enum_value("over_budget", description="It goes over a budget.")


@strawberry.type(description="A request that an order may go on, and where it stands.")
class ApprovalRequest:
    id: strawberry.ID = strawberry.field(description="Opaque, unique among all types.")
    version: int = strawberry.field(description="Grows by one with every change.")
    status: ApprovalStatus = strawberry.field(description="Where it stands.")
    requester: Buyer = strawberry.field(description="Who asks.")
    amount: Money = strawberry.field(description="Gross of the order.")
    order_limit: Money | None = strawberry.field(
        description="Up to this the requester places alone; null: no limit."
    )
    purchase_order_number: str | None = strawberry.field(
        description="The company's own number for it."
    )
    reasons: list[ApprovalReason] = strawberry.field(description="Why somebody must decide.")
    is_escalated: bool = strawberry.field(
        description="Whether no approver was found, so that the company's admins decide."
    )
    decided_by: strawberry.ID | None = strawberry.field(
        description="`id` of the member who decided."
    )
    comment: str | None = strawberry.field(description="What they said.")
    created_at: DateTimeText = strawberry.field(description="When it was asked.")
    expires_at: DateTimeText = strawberry.field(description="When it times out undecided.")
    decided_at: DateTimeText | None = strawberry.field(description="When it ended.")
    placement_id: strawberry.ID | None = strawberry.field(
        description="`id` of the placement that it is about."
    )
    placement: (
        Annotated["MemberPlacement", strawberry.lazy("gateway.orders.member_types")] | None
    ) = strawberry.field(
        default=None,
        description="The placement that it is about; null where the caller may not see it. In "
        "a list each costs a call, so `first` is 20 at most there.",
    )

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        limit, decided_by = wire.get("order_limit"), wire.get("decided_by")
        is_order = wire["subject_type"] == "order"
        return cls(
            id=encode_id("ApprovalRequest", wire["id"]),
            version=wire["version"],
            status=ApprovalStatus(wire["status"]),
            requester=Buyer.from_wire(wire),
            amount=Money.from_wire(wire["amount"]),
            order_limit=Money.from_wire(limit) if limit else None,
            purchase_order_number=wire.get("purchase_order_number"),
            reasons=[ApprovalReason(reason) for reason in wire["reasons"]],
            is_escalated=wire["is_escalated"],
            decided_by=encode_id("Member", decided_by) if decided_by else None,
            comment=wire.get("comment"),
            created_at=wire["created_at"],
            expires_at=wire["expires_at"],
            decided_at=wire.get("decided_at"),
            placement_id=encode_id("Placement", wire["subject_id"]) if is_order else None,
        )
