"""Every way in which orders says no.

```
NotFound 404
├── WarehouseNotFound, StockNotFound, DeliveryMethodNotFound
├── CartNotFound            unknown, or not opened by that secret: the same answer for both
├── CartLineNotFound
├── PlacementNotFound
└── OrderNotFound
Conflict 409
├── CountBelowReserved      fewer pieces were counted than are promised to orders
├── NotEnoughStock          names each SKU that falls short
├── HoldReleased            a hold that came after its own release
├── CartChanged             somebody else went on changing the cart at the same moment
├── CartBeingPlaced         being ordered right now, under another idempotency key
├── CartAlreadyOrdered      names the order
├── CartNotPriceable        pricing cannot say what it costs
├── CartNotOrderable        its code is that of the cart's first problem
├── PriceChanged            names the new total; nothing was charged
├── OrderRejected           an approver said no
├── ApprovalTimedOut        nobody decided in time
├── PlacementCancelled      by the member or an admin of the company
├── PlacementAlreadyPlaced  too late to cancel; names the order
├── OrderNotHeld            accounts holds no credit or budget for it; its code says why
├── MemberInactive          access was taken from the member before anybody was asked to approve
├── NothingToPay            a member's order that costs nothing
├── OrderAlreadyShipped     nothing of it is left to be shipped
├── OrderOnTerms            nothing was paid that could be captured or refunded
├── MovementTooLarge        less is left to be captured or refunded
├── PaymentMovementRefused  the provider would not capture or refund
└── PlacementOverdue        a neighbour was away until the deadline; all was undone
Invalid 422
├── StoreUnknown, CurrencyNotSold, LocaleNotSpoken
├── QuickOrderTooLong       more lines than one pasted list may have
├── SkuNotOrderable         each bad line has its pointer
├── CartTooLong, QuantityTooLarge, CartTooExpensive
├── CountryNotServed, DeliveryNotOffered
├── PaymentNotOffered       no provider of that method is set up
├── TermsNotOffered         a guest cannot pay on terms
├── OrderNotHeldAsTold      accounts refuses a field: the purchase order number, say
├── LinesNotShippable       each bad line has its pointer
└── PaymentDeclined
Forbidden 403
├── StoreForPeople          a member of a company does not buy there
├── MembersOnly             only members of companies have a list of carts
├── BuyersOnly              a member without the role of a buyer cannot order
└── PlacementNotYours       seen, but only who ordered or an admin may cancel it
Unauthenticated 401
├── StoreForCompanies       a guest does not buy there; sign in
└── NoticeNotSigned         a webhook whose signature does not hold
```
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from contracts.money import Money
from contracts.orders import MAX_CART_LINES, MAX_QUICK_ORDER_LINES, CartProblem, MovementKind
from contracts.pricing import MAX_QUANTITY
from contracts.problems import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
)


class WarehouseNotFound(NotFound):
    """No warehouse has that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no warehouse {key}.")


class StockNotFound(NotFound):
    """That SKU was never counted in that warehouse."""

    def __init__(self, warehouse: str, sku: str) -> None:
        super().__init__(f"{sku} was never counted in warehouse {warehouse}.")


class DeliveryMethodNotFound(NotFound):
    """No delivery method has that key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no delivery method {key}.")


class CartNotFound(NotFound):
    """No cart has that id, or it is not the caller's."""

    def __init__(self) -> None:
        super().__init__("There is no such cart, or neither Tandem-Cart-Secret nor token opens it.")


class CartLineNotFound(NotFound):
    """The cart has no such line."""

    def __init__(self, line_id: UUID) -> None:
        super().__init__(f"The cart has no line {line_id}.")


class PlacementNotFound(NotFound):
    """No placing has that id, or the secret does not open it."""

    def __init__(self) -> None:
        super().__init__("There is no such placement, or the Tandem-Cart-Secret does not open it.")


class OrderNotFound(NotFound):
    """No order has that number, or the secret does not open it."""

    def __init__(self) -> None:
        super().__init__("There is no such order, or the Tandem-Cart-Secret does not open it.")


class CountBelowReserved(Conflict):
    """Fewer pieces were counted than are promised to orders."""

    def __init__(self, sku: str, *, reserved: int) -> None:
        super().__init__(
            f"{reserved} of {sku} are reserved for orders here; count at least as many.",
            field="/on_hand",
            extra={"sku": sku, "reserved": reserved},
        )


class NotEnoughStock(Conflict):
    """More was wanted than is left; nothing was reserved."""

    def __init__(self, shortages: Sequence[tuple[str, int, int]]) -> None:
        """Take (SKU, wanted, left) for each SKU that falls short."""
        told = " ".join(only_left(sku, left) for sku, _, left in shortages[:20])
        super().__init__(
            told,
            extra={
                "shortages": [
                    {"sku": sku, "requested": wanted, "available": left}
                    for sku, wanted, left in shortages
                ]
            },
        )


class HoldReleased(Conflict):
    """The hold was released before it arrived, so it is refused for good."""

    def __init__(self) -> None:
        super().__init__("This hold was released already.")


class CartChanged(Conflict):
    """Others changed the cart at the same moment, again and again."""

    def __init__(self) -> None:
        super().__init__("The cart was changed by somebody else at the same moment; try again.")


class CartBeingPlaced(Conflict):
    """The cart is being ordered and cannot change meanwhile."""

    def __init__(self, placement_id: UUID | None = None) -> None:
        extra = {} if placement_id is None else {"placement_id": str(placement_id)}
        super().__init__("The cart is being ordered right now.", extra=extra)


class CartAlreadyOrdered(Conflict):
    """The cart has become an order."""

    def __init__(self, order_number: str) -> None:
        super().__init__(
            f"The cart was ordered as {order_number}.", extra={"order_number": order_number}
        )


class CartNotPriceable(Conflict):
    """Pricing cannot say what the cart costs: the shop is not set up for it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The cart cannot be priced: {why}")


class CartNotOrderable(Conflict):
    """Something in the cart must be mended before it can be ordered."""

    def __init__(self, problems: Sequence[CartProblem]) -> None:
        super().__init__(
            " ".join(problem.message for problem in problems[:20]),
            code=problems[0].code,
            extra={"problems": [one.model_dump(mode="json") for one in problems]},
        )


class PriceChanged(Conflict):
    """The total is not what the buyer agreed to; nothing was charged."""

    def __init__(self, *, agreed: Money, total: Money) -> None:
        super().__init__(
            f"The total is {total} now, not {agreed}; nothing was charged.",
            extra={"agreed_total": _wire(agreed), "total": _wire(total)},
        )


class MovementTooLarge(Conflict):
    """More was to be captured or refunded than is left."""

    def __init__(self, kind: MovementKind, left: Money) -> None:
        done = "captured" if kind is MovementKind.CAPTURE else "refunded"
        super().__init__(f"At most {left} can be {done}.", extra={"left": _wire(left)})


class PaymentMovementRefused(Conflict):
    """The payment provider would not capture or refund; nothing was moved."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The payment provider refused: {why}")


class PlacementOverdue(Conflict):
    """A neighbour stayed away until the placing's deadline; all was undone."""

    def __init__(self) -> None:
        super().__init__(
            "The order could not be placed in time and nothing was charged; please try again."
        )


class OrderRejected(Conflict):
    """An approver said no; what they said is told to who ordered."""

    def __init__(self, comment: str | None) -> None:
        told = "The order was rejected" + (f": {comment}" if comment else ".")
        super().__init__(told, extra={} if comment is None else {"comment": comment})


class ApprovalTimedOut(Conflict):
    """Nobody decided on the order in time."""

    def __init__(self) -> None:
        super().__init__("Nobody decided on the order in time; nothing is held for it any more.")


class PlacementCancelled(Conflict):
    """The order was cancelled before it was placed."""

    def __init__(self) -> None:
        super().__init__("The order was cancelled before it was placed.")


class PlacementAlreadyPlaced(Conflict):
    """It is too late to cancel: there is an order."""

    def __init__(self, order_number: str) -> None:
        super().__init__(
            f"It was placed as {order_number} and cannot be cancelled any more.",
            extra={"order_number": order_number},
        )


class OrderNotHeld(Conflict):
    """Accounts holds no credit or budget for the order; nothing was charged."""

    def __init__(self, code: str, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail, code=code, errors=errors)


class MemberInactive(Conflict):
    """Access was taken from the member while their order was on its way to be approved."""

    def __init__(self) -> None:
        super().__init__("The member who ordered has no access any more.")


class NothingToPay(Conflict):
    """A member's order costs nothing, so there is nothing to hold or to approve."""

    def __init__(self) -> None:
        super().__init__("An order that comes to nothing cannot be placed here.")


class OrderAlreadyShipped(Conflict):
    """All of the order was shipped."""

    def __init__(self) -> None:
        super().__init__("Nothing of this order is left to be shipped.")


class OrderOnTerms(Conflict):
    """The order is paid on terms, by an invoice."""

    def __init__(self) -> None:
        super().__init__("This order is paid on terms: nothing was paid that could be moved.")


class StoreUnknown(Invalid):
    """No store has that key."""

    def __init__(self, store: str) -> None:
        super().__init__(f"There is no store {store}.", field="/store")


class CurrencyNotSold(Invalid):
    """The store does not sell in that currency."""

    def __init__(self, currency: str, *, sold: Sequence[str]) -> None:
        super().__init__(
            f"The store does not sell in {currency}, but in {', '.join(sold)}.", field="/currency"
        )


class LocaleNotSpoken(Invalid):
    """The store does not speak that locale."""

    def __init__(self, locale: str, *, spoken: Sequence[str]) -> None:
        super().__init__(
            f"The store does not speak {locale}, but {', '.join(spoken)}.", field="/locale"
        )


class QuickOrderTooLong(Invalid):
    """More lines were pasted than are taken at once; none was."""

    def __init__(self) -> None:
        super().__init__(
            f"At most {MAX_QUICK_ORDER_LINES} lines that are not empty are taken at once.",
            field="/text",
        )


class SkuNotOrderable(Invalid):
    """Lines with SKUs that cannot be bought here; all of them are told at once."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        """Take (index, SKU) of each bad line."""
        errors = [
            FieldError(
                pointer=f"/lines/{index}/sku", code="sku-not-orderable", message=not_sold(sku)
            )
            for index, sku in lines
        ]
        super().__init__(" ".join(error.message for error in errors[:20]), errors=errors)


class CartTooLong(Invalid):
    """The cart would have more lines than a cart may have."""

    def __init__(self, *, field: str = "/lines") -> None:
        super().__init__(f"A cart has at most {MAX_CART_LINES} lines.", field=field)


class QuantityTooLarge(Invalid):
    """Together with what is in the cart it would be more than a line may have."""

    def __init__(self, indexes: Iterable[int]) -> None:
        message = f"A line has at most {MAX_QUANTITY} pieces, with those already in the cart."
        super().__init__(
            message,
            errors=[
                FieldError(
                    pointer=f"/lines/{index}/quantity", code="quantity-too-large", message=message
                )
                for index in indexes
            ],
        )


class CartTooExpensive(Invalid):
    """The cart would cost more than any sum of money may be."""

    def __init__(self) -> None:
        super().__init__("The cart would cost too much; take fewer pieces.", field="/lines")


class CountryNotServed(Invalid):
    """The store does not deliver to that country."""

    def __init__(self, country: str) -> None:
        super().__init__(
            f"The store does not deliver to {country}.", field="/delivery_address/country"
        )


class DeliveryNotOffered(Invalid):
    """No such delivery method for this store, country and currency."""

    def __init__(self, method: str, *, country: str) -> None:
        super().__init__(f"{method} is not offered here for {country}.", field="/delivery_method")


class PaymentNotOffered(Invalid):
    """No provider of that payment method is set up here."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"The payment method {method} is not offered here.", field="/payment/method"
        )


class TermsNotOffered(Invalid):
    """Only members of companies pay on terms."""

    def __init__(self) -> None:
        super().__init__(
            "Only members of companies pay on terms; sign in, or pay at once.",
            field="/payment/method",
        )


class OrderNotHeldAsTold(Invalid):
    """Accounts holds nothing as long as a field says what it does."""

    def __init__(self, code: str, detail: str, errors: Sequence[FieldError]) -> None:
        super().__init__(detail, code=code, errors=errors)


class LinesNotShippable(Invalid):
    """Lines that were not ordered, or are more than what is left; all are told at once."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(" ".join(error.message for error in errors[:20]), errors=errors)


class PaymentDeclined(Invalid):
    """The payment provider refused; nothing was charged."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The payment was declined: {reason}.", field="/payment/token")


class StoreForPeople(Forbidden):
    """The store sells to people; a member of a company buys in one for companies."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"The store {store} sells to people: buy there as a guest, without a member's token."
        )


class MembersOnly(Forbidden):
    """Only members of companies have carts that can be listed."""

    def __init__(self) -> None:
        super().__init__("Only a member of a company has carts to list.")


class BuyersOnly(Forbidden):
    """The member approves or keeps the company, but does not buy."""

    def __init__(self) -> None:
        super().__init__("Only a member with the role of a buyer can order.")


class PlacementNotYours(Forbidden):
    """Only who ordered, or an admin of the company, cancels."""

    def __init__(self) -> None:
        super().__init__("Only the member who orders, or an admin of the company, can cancel it.")


class StoreForCompanies(Unauthenticated):
    """The store sells to members of companies, who must be signed in."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"The store {store} sells to companies: sign in as a member of one.",
            headers={"WWW-Authenticate": "Bearer"},
        )


class NoticeNotSigned(Unauthenticated):
    """A webhook that the payment provider did not sign, or signed more than five minutes ago."""

    def __init__(self) -> None:
        super().__init__("The signature of this webhook does not hold.")


def only_left(sku: str, left: int) -> str:
    """Say how many there still are."""
    if not left:
        return f"{sku} is out of stock."
    return f"Only {left} of {sku} {'is' if left == 1 else 'are'} left."


def has_no_price(sku: str) -> str:
    """Say that nobody knows what a SKU costs here."""
    return f"{sku} has no price here."


def not_sold(sku: str) -> str:
    """Say that a SKU cannot be bought here."""
    return f"{sku} is not sold in this store."


def _wire(money: Money) -> dict[str, str]:
    return {"amount": money.amount, "currency": money.currency}
