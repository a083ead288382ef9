"""Rules of placing: what must be agreed before anything is reserved or charged."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from contracts.catalog import SkuEntitlement
from contracts.money import Money
from contracts.orders import ChosenDelivery, OrderLine, Totals
from contracts.pricing import PriceResolution
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
from orders.errors import CartNotOrderable, PriceChanged
from orders.product.domain import SkuFacts

Value = TypeVar("Value")


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


def order_number(serial: int) -> str:
    """How people call an order."""
    return f"T-{serial}"


def serial_of(number: str) -> int | None:
    """The serial of an order number; None for what is none."""
    digits = number.removeprefix("T-")
    is_number = number.startswith("T-") and digits.isascii() and digits.isdigit()
    return int(digits) if is_number and len(digits) <= 18 and digits[0] != "0" else None
