"""What answers say, in the model's plain words: read by their contracts, without ids and times."""

from fractions import Fraction
from typing import Any
from uuid import UUID

from contracts.money import Money, UnitPrice
from contracts.orders import Cart, CartLine, ChosenDelivery, Order, OrderLine, OrderPlaced, Totals
from contracts.pricing import PricedLine, PriceResolution, TaxedAmount, TaxTotal
from tests.properties.model.prices import Amount, Bill, Charge


def seen_cart(cart: Cart) -> dict[str, Any]:
    """A cart."""
    skus: dict[UUID | None, str] = {line.id: line.sku for line in cart.lines}
    return {
        "version": cart.version,
        "status": cart.status.value,
        "store": cart.store,
        "currency": cart.currency,
        "country": cart.country,
        "locale": cart.locale,
        "lines": [seen_line(line, cart.currency) for line in cart.lines],
        "email": cart.email,
        "delivery_address": cart.delivery_address,
        "billing_address": cart.billing_address,
        "delivery": seen_delivery(cart.delivery, cart.currency) if cart.delivery else None,
        "totals": seen_totals(cart.totals, cart.currency),
        "problems": [(one.code, skus.get(one.line_id)) for one in cart.problems],
        "order_number": cart.order_number,
    }


def seen_order(order: Order) -> dict[str, Any]:
    """An order."""
    assert order.payment is not None, "a guest pays at once"
    return {
        "number": order.number,
        "version": order.version,
        "status": order.status.value,
        "store": order.store,
        "currency": order.currency,
        "country": order.country,
        "locale": order.locale,
        "lines": [seen_line(line, order.currency) for line in order.lines],
        "email": order.email,
        "delivery_address": order.delivery_address,
        "billing_address": order.billing_address,
        "delivery": seen_delivery(order.delivery, order.currency),
        "totals": seen_totals(order.totals, order.currency),
        "payment": (
            order.payment.method,
            order.payment.status.value,
            *seen_money(order.payment.amount),
            (order.payment.captured.minor, order.payment.refunded.minor),
        ),
    }


def seen_placed(event: OrderPlaced) -> dict[str, Any]:
    """What the feed says of an order."""
    return {
        "number": event.number,
        "store": event.store,
        "currency": event.currency,
        "country": event.country,
        "lines": [
            (
                line.sku,
                line.quantity,
                Fraction(line.unit_price.amount),
                seen_amount(line.total, event.currency),
            )
            for line in event.lines
        ],
        "total": seen_amount(event.total, event.currency),
    }


def seen_line(line: CartLine | OrderLine, currency: str) -> dict[str, Any]:
    """A line of a cart or an order."""
    return {
        "sku": line.sku,
        "quantity": line.quantity,
        "product_key": line.product_key,
        "name": line.name,
        "unit_price": seen_unit_price(line.unit_price, currency) if line.unit_price else None,
        "total": seen_amount(line.total, currency) if line.total else None,
    }


def seen_delivery(delivery: ChosenDelivery, currency: str) -> tuple[str, str, Amount]:
    """How it is brought."""
    return delivery.delivery_method, delivery.name, seen_amount(delivery.total, currency)


def seen_totals(totals: Totals, currency: str) -> dict[str, Any]:
    """What everything costs."""
    return {
        "items": seen_amount(totals.items, currency),
        "delivery": seen_amount(totals.delivery, currency),
        "total": seen_amount(totals.total, currency),
        "taxes": [seen_tax(tax, currency) for tax in totals.taxes],
    }


def seen_tax(tax: TaxTotal, currency: str) -> tuple[Fraction, str, Amount]:
    """The tax of one rate."""
    return Fraction(tax.rate), tax.name, seen_amount(tax.amount, currency)


def seen_bill(resolution: PriceResolution) -> tuple[Bill, Amount, list[Any]]:
    """What lines cost, and the sums that are told of them."""
    return (
        Bill([_seen_charge(line, resolution) for line in resolution.lines]),
        seen_amount(resolution.total, resolution.currency),
        [seen_tax(tax, resolution.currency) for tax in resolution.taxes],
    )


def _seen_charge(line: PricedLine, resolution: PriceResolution) -> Charge | None:
    if line.outcome.value == "no_price":
        return None
    assert line.unit_price
    assert line.total
    assert line.tax_rate
    assert line.is_tax_included == (resolution.tax_display.value == "gross")
    return Charge(
        seen_unit_price(line.unit_price, resolution.currency),
        seen_amount(line.total, resolution.currency),
        Fraction(line.tax_rate),
        "",  # a line does not say what its tax is called
        line.price_list,
        line.tier_min_quantity,
    )


def seen_variant(told: Any) -> tuple[str, int, tuple[Fraction, str, Fraction] | None]:
    """A variant as the storefront shows it: SKU, pieces left, price of one and its tax rate."""
    left, price = told["availability"], told["price"]
    assert left["is_in_stock"] == (left["available"] > 0)
    if price is None:
        return told["sku"], left["available"], None
    amount = Fraction(price["unit_price"]["amount"])
    rate = Fraction(price["tax_rate"])
    return told["sku"], left["available"], (amount, price["unit_price"]["currency"], rate)


def seen_unit_price(price: UnitPrice, currency: str) -> Fraction:
    """The price of a piece."""
    assert price.currency == currency
    return Fraction(price.amount)


def seen_amount(amount: TaxedAmount, currency: str) -> Amount:
    """A sum in minor units, all of it in that currency."""
    told = [seen_money(one) for one in (amount.net, amount.tax, amount.gross)]
    assert {its for _, its in told} == {currency}
    return Amount(*(minor for minor, _ in told))


def seen_money(money: Money) -> tuple[int, str]:
    """Minor units and their currency."""
    return money.minor, money.currency
