"""What approvals takes, answers and tells: requests to go on with something, and decisions."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from contracts.companies import OverReason
from contracts.envelope import EventData
from contracts.ids import Key
from contracts.model import Answer, Request
from contracts.money import Limit, Money, PositiveMoney
from contracts.text import LongText, ShortText

_id = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
_time = "2026-11-22T10:00:00Z"
_eur = {"amount": "480.00", "currency": "EUR"}

SubjectType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,63}$")]
"""What a request is about: `order`, or another word."""


class PutApprovalRequest(Request):
    """Ask whether something may go on. The same again changes nothing.

    This is the snapshot that is approved. Its id is the asker's, made of process and step; one
    that was withdrawn before it came is refused for good.
    """

    subject_type: SubjectType = Field(description="What it is about.", examples=["order"])
    subject_id: UUID = Field(description="Its id: of an order, the placement's.", examples=[_id])
    member_id: UUID = Field(description="Who asks.", examples=[_id])
    amount: PositiveMoney = Field(description="Gross of the order.", examples=[_eur])
    order_limit: Limit | None = Field(
        default=None,
        description="Up to this the member places alone, as it was when they submitted.",
        examples=[{"amount": "250.00", "currency": "EUR"}],
    )
    over: list[OverReason] = Field(
        default_factory=list,
        max_length=2,
        description="Limits of credit and budget that it goes over.",
        examples=[["budget"]],
    )
    purchase_order_number: ShortText | None = Field(
        default=None, description="The company's own number for it.", examples=["PO-4711"]
    )


class ApprovalStatus(StrEnum):
    """Where a request stands.

    not_needed: no policy asks for anybody. pending: somebody must decide. The others are ends:
    approved, rejected, withdrawn by who asked, or timed out with nobody having decided.
    """

    NOT_NEEDED = "not_needed"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    TIMED_OUT = "timed_out"


class ApprovalReason(StrEnum):
    """Which built-in policy asks for approval."""

    OVER_ORDER_LIMIT = "over_order_limit"
    OVER_CREDIT = "over_credit"
    OVER_BUDGET = "over_budget"


class ApprovalRequest(Answer):
    """A request and where it stands."""

    id: str = Field(description="As the asker named it.", examples=[f"{_id}:approve"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    subject_type: SubjectType = Field(description="What it is about.", examples=["order"])
    subject_id: UUID = Field(description="Its id.", examples=[_id])
    company: Key = Field(description="Key of the company.", examples=["brighton-gifts"])
    unit: Key = Field(description="Key of the unit that asks.", examples=["shop-one"])
    member_id: UUID = Field(description="Who asks.", examples=[_id])
    amount: Money = Field(description="Gross of the order.", examples=[_eur])
    order_limit: Money | None = Field(
        default=None,
        description="Up to this the member places alone.",
        examples=[{"amount": "250.00", "currency": "EUR"}],
    )
    purchase_order_number: str | None = Field(
        default=None, description="The company's own number for it.", examples=["PO-4711"]
    )
    reasons: list[ApprovalReason] = Field(
        description="Why somebody must decide.", examples=[["over_order_limit"]]
    )
    status: ApprovalStatus = Field(description="Where it stands.", examples=["pending"])
    is_escalated: bool = Field(
        description="Whether no approver was found in the unit or above, so that the company's "
        "admins decide.",
        examples=[False],
    )
    decided_by: UUID | None = Field(
        default=None, description="The member who decided.", examples=[_id]
    )
    comment: str | None = Field(
        default=None, description="What they said.", examples=["Too many lanterns."]
    )
    created_at: AwareDatetime = Field(description="When it was asked, UTC.", examples=[_time])
    expires_at: AwareDatetime = Field(
        description="When it times out undecided, UTC.", examples=["2026-11-25T10:00:00Z"]
    )
    decided_at: AwareDatetime | None = Field(
        default=None, description="When it ended, UTC.", examples=[_time]
    )


class Decide(Request):
    """Decide on a request."""

    comment: LongText | None = Field(
        default=None, description="Why, for who asked.", examples=["Too many lanterns."]
    )


class ApprovalFacts(Answer):
    """What others need to know of a request. What people wrote is read from it, by id."""

    id: str = Field(description="As the asker named it.", examples=[f"{_id}:approve"])
    subject_type: SubjectType = Field(description="What it is about.", examples=["order"])
    subject_id: UUID = Field(description="Its id: of an order, the placement's.", examples=[_id])
    company: Key = Field(description="Key of the company.", examples=["brighton-gifts"])
    unit: Key = Field(description="Key of the unit that asks.", examples=["shop-one"])
    member_id: UUID = Field(description="Who asks.", examples=[_id])
    status: ApprovalStatus = Field(description="Where it stands.", examples=["pending"])
    decided_by: UUID | None = Field(
        default=None, description="The member who decided.", examples=[_id]
    )


class ApprovalRequestOpened(EventData):
    """Somebody must decide on a request. The subject is its id."""

    type: ClassVar[str] = "tandem.approvals.request.opened.v1"

    request: ApprovalFacts = Field(description="The request as it is now.")


class ApprovalRequestDecided(EventData):
    """A request that was pending has ended, in whichever way. The subject is its id."""

    type: ClassVar[str] = "tandem.approvals.request.decided.v1"

    request: ApprovalFacts = Field(description="The request as it is now.")
