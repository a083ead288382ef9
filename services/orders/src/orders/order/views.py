"""Orders and placings as they cross the border."""

from collections.abc import Sequence
from typing import Any

from chassis.process import DONE, UNDONE, ProcessRow, problem_of
from contracts.money import Money, UnitPrice
from contracts.orders import (
    Address,
    CartBuyer,
    ChosenDelivery,
    Order,
    OrderLine,
    OrderPlaced,
    OrderPlacedLine,
    OrderShipped,
    OrderStatus,
    OrderTerms,
    Payment,
    PaymentChanged,
    Placement,
    PlacementChanged,
    PlacementStatus,
    Shipment,
    Totals,
)
from contracts.pricing import TaxedAmount, TaxTotal
from contracts.problems import Problem, ProblemDetail, Unavailable
from orders.errors import PlacementOverdue
from orders.order.domain import Agreed, order_number


def as_order(
    row: Any, lines: Sequence[Any], payment: Payment | None, shipments: Sequence[Shipment]
) -> Order:
    """An order, whole."""
    currency = row.currency
    return Order(
        id=row.id,
        number=order_number(row.serial),
        version=row.version,
        status=OrderStatus(row.status),
        store=row.store,
        buyer=as_buyer(row),
        purchase_order_number=row.purchase_order_number,
        currency=currency,
        country=row.country,
        locale=row.locale,
        lines=[as_order_line(line, currency) for line in lines],
        email=row.email,
        delivery_address=Address.model_validate(row.delivery_address),
        billing_address=Address.model_validate(row.billing_address),
        delivery=ChosenDelivery(
            delivery_method=row.delivery_method,
            name=row.delivery_name,
            total=_amount(row, "delivery_", currency),
        ),
        payment=payment,
        terms=as_terms(row),
        shipments=list(shipments),
        totals=Totals(
            items=_amount(row, "items_", currency),
            delivery=_amount(row, "delivery_", currency),
            total=_amount(row, "total_", currency),
            taxes=[TaxTotal.model_validate(tax) for tax in row.taxes],
        ),
        placed_at=row.placed_at,
    )


def as_buyer(row: Any) -> CartBuyer | None:
    """The member who ordered; None for a guest."""
    if row.member_id is None:
        return None
    return CartBuyer(member_id=row.member_id, company=row.company, unit=row.unit)


def as_terms(row: Any) -> OrderTerms | None:
    """The terms that an order is paid on; None where it was paid at once."""
    if row.agreement is None:
        return None
    return OrderTerms(agreement=row.agreement, payment_days=row.payment_days)


def as_order_line(row: Any, currency: str) -> OrderLine:
    """A line of an order."""
    return OrderLine(
        id=row.id,
        sku=row.sku,
        product_key=row.product_key,
        name=row.name,
        quantity=row.quantity,
        shipped=row.shipped,
        unit_price=UnitPrice.of(row.unit_price, currency),
        total=_amount(row, "", currency),
    )


def as_order_placed(row: Any, lines: Sequence[OrderLine], totals: Totals) -> OrderPlaced:
    """What is told of a placed order: of who bought no more than whom they act for."""
    return OrderPlaced(
        order_id=row.id,
        number=order_number(row.serial),
        store=row.store,
        currency=row.currency,
        country=row.country,
        buyer=as_buyer(row),
        purchase_order_number=row.purchase_order_number,
        terms=as_terms(row),
        lines=[
            OrderPlacedLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price=line.unit_price,
                total=line.total,
            )
            for line in lines
        ],
        total=totals.total,
        placed_at=row.placed_at,
    )


def as_order_shipped(row: Any, shipment: Shipment) -> OrderShipped:
    """What is told when a parcel of an order was shipped."""
    return OrderShipped(
        order_id=row.id,
        number=order_number(row.serial),
        status=OrderStatus(row.status),
        buyer=as_buyer(row),
        shipment=shipment,
    )


def as_payment_changed(row: Any, payment: Payment) -> PaymentChanged:
    """What is told when money was moved for an order."""
    return PaymentChanged(
        order_id=row.id,
        number=order_number(row.serial),
        status=payment.status,
        amount=payment.amount,
        captured=payment.captured,
        refunded=payment.refunded,
    )


def as_guest_placement(row: ProcessRow, order: Order | None) -> Placement:
    """Where a guest's placing stands; what is being undone is still pending."""
    refusal = refusal_of(row)
    status = PlacementStatus.PLACED if row.status == DONE else PlacementStatus.PENDING
    return Placement(
        id=row.id,
        status=status if refusal is None else PlacementStatus.REFUSED,
        cart_id=row.data["cart_id"],
        total=_total_agreed(row),
        purchase_order_number=row.data.get("purchase_order_number"),
        order=order if row.status == DONE else None,
        problem=None if refusal is None else refusal.as_detail(),
        created_at=row.created_at,
    )


def as_placement(row: Any, order: Order | None) -> Placement:
    """Where a member's placing stands; what is being undone is still pending."""
    total = None if row.total_gross_minor is None else _amount(row, "total_", row.currency)
    return Placement(
        id=row.id,
        status=PlacementStatus(row.status),
        cart_id=row.cart_id,
        buyer=as_buyer(row),
        total=total,
        purchase_order_number=row.purchase_order_number,
        approval_request_id=row.approval_request_id,
        order=order,
        problem=None if row.problem is None else ProblemDetail.model_validate(row.problem),
        created_at=row.created_at,
    )


def as_placement_of_order(row: Any, order: Order) -> Placement:
    """The placing of an order, where its process is forgotten."""
    return Placement(
        id=row.placement_id,
        status=PlacementStatus.PLACED,
        cart_id=row.cart_id,
        total=order.totals.total,
        purchase_order_number=row.purchase_order_number,
        order=order,
    )


def as_placement_changed(row: Any) -> PlacementChanged:
    """What is told when the placing of a member's order went on."""
    return PlacementChanged(
        placement_id=row.id,
        status=PlacementStatus(row.status),
        buyer=CartBuyer(member_id=row.member_id, company=row.company, unit=row.unit),
        approval_request_id=row.approval_request_id,
        order_number=row.order_number,
        problem_code=None if row.problem is None else row.problem["code"],
    )


def refusal_of(row: ProcessRow) -> Problem | None:
    """Why a placing was refused, once all of it is undone."""
    return why_undone(row) if row.status == UNDONE else None


def why_undone(row: ProcessRow) -> Problem | None:
    """Why a placing is undone; None if it is not.

    That time ran out is final too, so it is told as a conflict, not as something to try again
    under the same key.
    """
    problem = problem_of(row)
    return PlacementOverdue() if isinstance(problem, Unavailable) else problem


def _total_agreed(row: ProcessRow) -> TaxedAmount | None:
    """What a placing comes to, once that is checked."""
    agreed = row.data.get("agreed")
    return None if agreed is None else Agreed.model_validate(agreed).totals.total


def _amount(row: Any, prefix: str, currency: str) -> TaxedAmount:
    return TaxedAmount(
        net=Money(getattr(row, f"{prefix}net_minor"), currency),
        tax=Money(getattr(row, f"{prefix}tax_minor"), currency),
        gross=Money(getattr(row, f"{prefix}gross_minor"), currency),
    )
