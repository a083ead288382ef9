"""A cart as it crosses the border, priced."""

from collections.abc import Sequence

from contracts.catalog import TaxDisplay
from contracts.orders import (
    Cart,
    CartLine,
    CartProblem,
    CartStatus,
    ChosenDelivery,
    QuickOrdered,
    QuickOrderRefusal,
)
from contracts.pricing import PricedLine, PriceResolution
from contracts.text import in_locale
from orders.cart.domain import (
    DELIVERY,
    CartState,
    Line,
    Surroundings,
    find_problems,
    find_shortages,
    name_of,
    priced_by_ref,
    shown_price,
    totals_of,
)
from orders.cart.quick_order import Refused, Taking
from orders.delivery.domain import Method


def as_cart(cart: CartState, around: Surroundings, resolution: PriceResolution | None) -> Cart:
    """A cart with its prices, totals and problems."""
    priced = priced_by_ref(resolution)
    tax_display = TaxDisplay.GROSS if resolution is None else resolution.tax_display
    return Cart(
        id=cart.id,
        version=cart.version,
        status=cart.status,
        store=cart.store,
        buyer=cart.buyer,
        currency=cart.currency,
        country=cart.country,
        locale=cart.locale,
        lines=[
            as_cart_line(cart, line, around, priced.get(str(line.id)), tax_display=tax_display)
            for line in cart.lines
        ],
        email=cart.email,
        delivery_address=cart.delivery_address,
        billing_address=cart.billing_address,
        delivery=as_chosen_delivery(cart, around.method, priced.get(DELIVERY)),
        totals=totals_of(resolution, currency=cart.currency),
        problems=_problems(cart, around, priced),
        order_number=cart.order_number,
        updated_at=cart.updated_at,
    )


def _problems(
    cart: CartState, around: Surroundings, priced: dict[str, PricedLine]
) -> list[CartProblem]:
    if cart.status is not CartStatus.OPEN:
        return []
    return [
        *find_problems(cart, around.skus, around.method, priced),
        *find_shortages(cart, around.skus, around.available),
    ]


def as_cart_line(
    cart: CartState,
    line: Line,
    around: Surroundings,
    priced: PricedLine | None,
    *,
    tax_display: TaxDisplay,
) -> CartLine:
    """A line with its price, if it has one."""
    sku = around.skus.get(line.sku)
    return CartLine(
        id=line.id,
        sku=line.sku,
        product_key=sku.product_key if sku else None,
        name=name_of(sku, cart.locale),
        quantity=line.quantity,
        unit_price=shown_price(priced, tax_display=tax_display) if priced else None,
        total=priced.total if priced else None,
    )


def as_chosen_delivery(
    cart: CartState, method: Method | None, priced: PricedLine | None
) -> ChosenDelivery | None:
    """The chosen method and what it costs; None without one that is offered here."""
    if method is None or priced is None or priced.total is None:
        return None
    return ChosenDelivery(
        delivery_method=method.key,
        name=in_locale(dict(method.name), cart.locale) or method.key,
        total=priced.total,
    )


def as_quick_ordered(cart: Cart, taking: Taking, unreadable: Sequence[Refused]) -> QuickOrdered:
    """What came of a pasted list, the refused lines in its order."""
    refused = sorted([*unreadable, *taking.refused], key=lambda one: one.line)
    return QuickOrdered(
        cart=cart,
        taken=len(taking.taken),
        refused=[
            QuickOrderRefusal(line=one.line, text=one.text, code=one.code, message=one.message)
            for one in refused
        ],
    )
