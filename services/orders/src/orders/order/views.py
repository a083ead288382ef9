"""Orders and placings as they cross the border."""

from collections.abc import Sequence
from typing import Any

from chassis.process import DONE, UNDONE, ProcessRow, problem_of
from contracts.money import Money, UnitPrice
from contracts.orders import (
    Address,
    ChosenDelivery,
    Order,
    OrderLine,
    OrderPlaced,
    OrderPlacedLine,
    OrderStatus,
    Payment,
    PaymentChanged,
    Placement,
    PlacementStatus,
    Totals,
)
from contracts.pricing import TaxedAmount, TaxTotal
from contracts.problems import Problem, Unavailable
from orders.errors import PlacementOverdue
from orders.order.domain import order_number


def as_order(row: Any, lines: Sequence[Any], payment: Payment) -> Order:
    """An order, whole."""
    currency = row.currency
    return Order(
        id=row.id,
        number=order_number(row.serial),
        version=row.version,
        status=OrderStatus(row.status),
        store=row.store,
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
        totals=Totals(
            items=_amount(row, "items_", currency),
            delivery=_amount(row, "delivery_", currency),
            total=_amount(row, "total_", currency),
            taxes=[TaxTotal.model_validate(tax) for tax in row.taxes],
        ),
        placed_at=row.placed_at,
    )


def as_order_line(row: Any, currency: str) -> OrderLine:
    """A line of an order."""
    return OrderLine(
        id=row.id,
        sku=row.sku,
        product_key=row.product_key,
        name=row.name,
        quantity=row.quantity,
        unit_price=UnitPrice.of(row.unit_price, currency),
        total=_amount(row, "", currency),
    )


def as_order_placed(row: Any, lines: Sequence[OrderLine], totals: Totals) -> OrderPlaced:
    """What is told of a placed order: nothing about who bought."""
    return OrderPlaced(
        order_id=row.id,
        number=order_number(row.serial),
        store=row.store,
        currency=row.currency,
        country=row.country,
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


def as_placement(row: ProcessRow, order: Order | None) -> Placement:
    """Where a placing stands; what is being undone is still pending."""
    if row.status == DONE:
        return Placement(id=row.id, status=PlacementStatus.PLACED, order=order)
    if (problem := refusal_of(row)) is not None:
        return Placement(id=row.id, status=PlacementStatus.REFUSED, problem=problem.as_detail())
    return Placement(id=row.id, status=PlacementStatus.PENDING)


def refusal_of(row: ProcessRow) -> Problem | None:
    """Why a placing was refused, once all of it is undone.

    That time ran out is final too, so it is told as a conflict, not as something to try again
    under the same key.
    """
    if row.status != UNDONE:
        return None
    problem = problem_of(row)
    return PlacementOverdue() if isinstance(problem, Unavailable) else problem


def _amount(row: Any, prefix: str, currency: str) -> TaxedAmount:
    return TaxedAmount(
        net=Money(getattr(row, f"{prefix}net_minor"), currency),
        tax=Money(getattr(row, f"{prefix}tax_minor"), currency),
        gross=Money(getattr(row, f"{prefix}gross_minor"), currency),
    )
