"""Rules of a cart: how it changes, what is asked of pricing for it, what keeps it from being
ordered. A cart's state is a value; a change makes another. Nothing here reads or writes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from contracts.buyers import BuyerProfile
from contracts.catalog import Audience
from contracts.money import Money, UnitPrice
from contracts.orders import (
    MAX_CART_LINES,
    Address,
    CartBuyer,
    CartProblem,
    CartStatus,
    Totals,
)
from contracts.pricing import (
    MAX_QUANTITY,
    LineKind,
    PricedLine,
    PriceResolution,
    PricingOutcome,
    ResolveLine,
    ResolvePrices,
    TaxedAmount,
)
from contracts.text import in_locale
from orders.delivery.domain import Method, is_offered
from orders.errors import (
    CartAlreadyOrdered,
    CartBeingPlaced,
    CartLineNotFound,
    CartTooLong,
    CountryNotServed,
    CurrencyNotSold,
    DeliveryNotOffered,
    LocaleNotSpoken,
    QuantityTooLarge,
    StoreForCompanies,
    StoreForPeople,
    has_no_price,
    not_sold,
    only_left,
)
from orders.product.domain import SkuFacts
from orders.store.domain import StoreFacts

DELIVERY = "delivery"
"""How the delivery line is called when pricing is asked; the items are called by their line id."""


@dataclass(frozen=True, slots=True)
class Opener:
    """By what right somebody opens carts: a guest by a secret, a member by who they are."""

    secret: str | None = None
    profile: BuyerProfile | None = None

    def is_owner(self, *, member_id: UUID, company: str) -> bool:
        """Whether this is that member, still of that company."""
        return (
            self.profile is not None
            and self.profile.member_id == member_id
            and self.profile.company == company
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A SKU and how many of it."""

    id: UUID
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CartState:
    """A cart as it is stored: what was chosen, no price.

    What may be in a narrowed cart hangs on who buys, or on the store's assortment; in others it
    may be all that is published.
    """

    id: UUID
    version: int
    status: CartStatus
    store: str
    currency: str
    country: str
    locale: str
    updated_at: datetime
    lines: tuple[Line, ...] = ()
    email: str | None = None
    delivery_address: Address | None = None
    billing_address: Address | None = None
    delivery_method: str | None = None
    placement_id: UUID | None = None
    order_number: str | None = None
    buyer: CartBuyer | None = None
    is_narrowed: bool = False

    @property
    def member_id(self) -> UUID | None:
        """The member whose cart it is; None for a guest's."""
        return None if self.buyer is None else self.buyer.member_id


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else a cart's answer rests on: its SKUs that are sold to who buys, what is left, the
    chosen method.
    """

    skus: Mapping[str, SkuFacts]
    available: Mapping[str, int]
    method: Method | None


Change = Callable[[CartState], CartState]


def require_audience(store: StoreFacts, profile: BuyerProfile | None) -> None:
    """Raise StoreForCompanies or StoreForPeople where a guest or a member does not buy."""
    if store.audience is Audience.B2B and profile is None:
        raise StoreForCompanies(store.key)
    if store.audience is Audience.D2C and profile is not None:
        raise StoreForPeople(store.key)


def is_narrowed(buyer: CartBuyer | None, *, audience: str, default_assortment: str | None) -> bool:
    """Whether more than being published decides what may be in a cart."""
    return buyer is not None or audience == Audience.B2B or default_assortment is not None


def buyer_of(profile: BuyerProfile | None) -> CartBuyer | None:
    """Whose cart a new one is: the member's, for the unit that they act for now."""
    if profile is None:
        return None
    return CartBuyer(member_id=profile.member_id, company=profile.company, unit=profile.units[0])


def open_cart(
    store: StoreFacts,
    *,
    cart_id: UUID,
    currency: str | None,
    locale: str | None,
    now: datetime,
    profile: BuyerProfile | None = None,
) -> CartState:
    """An empty cart in the store's currency, locale and country: a member's, or a guest's.

    Raises StoreForCompanies, StoreForPeople, CurrencyNotSold and LocaleNotSpoken.
    """
    require_audience(store, profile)
    if currency is not None and currency not in store.currencies:
        raise CurrencyNotSold(currency, sold=store.currencies)
    if locale is not None and locale not in store.locales:
        raise LocaleNotSpoken(locale, spoken=store.locales)
    return CartState(
        id=cart_id,
        version=1,
        status=CartStatus.OPEN,
        store=store.key,
        currency=currency or store.currencies[0],
        country=store.countries[0],
        locale=locale or store.locales[0],
        updated_at=now,
        buyer=buyer_of(profile),
        is_narrowed=is_narrowed(
            buyer_of(profile),
            audience=store.audience,
            default_assortment=store.default_assortment,
        ),
    )


def require_open(cart: CartState) -> None:
    """Raise CartBeingPlaced or CartAlreadyOrdered unless the cart may change."""
    if cart.status is CartStatus.PLACING:
        raise CartBeingPlaced(cart.placement_id)
    if cart.status is CartStatus.ORDERED:
        raise CartAlreadyOrdered(cart.order_number or "")


def add_lines(
    cart: CartState, wanted: Sequence[tuple[str, int]], *, line_ids: Sequence[UUID]
) -> CartState:
    """Put SKUs in; one that is in already grows. Raises QuantityTooLarge and CartTooLong.

    `line_ids` are ids for the new lines, one for each that is wanted.
    """
    lines = {line.sku: line for line in cart.lines}
    too_large = []
    for index, ((sku, quantity), line_id) in enumerate(zip(wanted, line_ids, strict=True)):
        line = lines.get(sku, Line(line_id, sku, 0))
        lines[sku] = replace(line, quantity=line.quantity + quantity)
        if line.quantity + quantity > MAX_QUANTITY:
            too_large.append(index)
    if too_large:
        raise QuantityTooLarge(too_large)
    if len(lines) > MAX_CART_LINES:
        raise CartTooLong
    return replace(cart, lines=tuple(lines.values()))


def change_line(cart: CartState, line_id: UUID, quantity: int) -> CartState:
    """Set a line's quantity. Raises CartLineNotFound."""
    if all(line.id != line_id for line in cart.lines):
        raise CartLineNotFound(line_id)
    changed = (
        replace(line, quantity=quantity) if line.id == line_id else line for line in cart.lines
    )
    return replace(cart, lines=tuple(changed))


def remove_line(cart: CartState, line_id: UUID) -> CartState:
    """Take a line out. Raises CartLineNotFound."""
    kept = tuple(line for line in cart.lines if line.id != line_id)
    if len(kept) == len(cart.lines):
        raise CartLineNotFound(line_id)
    return replace(cart, lines=kept)


def set_address(
    cart: CartState,
    store: StoreFacts,
    *,
    email: str,
    delivery: Address,
    billing: Address | None,
) -> CartState:
    """Say who buys and where it goes; the country decides the tax. Raises CountryNotServed."""
    if delivery.country not in store.countries:
        raise CountryNotServed(delivery.country)
    return replace(
        cart,
        email=email,
        delivery_address=delivery,
        billing_address=billing,
        country=delivery.country,
    )


def set_delivery(cart: CartState, key: str, method: Method | None) -> CartState:
    """Choose a delivery method. Raises DeliveryNotOffered for one unknown or not for this cart."""
    if method is None or not is_offered_for(cart, method):
        raise DeliveryNotOffered(key, country=cart.country)
    return replace(cart, delivery_method=key)


def is_offered_for(cart: CartState, method: Method) -> bool:
    """Whether a method is offered for the cart's store, country and currency."""
    return is_offered(method, store=cart.store, country=cart.country, currency=cart.currency)


def find_unsold(
    wanted: Sequence[tuple[str, int]], skus: Mapping[str, SkuFacts]
) -> list[tuple[int, str]]:
    """Index and SKU of each wanted line that is not sold."""
    return [(index, sku) for index, (sku, _) in enumerate(wanted) if sku not in skus]


def to_resolve(cart: CartState, method: Method | None) -> ResolvePrices | None:
    """What to ask pricing: all items, and delivery where it can be had; None for nothing."""
    lines = [
        ResolveLine(ref=str(line.id), sku=line.sku, quantity=line.quantity) for line in cart.lines
    ]
    if method is not None and is_offered_for(cart, method):
        lines.append(
            ResolveLine(
                ref=DELIVERY,
                kind=LineKind.DELIVERY,
                unit_price=UnitPrice.of(method.price, method.currency),
                is_tax_included=method.is_tax_included,
                tax_class=method.tax_class,
            )
        )
    if not lines:
        return None
    return ResolvePrices(
        store=cart.store, currency=cart.currency, country=cart.country, lines=lines
    )


def priced_by_ref(resolution: PriceResolution | None) -> dict[str, PricedLine]:
    """The priced lines by what they were called."""
    return {} if resolution is None else {line.ref: line for line in resolution.lines}


def totals_of(resolution: PriceResolution | None, *, currency: str) -> Totals:
    """Sum up what lines cost, which pricing has rounded: items + delivery = total."""
    lines = [] if resolution is None else resolution.lines
    items = sum_amounts([line.total for line in lines if line.ref != DELIVERY], currency)
    delivery = sum_amounts([line.total for line in lines if line.ref == DELIVERY], currency)
    return Totals(
        items=items,
        delivery=delivery,
        total=sum_amounts([items, delivery], currency),
        taxes=[] if resolution is None else resolution.taxes,
    )


def sum_amounts(amounts: Sequence[TaxedAmount | None], currency: str) -> TaxedAmount:
    """Add sums up part by part; a line without a price adds nothing."""
    known = [one for one in amounts if one is not None]
    return TaxedAmount(
        net=Money(sum(one.net.minor for one in known), currency),
        tax=Money(sum(one.tax.minor for one in known), currency),
        gross=Money(sum(one.gross.minor for one in known), currency),
    )


def shown_price(line: PricedLine, *, tax_display: str) -> UnitPrice | None:
    """The price of one piece as the store shows prices: with tax (`gross`) or without (`net`).

    Where the list has it the other way, it is converted by the line's rate, to six decimals; a
    line's total is never made from that.
    """
    price, wants_tax = line.unit_price, tax_display == "gross"
    if price is None or wants_tax == line.is_tax_included or line.tax_rate is None:
        return price
    factor = 1 + Decimal(line.tax_rate)
    amount = Decimal(price.amount)
    converted = amount * factor if wants_tax else amount / factor
    return UnitPrice.of(converted.quantize(Decimal("0.000001")), price.currency)


def find_problems(
    cart: CartState,
    skus: Mapping[str, SkuFacts],
    method: Method | None,
    priced: Mapping[str, PricedLine],
) -> list[CartProblem]:
    """Everything but stock that keeps a cart from being ordered, with the line it is about."""
    problems = find_gaps(cart, method)
    for line in cart.lines:
        known = priced.get(str(line.id))
        if line.sku not in skus:
            code, message = "sku-not-orderable", not_sold(line.sku)
        elif known is None or known.outcome is PricingOutcome.NO_PRICE:
            code, message = "no-price", has_no_price(line.sku)
        elif known.quantity_problem is not None:
            code, message = known.quantity_problem.code, known.quantity_problem.message
        else:
            continue
        problems.append(CartProblem(code=code, message=message, line_id=line.id))
    return problems


def find_shortages(
    cart: CartState, skus: Mapping[str, SkuFacts], available: Mapping[str, int]
) -> list[CartProblem]:
    """The lines of which more is wanted than is left; what is not sold at all is left out."""
    short = [
        (line, max(available.get(line.sku, 0), 0))
        for line in cart.lines
        if line.sku in skus and available.get(line.sku, 0) < line.quantity
    ]
    return [
        CartProblem(code="not-enough-stock", message=only_left(line.sku, left), line_id=line.id)
        for line, left in short
    ]


def find_gaps(cart: CartState, method: Method | None) -> list[CartProblem]:
    """What is missing in a cart, as far as can be seen without asking anybody."""
    gaps = []
    if not cart.lines:
        gaps.append(("cart-empty", "There is nothing in the cart."))
    if cart.delivery_address is None or cart.email is None:
        gaps.append(("address-missing", "Say who buys and where it goes."))
    if cart.delivery_method is None:
        gaps.append(("delivery-missing", "Choose how it is brought."))
    elif method is None or not is_offered_for(cart, method):
        message = f"{cart.delivery_method} is not offered here for {cart.country}."
        gaps.append(("delivery-not-offered", message))
    return [CartProblem(code=code, message=message) for code, message in gaps]


def name_of(sku: SkuFacts | None, locale: str) -> str | None:
    """The product's name for a reader of that locale."""
    return None if sku is None else in_locale(dict(sku.name), locale)
