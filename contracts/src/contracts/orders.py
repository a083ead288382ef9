"""What orders takes, answers and tells: stock, delivery, carts, placing, orders."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from contracts.catalog import TaxClass
from contracts.envelope import MAX_BATCH_ITEMS, EventData
from contracts.ids import CountryCode, Key, Locale, Sku
from contracts.model import Answer, Flag, Request, Whole
from contracts.money import Currency, Money, UnitPrice
from contracts.pricing import Quantity, TaxedAmount, TaxTotal
from contracts.problems import ProblemDetail
from contracts.testpay import CARDS, PaymentToken
from contracts.text import Email, LocalizedName, LocalizedText, ShortText

MAX_STOCK = 1_000_000_000
MAX_CART_LINES = 1000
MAX_QUICK_ORDER_LINES = 500
_gbp = {"amount": "20.34", "currency": "GBP"}
_id = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
_time = "2026-11-22T10:00:00Z"


class PutWarehouse(Request):
    """A place where stock lies."""

    name: ShortText = Field(description="For the people who work there.", examples=["Main"])
    country: CountryCode = Field(description="Where it stands.", examples=["GB"])
    priority: Whole = Field(
        default=0,
        ge=-1_000_000,
        le=1_000_000,
        description="Stock is reserved from the highest first; then by key.",
        examples=[0],
    )


class Warehouse(PutWarehouse):
    """A warehouse as orders keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["main"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class PutStock(Request):
    """What was counted of a SKU in a warehouse. The difference is booked as an adjustment."""

    on_hand: Annotated[int, Field(ge=0, le=MAX_STOCK, strict=True)] = Field(
        description="Pieces that lie there, reserved ones too.", examples=[250]
    )


class PutStockLine(PutStock):
    """One line of a bulk request: a count and its SKU."""

    sku: Sku = Field(description="The SKU, case-sensitive.", examples=["71053"])


class StockLevel(Answer):
    """The stock of a SKU in a warehouse."""

    warehouse: Key = Field(description="Key of the warehouse.", examples=["main"])
    sku: str = Field(description="The SKU.", examples=["71053"])
    on_hand: int = Field(description="Pieces that lie there.", examples=[250])
    reserved: int = Field(description="Pieces promised to orders, of those.", examples=[8])
    available: int = Field(description="on_hand - reserved.", examples=[242])
    version: int = Field(
        description="Of this SKU's stock in all warehouses; grows with every change.", examples=[4]
    )
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class PutDeliveryMethod(Request):
    """A way to have an order brought."""

    name: LocalizedName = Field(
        description="The name per locale.", examples=[{"en": "Standard delivery"}]
    )
    description: LocalizedText = Field(
        default_factory=dict,
        description="More of it per locale.",
        examples=[{"en": "Two to three working days."}],
    )
    stores: list[Key] = Field(
        default_factory=list,
        max_length=200,
        description="Stores it is offered in; none named means all.",
        examples=[["d2c-uk"]],
    )
    countries: list[CountryCode] = Field(
        min_length=1, max_length=250, description="Where it goes.", examples=[["GB"]]
    )
    price: UnitPrice = Field(
        description="For one order.", examples=[{"amount": "3.95", "currency": "GBP"}]
    )
    is_tax_included: Flag = Field(
        default=True, description="Whether the price has tax in it.", examples=[True]
    )
    tax_class: TaxClass = Field(
        default="standard", description="How it is taxed.", examples=["standard"]
    )
    position: Whole = Field(
        default=0, ge=0, le=1_000_000, description="The smallest is offered first.", examples=[0]
    )


class DeliveryMethod(PutDeliveryMethod):
    """A delivery method as orders keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["standard"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class Address(Request):
    """Where something goes, or who pays."""

    name: ShortText = Field(description="Person or firm.", examples=["Ada Lovelace"])
    company: ShortText | None = Field(
        default=None, description="Firm, where the name is a person.", examples=["Analytical Ltd"]
    )
    line1: ShortText = Field(description="Street and number.", examples=["12 St James's Square"])
    line2: ShortText | None = Field(default=None, description="More of it.", examples=["Flat 2"])
    city: ShortText = Field(description="Town.", examples=["London"])
    region: ShortText | None = Field(
        default=None, description="County, state, province.", examples=["Greater London"]
    )
    postal_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{1,16}$")] | None = Field(
        default=None, description="Where the country has one.", examples=["SW1Y 4JH"]
    )
    country: CountryCode = Field(description="ISO 3166-1 alpha-2.", examples=["GB"])
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ()./-]{3,32}$")] | None = Field(
        default=None, description="For the driver.", examples=["+44 20 7946 0000"]
    )


class CartLineInput(Request):
    """A SKU and how many of it."""

    sku: Sku = Field(description="The SKU, case-sensitive.", examples=["71053"])
    quantity: Quantity = Field(description="How many, 1 to 1,000,000.", examples=[6])


class OpenCart(Request):
    """Open a cart: a member's in a store for companies, a guest's in one for people."""

    store: Key = Field(description="Key of the store.", examples=["d2c-uk"])
    currency: Currency | None = Field(
        default=None, description="One of the store's; its default if absent.", examples=["GBP"]
    )
    locale: Locale | None = Field(
        default=None, description="One of the store's; its default if absent.", examples=["en"]
    )
    lines: list[CartLineInput] = Field(
        default_factory=list,
        max_length=MAX_CART_LINES,
        description="What to put into it at once, maybe nothing.",
        examples=[[{"sku": "71053", "quantity": 6}]],
    )


class AddCartLines(Request):
    """Put SKUs into a cart; one that is in it already grows by the quantity."""

    lines: list[CartLineInput] = Field(
        min_length=1,
        max_length=MAX_CART_LINES,
        description="What to add; all or nothing.",
        examples=[[{"sku": "71053", "quantity": 6}]],
    )


class ChangeCartLine(Request):
    """Set a line's quantity."""

    quantity: Quantity = Field(
        description="How many from now on; to take a line out, delete it.", examples=[12]
    )


class SetCartAddress(Request):
    """Say who buys and where it goes."""

    email: Email = Field(description="For news of the order.", examples=["ada@example.com"])
    delivery_address: Address = Field(description="Where it goes.")
    billing_address: Address | None = Field(
        default=None, description="Who pays, where that is another."
    )


class SetCartDelivery(Request):
    """Choose how it is brought."""

    delivery_method: Key = Field(
        description="Key of a method offered for the cart's store and country.",
        examples=["standard"],
    )


class QuickOrder(Request):
    """Put a pasted list into a cart: a SKU and a quantity a line.

    SKU and quantity are parted by a tab, comma, semicolon or spaces. A line without a quantity is
    for one piece. Empty lines are passed over. What one line names more than once adds up.
    """

    text: Annotated[str, StringConstraints(min_length=1, max_length=64_000)] = Field(
        description="At most 500 lines that are not empty.",
        examples=["71053\t6\n85123A;12\n22423 2"],
    )


class QuickOrderRefusal(Answer):
    """A line of a pasted list that was not taken."""

    line: int = Field(description="Its number in the text, the first is 1.", examples=[3])
    text: str = Field(description="The line, its first 200 characters.", examples=["NOSUCH 2"])
    code: str = Field(
        description="line-unreadable, quantity-unreadable, sku-not-orderable, no-price, "
        "below-minimum, above-maximum, off-multiple, quantity-too-large.",
        examples=["sku-not-orderable"],
    )
    message: str = Field(
        description="What is wrong and what would do.",
        examples=["NOSUCH is not sold in this store."],
    )


class CartBuyer(Answer):
    """The member whose cart or order it is, and for whom they act."""

    member_id: UUID = Field(description="The member.", examples=[_id])
    company: Key = Field(description="Key of the company.", examples=["brighton-gifts"])
    unit: Key = Field(description="Key of the unit.", examples=["shop-one"])


class CartStatus(StrEnum):
    """Where a cart stands."""

    OPEN = "open"
    PLACING = "placing"
    ORDERED = "ordered"


class CartProblem(Answer):
    """Why a cart cannot be ordered as it is."""

    code: str = Field(
        description="sku-not-orderable, no-price, not-enough-stock, cart-empty, address-missing, "
        "delivery-missing, delivery-not-offered, below-minimum, above-maximum, off-multiple.",
        examples=["not-enough-stock"],
    )
    message: str = Field(
        description="What is wrong and what would do.",
        examples=["Only 4 of 71053 are left."],
    )
    line_id: UUID | None = Field(default=None, description="The line it is about.", examples=[_id])


class CartLine(Answer):
    """A line of a cart, priced now."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    sku: str = Field(description="The SKU.", examples=["71053"])
    product_key: Key | None = Field(
        default=None, description="The product it belongs to.", examples=["71053"]
    )
    name: str | None = Field(
        default=None,
        description="The product's name in the cart's locale.",
        examples=["White metal lantern"],
    )
    quantity: int = Field(description="How many.", examples=[6])
    unit_price: UnitPrice | None = Field(
        default=None,
        description="Of one piece, as the store shows prices; null without a price.",
        examples=[{"amount": "3.39", "currency": "GBP"}],
    )
    total: TaxedAmount | None = Field(default=None, description="Of the line.")


class ChosenDelivery(Answer):
    """How an order is brought, and what that costs."""

    delivery_method: Key = Field(description="Key of the method.", examples=["standard"])
    name: str = Field(description="In the cart's locale.", examples=["Standard delivery"])
    total: TaxedAmount = Field(description="What it costs.")


class Totals(Answer):
    """What everything costs: items + delivery = total."""

    items: TaxedAmount = Field(description="All lines.")
    delivery: TaxedAmount = Field(description="Delivery; zero until it is chosen.")
    total: TaxedAmount = Field(description="All of it; its gross is what is charged.")
    taxes: list[TaxTotal] = Field(description="The tax by rate.")


class Cart(Answer):
    """A cart, priced now by pricing in one call."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    version: int = Field(description="Grows by one with every change.", examples=[3])
    status: CartStatus = Field(description="Where it stands.", examples=["open"])
    store: Key = Field(description="Key of the store.", examples=["d2c-uk"])
    buyer: CartBuyer | None = Field(
        default=None, description="The member whose cart it is; null: a guest's."
    )
    currency: Currency = Field(description="Of all amounts.", examples=["GBP"])
    country: CountryCode = Field(description="Where it goes, for tax.", examples=["GB"])
    locale: Locale = Field(description="Of the names.", examples=["en"])
    lines: list[CartLine] = Field(description="In the order they were put in.")
    email: str | None = Field(
        default=None, description="For news of the order.", examples=["ada@example.com"]
    )
    delivery_address: Address | None = Field(default=None, description="Where it goes.")
    billing_address: Address | None = Field(
        default=None, description="Who pays, where that is another."
    )
    delivery: ChosenDelivery | None = Field(default=None, description="How it is brought.")
    totals: Totals = Field(description="What everything costs.")
    problems: list[CartProblem] = Field(
        description="Why it cannot be ordered yet; empty when it can."
    )
    order_number: str | None = Field(
        default=None, description="Of the order it became.", examples=["T-1000042"]
    )
    updated_at: AwareDatetime = Field(description="When it changed last, UTC.", examples=[_time])


class QuickOrdered(Answer):
    """What came of a pasted list: the good lines are in the cart, the others were refused."""

    cart: Cart = Field(description="The cart as it is now.")
    taken: int = Field(description="How many lines were taken.", examples=[24])
    refused: list[QuickOrderRefusal] = Field(description="Lines that were not, each with why.")


class OpenedCart(Answer):
    """A new cart; a guest's comes with the secret that opens it, told only this once."""

    cart: Cart = Field(description="The cart.")
    secret: str | None = Field(
        default=None,
        description="A guest sends it as `Tandem-Cart-Secret`; it opens the order too. Keep it. "
        "Null for a member, whose token opens it.",
        examples=["c2VjcmV0LWV4YW1wbGUtb25seS1ub3QtcmVhbA"],
    )


class TestPayment(Request):
    """A payment that moves no money, for demos and tests."""

    method: Literal["test"] = Field(description="The payment provider.", examples=["test"])
    token: PaymentToken = Field(
        description="The test card: " + "; ".join(f"{card} {what}" for card, what in CARDS.items()),
        examples=["tok_ok"],
    )


class TermsPayment(Request):
    """Payment on the terms of the company's agreement: an invoice, due later."""

    method: Literal["terms"] = Field(description="On terms.", examples=["terms"])


class PlaceOrder(Request):
    """Order what is in the cart at the total that was shown."""

    agreed_total: Money = Field(
        description="The cart's `totals.total.gross` as the buyer saw it; another is refused.",
        examples=[_gbp],
    )
    payment: Annotated[TestPayment | TermsPayment, Field(discriminator="method")] = Field(
        description="How it is paid; on terms by members only.",
        examples=[{"method": "test", "token": "tok_ok"}],
    )
    purchase_order_number: ShortText | None = Field(
        default=None,
        description="The company's own number for it; needed where its agreement says so.",
        examples=["PO-4711"],
    )


class OrderStatus(StrEnum):
    """Where an order stands: placed, some of it shipped, or all of it."""

    PLACED = "placed"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"


class OrderLine(Answer):
    """A line of an order, as it was when it was placed."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    sku: str = Field(description="The SKU.", examples=["71053"])
    product_key: Key | None = Field(
        default=None, description="The product it belongs to.", examples=["71053"]
    )
    name: str = Field(
        description="The product's name in the order's locale.", examples=["White metal lantern"]
    )
    quantity: int = Field(description="How many.", examples=[6])
    shipped: int = Field(default=0, description="How many of them were shipped.", examples=[4])
    unit_price: UnitPrice = Field(
        description="Of one piece, as the store shows prices.",
        examples=[{"amount": "3.39", "currency": "GBP"}],
    )
    total: TaxedAmount = Field(description="Of the line.")


class PaymentStatus(StrEnum):
    """Where a payment stands: reserved; some or all taken; all that was taken given back."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    REFUNDED = "refunded"


class Payment(Answer):
    """How an order is paid."""

    method: str = Field(description="The payment provider.", examples=["test"])
    status: PaymentStatus = Field(description="Where it stands.", examples=["authorised"])
    amount: Money = Field(description="How much was authorised.", examples=[_gbp])
    captured: Money = Field(description="How much of it was taken.", examples=[_gbp])
    refunded: Money = Field(
        description="How much of that was given back.",
        examples=[{"amount": "0.00", "currency": "GBP"}],
    )
    reference: str = Field(description="The provider's name for it.", examples=[f"{_id}:pay"])


class OrderTerms(Answer):
    """The terms that an order is paid on."""

    agreement: Key = Field(description="Key of the agreement.", examples=["brighton-2026"])
    payment_days: int = Field(description="Days until its invoice is due.", examples=[30])


class ShipmentLineInput(Request):
    """How many pieces of an order's SKU are in a parcel."""

    sku: Sku = Field(description="The SKU, as ordered.", examples=["71053"])
    quantity: Quantity = Field(description="How many of it.", examples=[4])


class ShipOrder(Request):
    """Ship some or all of an order, as a WMS reports it."""

    lines: list[ShipmentLineInput] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_CART_LINES,
        description="What is in the parcel; all that is left if absent.",
        examples=[[{"sku": "71053", "quantity": 4}]],
    )
    carrier: ShortText | None = Field(
        default=None, description="Who carries it.", examples=["Royal Mail"]
    )
    tracking_number: ShortText | None = Field(
        default=None, description="The carrier's number for it.", examples=["RM123456785GB"]
    )

    @model_validator(mode="after")
    def _skus_differ(self) -> "ShipOrder":
        skus = [line.sku for line in self.lines or ()]
        if len(set(skus)) != len(skus):
            raise ValueError("lines must have different SKUs")
        return self


class ShipmentLine(Answer):
    """What is in a parcel."""

    sku: str = Field(description="The SKU.", examples=["71053"])
    quantity: int = Field(description="How many of it.", examples=[4])


class Shipment(Answer):
    """A parcel of an order."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    lines: list[ShipmentLine] = Field(description="What is in it.")
    carrier: str | None = Field(
        default=None, description="Who carries it.", examples=["Royal Mail"]
    )
    tracking_number: str | None = Field(
        default=None, description="The carrier's number for it.", examples=["RM123456785GB"]
    )
    shipped_at: AwareDatetime = Field(description="When, UTC.", examples=[_time])


class CapturePayment(Request):
    """Take money that an order's payment reserved, as when its goods are shipped."""

    amount: Money | None = Field(
        default=None, description="How much; all that is left if absent.", examples=[_gbp]
    )


class RefundPayment(Request):
    """Give money back that was taken for an order."""

    amount: Money | None = Field(
        default=None, description="How much; all that is left if absent.", examples=[_gbp]
    )


class MovementKind(StrEnum):
    """Which way money goes."""

    CAPTURE = "capture"
    REFUND = "refund"


class MovementStatus(StrEnum):
    """Where a movement stands."""

    PENDING = "pending"
    DONE = "done"


class PaymentMovement(Answer):
    """Money taken or given back, a durable process: it goes on by itself until it is done."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    kind: MovementKind = Field(description="Which way it goes.", examples=["capture"])
    status: MovementStatus = Field(description="Where it stands.", examples=["done"])
    amount: Money = Field(description="How much.", examples=[_gbp])


class Order(Answer):
    """An order, as it was placed and where it stands."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    number: str = Field(description="For people.", examples=["T-1000042"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    status: OrderStatus = Field(description="Where it stands.", examples=["placed"])
    store: Key = Field(description="Key of the store.", examples=["d2c-uk"])
    buyer: CartBuyer | None = Field(
        default=None, description="The member who ordered; null: a guest."
    )
    purchase_order_number: str | None = Field(
        default=None, description="The company's own number for it.", examples=["PO-4711"]
    )
    currency: Currency = Field(description="Of all amounts.", examples=["GBP"])
    country: CountryCode = Field(description="Where it goes.", examples=["GB"])
    locale: Locale = Field(description="Of the names.", examples=["en"])
    lines: list[OrderLine] = Field(description="In the cart's order.")
    email: str = Field(description="For news of the order.", examples=["ada@example.com"])
    delivery_address: Address = Field(description="Where it goes.")
    billing_address: Address = Field(description="Who pays.")
    delivery: ChosenDelivery = Field(description="How it is brought.")
    payment: Payment | None = Field(
        default=None, description="How it was paid at once; null: on terms."
    )
    terms: OrderTerms | None = Field(
        default=None, description="The terms it is paid on; null: paid at once."
    )
    shipments: list[Shipment] = Field(
        default_factory=list, description="Its parcels, the first first."
    )
    totals: Totals = Field(description="What everything costs.")
    placed_at: AwareDatetime = Field(description="When it was placed, UTC.", examples=[_time])


class PlacementStatus(StrEnum):
    """Where the placing of an order stands.

    pending: it goes on by itself. awaiting_approval: a person decides. placed: there is an order.
    refused: there is none and nothing is held; the problem's code says why, such as
    `order-rejected`, `approval-timed-out`, `placement-cancelled` or `credit-exceeded`.
    """

    PENDING = "pending"
    AWAITING_APPROVAL = "awaiting_approval"
    PLACED = "placed"
    REFUSED = "refused"


class Placement(Answer):
    """The placing of an order, a durable process: it ends placed, or fully undone."""

    id: UUID = Field(description="UUIDv7.", examples=[_id])
    status: PlacementStatus = Field(description="Where it stands.", examples=["placed"])
    cart_id: UUID | None = Field(default=None, description="The cart it is of.", examples=[_id])
    buyer: CartBuyer | None = Field(
        default=None, description="The member who orders; null: a guest."
    )
    total: TaxedAmount | None = Field(
        default=None, description="What it comes to, once that is checked."
    )
    purchase_order_number: str | None = Field(
        default=None, description="The company's own number for it.", examples=["PO-4711"]
    )
    approval_request_id: str | None = Field(
        default=None,
        description="The request that somebody decides on, once it is asked.",
        examples=[f"{_id}:approve"],
    )
    order: Order | None = Field(default=None, description="The order, once placed.")
    problem: ProblemDetail | None = Field(default=None, description="Why it was refused.")
    created_at: AwareDatetime | None = Field(
        default=None, description="When it was begun, UTC.", examples=[_time]
    )


class OrderPlacedLine(Answer):
    """What was ordered, without who by."""

    sku: str = Field(description="The SKU.", examples=["71053"])
    quantity: int = Field(description="How many.", examples=[6])
    unit_price: UnitPrice = Field(
        description="Of one piece.", examples=[{"amount": "3.39", "currency": "GBP"}]
    )
    total: TaxedAmount = Field(description="Of the line.")


class OrderPlaced(EventData):
    """An order was placed. The subject is its id. Who bought is read from the order, by id."""

    type: ClassVar[str] = "tandem.orders.order.placed.v1"

    order_id: UUID = Field(description="UUIDv7.", examples=[_id])
    number: str = Field(description="For people.", examples=["T-1000042"])
    store: Key = Field(description="Key of the store.", examples=["d2c-uk"])
    currency: Currency = Field(description="Of all amounts.", examples=["GBP"])
    country: CountryCode = Field(description="Where it goes.", examples=["GB"])
    buyer: CartBuyer | None = Field(
        default=None, description="The member who ordered; null: a guest."
    )
    purchase_order_number: str | None = Field(
        default=None, description="The company's own number for it.", examples=["PO-4711"]
    )
    terms: OrderTerms | None = Field(
        default=None, description="The terms it is paid on; null: paid at once."
    )
    lines: list[OrderPlacedLine] = Field(description="What was ordered.")
    total: TaxedAmount = Field(description="What everything costs.")
    placed_at: AwareDatetime = Field(description="When, UTC.", examples=[_time])


class OrderShipped(EventData):
    """A parcel of an order was shipped. The subject is the order's id."""

    type: ClassVar[str] = "tandem.orders.order.shipped.v1"

    order_id: UUID = Field(description="UUIDv7.", examples=[_id])
    number: str = Field(description="The order's, for people.", examples=["T-1000042"])
    status: OrderStatus = Field(
        description="Where the order stands now.", examples=["partially_shipped"]
    )
    buyer: CartBuyer | None = Field(
        default=None, description="The member who ordered; null: a guest."
    )
    shipment: Shipment = Field(description="The parcel.")


class PlacementChanged(EventData):
    """The placing of a member's order went on. The subject is the placement's id."""

    type: ClassVar[str] = "tandem.orders.placement.changed.v1"

    placement_id: UUID = Field(description="UUIDv7.", examples=[_id])
    status: PlacementStatus = Field(
        description="Where it stands now.", examples=["awaiting_approval"]
    )
    buyer: CartBuyer = Field(description="The member who orders.")
    approval_request_id: str | None = Field(
        default=None, description="The request that somebody decides on.", examples=[f"{_id}:a"]
    )
    order_number: str | None = Field(
        default=None, description="Of the order, once placed.", examples=["T-1000042"]
    )
    problem_code: str | None = Field(
        default=None, description="Why it was refused.", examples=["order-rejected"]
    )


class PaymentChanged(EventData):
    """Money was taken or given back for an order. The subject is the order's id."""

    type: ClassVar[str] = "tandem.orders.payment.changed.v1"

    order_id: UUID = Field(description="UUIDv7.", examples=[_id])
    number: str = Field(description="The order's, for people.", examples=["T-1000042"])
    status: PaymentStatus = Field(description="Where the payment stands.", examples=["captured"])
    amount: Money = Field(description="How much was authorised.", examples=[_gbp])
    captured: Money = Field(description="How much of it was taken.", examples=[_gbp])
    refunded: Money = Field(
        description="How much of that was given back.",
        examples=[{"amount": "0.00", "currency": "GBP"}],
    )


class StockFacts(Answer):
    """How much of a SKU can be promised."""

    sku: str = Field(description="The SKU.", examples=["71053"])
    sequence: int = Field(description="Version of this SKU's stock.", examples=[4])
    available: int = Field(description="Over all warehouses.", examples=[242])


class StockChanged(EventData):
    """Stock was counted, reserved or released: of one SKU, or of many at once."""

    type: ClassVar[str] = "tandem.orders.stock.changed.v1"

    items: list[StockFacts] = Field(
        min_length=1, max_length=MAX_BATCH_ITEMS, description="Each with its own sequence."
    )
