"""Rules of placing: what must be agreed before anything is reserved or charged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from contracts.approvals import ApprovalRequest, ApprovalStatus
from contracts.buyers import BuyerProfile, Role
from contracts.catalog import SkuEntitlement
from contracts.companies import Hold, HoldOutcome, HoldProblem, OverReason
from contracts.money import Money
from contracts.orders import CartBuyer, ChosenDelivery, OrderLine, Totals
from contracts.pricing import PriceResolution
from contracts.problems import FieldError, Problem
from contracts.text import in_locale
from orders.cart.domain import (
    DELIVERY,
    CartState,
    find_problems,
    priced_by_ref,
    shown_price,
    totals_of,
)
from orders.delivery.domain import Method
from orders.errors import (
    ApprovalTimedOut,
    BuyersOnly,
    CartNotOrderable,
    HoldReleased,
    OrderNotHeld,
    OrderNotHeldAsTold,
    OrderRejected,
    PlacementCancelled,
    PriceChanged,
)
from orders.product.domain import SkuFacts

GUEST_PLACING, COMPANY_PLACING = "placing", "company_placing"
"""What the processes are called that place a guest's and a member's order."""

SUBJECT_TYPE = "order"
"""What approvals calls that which it decides on for us."""

Value = TypeVar("Value")


class Submitter(BaseModel):
    """The member who orders, as their profile was when they submitted."""

    member_id: UUID
    company: str
    units: list[str]
    order_limit: Money | None = None

    @property
    def as_buyer(self) -> CartBuyer:
        """For whom they act, as it is told."""
        return CartBuyer(member_id=self.member_id, company=self.company, unit=self.units[0])


class Terms(BaseModel):
    """What accounts said when it held credit and budget."""

    agreement: str | None
    payment_days: int | None
    over: list[OverReason]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who wants to see orders: bearer of a cart's secret, a member, or who may see them all."""

    secret: str | None = None
    buyer: BuyerProfile | None = None
    sees_all: bool = False


class Agreed(BaseModel):
    """What is ordered at which price; fixed when the check has passed."""

    lines: list[OrderLine]
    delivery: ChosenDelivery
    totals: Totals


def sold_skus(entitlements: Mapping[str, SkuEntitlement]) -> dict[str, SkuFacts]:
    """The SKUs that may be ordered, with what a line keeps of them."""
    return {
        sku: SkuFacts(sku, one.product_key, one.name or {})
        for sku, one in entitlements.items()
        if one.is_orderable and one.product_key is not None
    }


def agree(
    cart: CartState,
    method: Method | None,
    *,
    skus: Mapping[str, SkuFacts],
    resolution: PriceResolution,
    agreed_total: Money,
) -> Agreed:
    """Check that all of it may be ordered and costs what the buyer agreed to.

    Raises CartNotOrderable with every problem, or PriceChanged with the new total. `skus` are
    those that catalog says may be ordered now; stock is not looked at here.
    """
    priced = priced_by_ref(resolution)
    problems = find_problems(cart, skus, method, priced)
    if problems:
        raise CartNotOrderable(problems)
    totals = totals_of(resolution, currency=cart.currency)
    if totals.total.gross != agreed_total:
        raise PriceChanged(agreed=agreed_total, total=totals.total.gross)
    lines = []
    for line in cart.lines:
        sku, price = skus[line.sku], priced[str(line.id)]
        lines.append(
            OrderLine(
                id=line.id,
                sku=line.sku,
                product_key=sku.product_key,
                name=in_locale(dict(sku.name), cart.locale) or line.sku,
                quantity=line.quantity,
                unit_price=_known(shown_price(price, tax_display=resolution.tax_display)),
                total=_known(price.total),
            )
        )
    chosen = _known(method)
    return Agreed(
        lines=lines,
        delivery=ChosenDelivery(
            delivery_method=chosen.key,
            name=in_locale(dict(chosen.name), cart.locale) or chosen.key,
            total=_known(priced[DELIVERY].total),
        ),
        totals=totals,
    )


def _known(value: Value | None) -> Value:
    """What a line without problems always has."""
    if value is None:
        raise ValueError("a line without a problem has no price")
    return value


def submit_as(profile: BuyerProfile) -> Submitter:
    """The member who submits. Raises BuyersOnly."""
    if Role.BUYER not in profile.roles:
        raise BuyersOnly
    return Submitter(
        member_id=profile.member_id,
        company=profile.company,
        units=profile.units,
        order_limit=profile.order_limit,
    )


def may_cancel(profile: BuyerProfile, *, member_id: UUID) -> bool:
    """Whether a member who sees a placing may cancel it: it is theirs, or they are an admin."""
    return profile.member_id == member_id or Role.ADMIN in profile.roles


_POINTERS = {"/amount": "/agreed_total", "/takes_credit": "/payment/method", "/member_id": ""}
"""What the fields of a hold are called where the order was submitted."""


def refusal_of_hold(hold: Hold) -> Problem | None:
    """Why accounts holds nothing; None where it does."""
    if hold.outcome is HoldOutcome.RELEASED:
        return HoldReleased()
    if hold.outcome is not HoldOutcome.REFUSED:
        return None
    told = hold.problem or HoldProblem(
        code="order-not-held", detail="The company's credit or budget does not allow it."
    )
    errors = [
        FieldError(
            pointer=_POINTERS.get(error.pointer, error.pointer),
            code=error.code,
            message=error.message,
        )
        for error in told.errors
    ]
    if told.code == "purchase-order-number-required":
        field = FieldError(pointer="/purchase_order_number", code=told.code, message=told.detail)
        return OrderNotHeldAsTold(told.code, told.detail, errors or [field])
    return OrderNotHeld(told.code, told.detail, errors)


def refusal_of_request(request: ApprovalRequest) -> Problem | None:
    """Why an order may not go on; None while it may, or while somebody has to decide."""
    if request.status is ApprovalStatus.REJECTED:
        return OrderRejected(request.comment)
    if request.status is ApprovalStatus.TIMED_OUT:
        return ApprovalTimedOut()
    return PlacementCancelled() if request.status is ApprovalStatus.WITHDRAWN else None


def stock_hold_id(placement_id: UUID) -> str:
    """What a placing's hold on stock is called."""
    return f"{placement_id}:reserve"


def order_number(serial: int) -> str:
    """How people call an order."""
    return f"T-{serial}"


def serial_of(number: str) -> int | None:
    """The serial of an order number; None for what is none."""
    digits = number.removeprefix("T-")
    is_number = number.startswith("T-") and digits.isascii() and digits.isdigit()
    return int(digits) if is_number and len(digits) <= 18 and digits[0] != "0" else None
