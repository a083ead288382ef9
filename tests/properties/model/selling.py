"""Guests' carts, how they are placed, and the orders they become.

`show_cart` and `Order.shown` are what an answer must say, without ids and times.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from contracts.money import Money
from contracts.orders import Address, PutDeliveryMethod
from tests.properties.model.catalog import Catalog, named
from tests.properties.model.kept import Kept
from tests.properties.model.prices import Amount, Bill, Charge, Prices, Wish
from tests.properties.model.refused import Refused, refused_input
from tests.properties.model.stock import Stock

LARGEST_QUANTITY = 1_000_000


@dataclass
class Cart:
    """A cart as it stands; lines are quantities by SKU, in the order they were put in."""

    store: str
    currency: str
    country: str
    locale: str
    version: int = 1
    status: str = "open"
    lines: dict[str, int] = field(default_factory=dict)
    email: str | None = None
    delivery_address: Address | None = None
    billing_address: Address | None = None
    method: str | None = None
    order_number: str | None = None
    added: dict[str, tuple[Any, Any]] = field(default_factory=dict, compare=False)
    """By key what was added under it, and the answer to that."""
    placings: dict[str, tuple[Any, "Order | Refused"]] = field(default_factory=dict, compare=False)
    """By key what was submitted under it, and what became of that."""


@dataclass
class Order:
    """An order as it was placed. Its number is the shop's to say."""

    shown: dict[str, Any]

    @property
    def number(self) -> str:
        """How people call it."""
        number: str = self.shown["number"]
        return number


class Selling:
    """Carts and orders, resting on what is sold, for how much, and what is left."""

    def __init__(self, catalog: Catalog, prices: Prices, stock: Stock) -> None:
        self.catalog = catalog
        self.prices = prices
        self.stock = stock
        self.methods: Kept[PutDeliveryMethod] = Kept()
        self.orders: list[Order] = []

    def open(
        self, store: str, currency: str | None, locale: str | None, lines: list[tuple[str, int]]
    ) -> Cart:
        """A new cart."""
        check_quantities(lines)
        if store not in self.catalog.stores.bodies:
            raise Refused(422, "store-unknown")
        terms = self.catalog.stores.bodies[store]
        if currency is not None and currency not in terms.currencies:
            raise Refused(422, "currency-not-sold")
        if locale is not None and locale not in terms.locales:
            raise Refused(422, "locale-not-spoken")
        cart = Cart(
            store=store,
            currency=currency or terms.currencies[0],
            country=terms.countries[0],
            locale=locale or terms.locales[0],
        )
        self._put_in(cart, lines)
        self._price(cart)
        return cart

    def add(self, cart: Cart, lines: list[tuple[str, int]], *, key: str | None) -> Any:
        """More of some SKUs; under a key known already, the answer that there was."""
        if key is not None and key in cart.added:
            wanted, answer = cart.added[key]
            if wanted != lines:
                raise Refused(422, "idempotency-key-reused")
            return answer
        check_quantities(lines)
        changed = self._begin(cart)
        self._put_in(changed, lines)
        answer = self._finish(cart, changed)
        if key is not None:
            cart.added[key] = (lines, answer)
        return answer

    def change(self, cart: Cart, sku: str | None, quantity: int, *, version: int | None) -> Any:
        """Another quantity of a line; None is a line that the cart does not have."""
        check_quantities([("", quantity)])
        changed = self._begin(cart, version)
        if sku not in changed.lines:
            raise Refused(404, "cart-line-not-found")
        changed.lines[sku] = quantity
        return self._finish(cart, changed)

    def remove(self, cart: Cart, sku: str | None) -> Any:
        """A line less."""
        changed = self._begin(cart)
        if sku not in changed.lines:
            raise Refused(404, "cart-line-not-found")
        del changed.lines[sku]
        return self._finish(cart, changed)

    def address(self, cart: Cart, email: str, to: Address, billing: Address | None) -> Any:
        """Who buys and where it goes, which decides the tax."""
        changed = self._begin(cart)
        if to.country not in self.catalog.stores.bodies[cart.store].countries:
            raise Refused(422, "country-not-served")
        changed.email, changed.delivery_address, changed.billing_address = email, to, billing
        changed.country = to.country
        return self._finish(cart, changed)

    def deliver(self, cart: Cart, method: str) -> Any:
        """How it is brought."""
        changed = self._begin(cart)
        changed.method = method
        if self._offered(changed) is None:
            raise Refused(422, "delivery-not-offered")
        return self._finish(cart, changed)

    def place(self, cart: Cart, *, key: str, agreed: tuple[int, str], token: str) -> Order:
        """Order it, once under a key. What is refused leaves everything as it was."""
        submitted = (agreed, token)
        if key in cart.placings:
            before, outcome = cart.placings[key]
            if before != submitted:
                raise Refused(422, "idempotency-key-reused")
        else:
            if cart.status == "ordered":
                raise Refused(409, "cart-already-ordered", order_number=cart.order_number)
            gaps = self._gaps(cart)
            if gaps:
                raise Refused(409, gaps[0][0])
            outcome = self._place(cart, agreed, token)
            cart.placings[key] = (submitted, outcome)
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def _place(self, cart: Cart, agreed: tuple[int, str], token: str) -> Order | Refused:
        cart.version += 2  # it is being placed, then it is open again or ordered
        try:
            order = self._agree(cart, agreed)
            taken = self.stock.reserve(cart.lines)
        except Refused as refused:
            return refused
        if token != "tok_ok":
            self.stock.release(taken)
            return Refused(422, "payment-declined")
        cart.status = "ordered"
        self.orders.append(order)
        return order

    def _agree(self, cart: Cart, agreed: tuple[int, str]) -> Order:
        bill = self._price(cart)
        problems = self._line_problems(cart, bill)
        if problems:
            raise Refused(409, problems[0][0])
        shown = self.show_cart(cart)
        total = shown["totals"]["total"].gross
        if agreed != (total, cart.currency):
            raise Refused(
                409, "price-changed", total=wire(total, cart.currency), agreed_total=wire(*agreed)
            )
        same = "store currency country locale lines email delivery_address delivery totals".split()
        return Order(
            {name: shown[name] for name in same}
            | {
                "version": 1,
                "status": "placed",
                "billing_address": cart.billing_address or cart.delivery_address,
                "payment": ("test", "authorised", total, cart.currency, (0, 0)),
            }
        )

    def note_number(self, cart: Cart, order: Order, number: str) -> None:
        """Keep what the shop calls the order."""
        order.shown["number"] = cart.order_number = number

    def total(self, cart: Cart) -> tuple[int, str]:
        """What the cart is shown to cost."""
        return self.show_cart(cart)["totals"]["total"].gross, cart.currency

    def show_cart(self, cart: Cart) -> dict[str, Any]:
        """What an answer must say of a cart now. Raises what pricing it comes to."""
        bill = self._price(cart)
        method = self._offered(cart)
        delivery = bill.charges[-1] if method else None
        charges = dict(zip(cart.lines, bill.charges, strict=False))
        items = sum((one.amount for one in charges.values() if one), Amount())
        for_delivery = delivery.amount if delivery else Amount()
        problems: list[tuple[str, str | None]] = []
        if cart.status == "open":
            problems += self._gaps(cart)
            problems += self._line_problems(cart, bill)
            problems += self._shortages(cart)
        return {
            "version": cart.version,
            "status": cart.status,
            "store": cart.store,
            "currency": cart.currency,
            "country": cart.country,
            "locale": cart.locale,
            "lines": [self._show_line(cart, sku, charges.get(sku)) for sku in cart.lines],
            "email": cart.email,
            "delivery_address": cart.delivery_address,
            "billing_address": cart.billing_address,
            "delivery": (cart.method, named(dict(method.name), cart.locale), for_delivery)
            if method
            else None,
            "totals": {
                "items": items,
                "delivery": for_delivery,
                "total": items + for_delivery,
                "taxes": bill.taxes,
            },
            "problems": problems,
            "order_number": cart.order_number,
        }

    def _show_line(self, cart: Cart, sku: str, charge: Charge | None) -> dict[str, Any]:
        sold = self.catalog.sold(sku)
        return {
            "sku": sku,
            "quantity": cart.lines[sku],
            "product_key": sold[0] if sold else None,
            "name": named(dict(sold[1].name), cart.locale) if sold else None,
            "unit_price": charge.unit_price if charge else None,
            "total": charge.amount if charge else None,
        }

    def _begin(self, cart: Cart, version: int | None = None) -> Cart:
        """A copy to change, if the cart may change."""
        if cart.status == "ordered":
            raise Refused(409, "cart-already-ordered", order_number=cart.order_number)
        if version is not None and version != cart.version:
            raise Refused(412, "version-not-current", current_version=cart.version)
        return replace(cart, lines=dict(cart.lines))

    def _finish(self, cart: Cart, changed: Cart) -> Any:
        """Keep what was changed, if it can be priced; what the answer must say."""
        self._price(changed)
        if changed != cart or list(changed.lines) != list(cart.lines):
            changed.version += 1
        shown = self.show_cart(changed)
        for name in vars(changed):
            setattr(cart, name, getattr(changed, name))
        return shown

    def _put_in(self, cart: Cart, lines: list[tuple[str, int]]) -> None:
        unsold = [sku for sku, _ in lines if self.catalog.sold(sku) is None]
        if unsold:
            raise Refused(422, "sku-not-orderable", fields=("sku-not-orderable",) * len(unsold))
        too_many = 0
        for sku, quantity in lines:
            cart.lines[sku] = cart.lines.get(sku, 0) + quantity
            too_many += cart.lines[sku] > LARGEST_QUANTITY
        if too_many:
            raise Refused(422, "quantity-too-large", fields=("quantity-too-large",) * too_many)

    def _offered(self, cart: Cart) -> PutDeliveryMethod | None:
        method = self.methods.bodies.get(cart.method or "")
        if method is None or method.price.currency != cart.currency:
            return None
        is_here = not method.stores or cart.store in method.stores
        return method if is_here and cart.country in method.countries else None

    def _price(self, cart: Cart) -> Bill:
        wishes = [Wish(quantity, sku) for sku, quantity in cart.lines.items()]
        method = self._offered(cart)
        if method:
            wishes.append(
                Wish(
                    unit_price=method.price.amount,
                    is_tax_included=method.is_tax_included,
                    tax_class=method.tax_class,
                )
            )
        if not wishes:
            return Bill([])
        try:
            return self.prices.resolve(cart.store, cart.currency, cart.country, wishes)
        except Refused as refused:
            if refused.code in ("line-too-large", "total-too-large"):
                raise Refused(422, "cart-too-expensive") from None
            raise Refused(409, "cart-not-priceable") from None

    def _gaps(self, cart: Cart) -> list[tuple[str, str | None]]:
        gaps: list[tuple[str, str | None]] = []
        if not cart.lines:
            gaps.append(("cart-empty", None))
        if cart.email is None:
            gaps.append(("address-missing", None))
        if cart.method is None:
            gaps.append(("delivery-missing", None))
        elif self._offered(cart) is None:
            gaps.append(("delivery-not-offered", None))
        return gaps

    def _line_problems(self, cart: Cart, bill: Bill) -> list[tuple[str, str | None]]:
        problems: list[tuple[str, str | None]] = []
        for sku, charge in zip(cart.lines, bill.charges, strict=False):
            if self.catalog.sold(sku) is None:
                problems.append(("sku-not-orderable", sku))
            elif charge is None:
                problems.append(("no-price", sku))
        return problems

    def _shortages(self, cart: Cart) -> list[tuple[str, str | None]]:
        return [
            ("not-enough-stock", sku)
            for sku, quantity in cart.lines.items()
            if self.catalog.sold(sku) and self.stock.available(sku) < quantity
        ]


def check_quantities(lines: list[tuple[str, int]]) -> None:
    """Whole pieces, 1 to 1,000,000."""
    if not all(1 <= quantity <= LARGEST_QUANTITY for _, quantity in lines):
        raise refused_input()


def wire(minor: int, currency: str) -> dict[str, str]:
    """Money as it is written."""
    return {"amount": Money(minor, currency).amount, "currency": currency}
