"""What pricing takes, answers and tells: price lists, prices, tax rates, resolution."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from contracts.catalog import TaxClass, TaxDisplay
from contracts.envelope import MAX_BATCH_ITEMS, EventData
from contracts.ids import CountryCode, Key, Sku
from contracts.model import Answer, Flag, Request, Whole
from contracts.money import Currency, Money, UnitPrice, UnitPriceAmount
from contracts.text import ShortText

MAX_QUANTITY = 1_000_000
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY, strict=True)]
"""Whole pieces, 1 to 1,000,000."""


class AudienceLevel(StrEnum):
    """Whom a price list is for, the strongest first; a list without audience is for everybody.

    The first level that has a list with the SKU gives the price: agreement (the highest priority
    in force first), unit (the nearest first, then upward), company, customer group, everybody.
    Within a level the list's own priority decides, then its key.
    """

    AGREEMENT = "agreement"
    UNIT = "unit"
    COMPANY = "company"
    GROUP = "group"


class PriceAudience(Request):
    """Whom a price list is for."""

    level: AudienceLevel = Field(description="Which kind of buyers.", examples=["group"])
    key: Key = Field(
        description="Key of the agreement, unit, company or group.", examples=["volume"]
    )


def _rate(text: str) -> str:
    if Decimal(text) > 1:
        raise ValueError('must be a fraction from "0" to "1", such as "0.2" for 20 %')
    return text


TaxRateFraction = Annotated[
    str, StringConstraints(pattern=r"^[01](\.[0-9]{1,6})?$"), AfterValidator(_rate)
]
"""A rate as a fraction in a decimal string: `"0.2"` is 20 %."""


class PutPriceList(Request):
    """A price list: which prices, in which currency, for which stores and when."""

    name: ShortText = Field(description="For the people who keep it.", examples=["Public UK"])
    currency: Currency = Field(description="Of all its prices; it stays.", examples=["GBP"])
    stores: list[Key] = Field(
        default_factory=list,
        max_length=200,
        description="Stores it holds in; none named means all.",
        examples=[["d2c-uk"]],
    )
    audience: list[PriceAudience] = Field(
        default_factory=list,
        max_length=1000,
        description="Whom it is for; none named means everybody.",
        examples=[[{"level": "group", "key": "volume"}]],
    )
    is_tax_included: Flag = Field(
        description="Whether its prices have tax in them; it stays.", examples=[True]
    )
    priority: Whole = Field(
        default=0,
        ge=-1_000_000,
        le=1_000_000,
        description="Where several lists hold, the highest goes first; then by key.",
        examples=[0],
    )
    valid_from: AwareDatetime | None = Field(
        default=None, description="From when it holds; null: always.", examples=[None]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )
    is_published: Flag = Field(
        default=True, description="An unpublished list gives no price.", examples=[True]
    )

    @model_validator(mode="after")
    def _window(self) -> "PutPriceList":
        _window_is_forward(self.valid_from, self.valid_to)
        return self


def _window_is_forward(valid_from: datetime | None, valid_to: datetime | None) -> None:
    if valid_from is not None and valid_to is not None and valid_from >= valid_to:
        raise ValueError("valid_to must be later than valid_from")


class PriceList(PutPriceList):
    """A price list as pricing keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["public-uk"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(
        description="When it changed last, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class PriceTier(Request):
    """From this many pieces on, each costs this."""

    min_quantity: Quantity = Field(
        default=1, description="The smallest quantity it holds for.", examples=[1]
    )
    amount: UnitPriceAmount = Field(
        description="The price of one piece, in the list's currency, up to six decimals.",
        examples=["3.39"],
    )


class PutPrice(Request):
    """The price of a SKU in a list: tiers, and when they hold.

    Nothing is overwritten: within its window the new price takes the place of what was known
    before, and what was known stays readable by `known_at`.
    """

    tiers: list[PriceTier] = Field(
        min_length=1,
        max_length=50,
        description="By rising minimum quantity; the first is for 1.",
        examples=[[{"min_quantity": 1, "amount": "3.39"}, {"min_quantity": 12, "amount": "2.95"}]],
    )
    valid_from: AwareDatetime | None = Field(
        default=None, description="From when it holds; null: from now on.", examples=[None]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )

    @model_validator(mode="after")
    def _tiers_rise(self) -> "PutPrice":
        _window_is_forward(self.valid_from, self.valid_to)
        quantities = [tier.min_quantity for tier in self.tiers]
        if quantities[0] != 1 or sorted(set(quantities)) != quantities:
            raise ValueError("tiers must begin at min_quantity 1 and rise")
        return self


class PutPriceLine(PutPrice):
    """One line of a bulk request: a price and its SKU."""

    sku: Sku = Field(description="The SKU, case-sensitive.", examples=["71053"])


class Price(Answer):
    """The price of a SKU in a list, as it holds at one moment."""

    price_list: Key = Field(description="Key of the list.", examples=["public-uk"])
    sku: str = Field(description="The SKU.", examples=["71053"])
    currency: Currency = Field(description="Of all tiers.", examples=["GBP"])
    tiers: list[PriceTier] = Field(description="By rising minimum quantity.")
    valid_from: AwareDatetime = Field(
        description="From when it holds.", examples=["2026-11-22T10:00:00Z"]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )
    recorded_at: AwareDatetime = Field(
        description="Since when this was known.", examples=["2026-11-22T10:00:00Z"]
    )


class PutQuantityRule(Request):
    """How many of a SKU are sold at once: at least, at most, and in multiples of what."""

    sku: Sku = Field(description="The SKU; it stays.", examples=["71053"])
    stores: list[Key] = Field(
        default_factory=list,
        max_length=200,
        description="Stores it holds in; none named means all. Of several rules for one SKU the "
        "strictest of each kind holds.",
        examples=[["b2b-eu"]],
    )
    minimum: Quantity = Field(default=1, description="The smallest quantity.", examples=[6])
    maximum: Quantity | None = Field(
        default=None, description="The largest; null: none.", examples=[None]
    )
    multiple: Quantity = Field(
        default=1, description="The quantity must be a multiple of this.", examples=[6]
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> "PutQuantityRule":
        smallest = -(-self.minimum // self.multiple) * self.multiple
        if smallest > (self.maximum or MAX_QUANTITY):
            raise ValueError("no quantity is at least minimum, at most maximum, and a multiple")
        return self


class PutQuantityRuleLine(PutQuantityRule):
    """One line of a bulk request: a quantity rule and its key."""

    key: Key = Field(description="The partner's name for it.", examples=["71053-b2b"])


class QuantityRule(PutQuantityRule):
    """A quantity rule as pricing keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["71053-b2b"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(
        description="When it changed last, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class PutTaxRate(Request):
    """The tax on a class of things in a country."""

    country: CountryCode = Field(description="ISO 3166-1 alpha-2.", examples=["GB"])
    tax_class: TaxClass = Field(description="What it is for.", examples=["standard"])
    rate: TaxRateFraction = Field(description="As a fraction.", examples=["0.2"])
    name: ShortText = Field(description="As printed on an invoice.", examples=["VAT 20 %"])
    valid_from: AwareDatetime | None = Field(
        default=None, description="From when it holds; null: always.", examples=[None]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )

    @model_validator(mode="after")
    def _window(self) -> "PutTaxRate":
        _window_is_forward(self.valid_from, self.valid_to)
        return self


class TaxRate(PutTaxRate):
    """A tax rate as pricing keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["gb-standard"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(
        description="When it changed last, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class LineKind(StrEnum):
    """What a line to resolve is."""

    ITEM = "item"
    DELIVERY = "delivery"
    FEE = "fee"


class ResolveLine(Request):
    """One line to price.

    An item is priced by its SKU. Delivery and fees bring their own price and tax class, for
    tax on all of them is pricing's.
    """

    ref: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(
        description="The caller's name for the line; comes back.", examples=["1"]
    )
    kind: LineKind = Field(default=LineKind.ITEM, description="What it is.", examples=["item"])
    sku: Sku | None = Field(default=None, description="Of an item.", examples=["71053"])
    quantity: Quantity = Field(default=1, description="How many.", examples=[6])
    unit_price: UnitPrice | None = Field(
        default=None, description="Of delivery or a fee.", examples=[None]
    )
    is_tax_included: Flag = Field(
        default=True, description="Whether that unit_price has tax in it.", examples=[True]
    )
    tax_class: TaxClass | None = Field(
        default=None, description="Of delivery or a fee.", examples=[None]
    )

    @model_validator(mode="after")
    def _priced_by_kind(self) -> "ResolveLine":
        if self.kind is LineKind.ITEM:
            if self.sku is None or self.unit_price is not None or self.tax_class is not None:
                raise ValueError("an item has a sku, and no unit_price or tax_class of its own")
        elif self.sku is not None or self.unit_price is None or self.tax_class is None:
            raise ValueError(f"a {self.kind} line has a unit_price and a tax_class, and no sku")
        return self


class ResolvePrices(Request):
    """Ask what lines cost a buyer of a store."""

    store: Key = Field(description="Key of the store.", examples=["d2c-uk"])
    currency: Currency | None = Field(
        default=None, description="One of the store's; its default if absent.", examples=["GBP"]
    )
    country: CountryCode | None = Field(
        default=None,
        description="Where it goes, for tax; the store's default if absent.",
        examples=["GB"],
    )
    at: AwareDatetime | None = Field(
        default=None, description="What the price was or will be; now if absent.", examples=[None]
    )
    known_at: AwareDatetime | None = Field(
        default=None, description="By what was known then; now if absent.", examples=[None]
    )
    buyer: UUID | None = Field(
        default=None,
        description="The member to price for, where it is not the caller; needs the scope "
        "pricing:resolve:any. Without it: the caller, if that is a member or a service on behalf "
        "of one, else everybody's price.",
        examples=[None],
    )
    include_tiers: Flag = Field(
        default=False,
        description="Whether to tell all tiers of the list that gave the price.",
        examples=[False],
    )
    lines: list[ResolveLine] = Field(
        min_length=1,
        max_length=2000,
        description="Lines to price.",
        examples=[[{"ref": "1", "sku": "71053", "quantity": 6}]],
    )

    @model_validator(mode="after")
    def _refs_differ(self) -> "ResolvePrices":
        refs = {line.ref for line in self.lines}
        if len(refs) != len(self.lines):
            raise ValueError("lines must have different refs")
        return self


class PricingOutcome(StrEnum):
    """Whether a line has a price."""

    PRICED = "priced"
    NO_PRICE = "no_price"


class TaxedAmount(Answer):
    """A sum without tax, its tax, and both together; net + tax = gross, always."""

    net: Money = Field(
        description="Without tax.", examples=[{"amount": "16.95", "currency": "GBP"}]
    )
    tax: Money = Field(description="The tax.", examples=[{"amount": "3.39", "currency": "GBP"}])
    gross: Money = Field(description="With tax.", examples=[{"amount": "20.34", "currency": "GBP"}])


class QuantityProblem(Answer):
    """Why a quantity is not sold, and what would do."""

    code: Literal["below-minimum", "above-maximum", "off-multiple"] = Field(
        description="Which rule it breaks.", examples=["below-minimum"]
    )
    message: str = Field(
        description="What is wrong and what would do.",
        examples=["71053 is sold from 6 pieces, in multiples of 6."],
    )
    minimum: int = Field(description="The smallest quantity.", examples=[6])
    maximum: int | None = Field(default=None, description="The largest.", examples=[None])
    multiple: int = Field(description="It must be a multiple of this.", examples=[6])


class PricedLine(Answer):
    """What a line costs, or that it has no price."""

    ref: str = Field(description="As asked.", examples=["1"])
    kind: LineKind = Field(description="As asked.", examples=["item"])
    sku: str | None = Field(default=None, description="As asked.", examples=["71053"])
    quantity: int = Field(description="As asked.", examples=[6])
    outcome: PricingOutcome = Field(description="Whether it has a price.", examples=["priced"])
    unit_price: UnitPrice | None = Field(
        default=None,
        description="Of one piece, with or without tax as `is_tax_included` says.",
        examples=[{"amount": "3.39", "currency": "GBP"}],
    )
    is_tax_included: bool = Field(
        default=True, description="Whether the unit price has tax in it.", examples=[True]
    )
    total: TaxedAmount | None = Field(
        default=None, description="Unit price times quantity, rounded once, half-up, and its tax."
    )
    tax_rate: TaxRateFraction | None = Field(
        default=None, description="As a fraction.", examples=["0.2"]
    )
    price_list: Key | None = Field(
        default=None, description="The list that gave the price.", examples=["public-uk"]
    )
    tier_min_quantity: int | None = Field(
        default=None, description="The tier that held.", examples=[1]
    )
    tiers: list[PriceTier] | None = Field(
        default=None,
        description="All tiers of that list, as the store shows prices, where they were asked for.",
        examples=[[{"min_quantity": 1, "amount": "3.39"}]],
    )
    quantity_problem: QuantityProblem | None = Field(
        default=None, description="Why the quantity is not sold; the price is told all the same."
    )


class TaxTotal(Answer):
    """The tax of one rate."""

    rate: TaxRateFraction = Field(description="As a fraction.", examples=["0.2"])
    name: str = Field(description="As printed on an invoice.", examples=["VAT 20 %"])
    amount: TaxedAmount = Field(description="Of all lines with that rate.")


class PriceResolution(Answer):
    """What lines cost. Totals are the sums of the priced lines, nothing is rounded twice."""

    store: Key = Field(description="As asked.", examples=["d2c-uk"])
    currency: Currency = Field(description="Of all amounts.", examples=["GBP"])
    country: CountryCode = Field(description="Whose tax it is.", examples=["GB"])
    tax_display: TaxDisplay = Field(description="How the store shows prices.", examples=["gross"])
    at: AwareDatetime = Field(
        description="The moment it holds for.", examples=["2026-11-22T10:00:00Z"]
    )
    lines: list[PricedLine] = Field(description="In the order asked.")
    taxes: list[TaxTotal] = Field(description="The tax by rate.")
    total: TaxedAmount = Field(description="The sum of all priced lines.")


class PriceListChanged(EventData):
    """A price list was made or changed. The subject is its key."""

    type: ClassVar[str] = "tandem.pricing.price_list.changed.v1"

    price_list: PriceList = Field(description="The list as it is now.")


class PriceFacts(Answer):
    """A price that was set."""

    price_list: Key = Field(description="Key of the list.", examples=["public-uk"])
    sku: str = Field(description="The SKU.", examples=["71053"])
    sequence: int = Field(
        description="Version of the price of this SKU in this list.", examples=[1]
    )
    currency: Currency = Field(description="Of the tiers.", examples=["GBP"])
    tiers: list[PriceTier] = Field(description="By rising minimum quantity.")
    valid_from: AwareDatetime = Field(
        description="From when it holds.", examples=["2026-11-22T10:00:00Z"]
    )
    valid_to: AwareDatetime | None = Field(
        default=None, description="Until when, exclusive; null: for ever.", examples=[None]
    )


class PriceChanged(EventData):
    """Prices were set: one, or many at once by a bulk write."""

    type: ClassVar[str] = "tandem.pricing.price.changed.v1"

    items: list[PriceFacts] = Field(
        min_length=1, max_length=MAX_BATCH_ITEMS, description="Each with its own sequence."
    )


class QuantityRuleChanged(EventData):
    """A quantity rule was made or changed. The subject is its key."""

    type: ClassVar[str] = "tandem.pricing.quantity_rule.changed.v1"

    quantity_rule: QuantityRule = Field(description="The rule as it is now.")


class TaxRateChanged(EventData):
    """A tax rate was made or changed. The subject is its key."""

    type: ClassVar[str] = "tandem.pricing.tax_rate.changed.v1"

    tax_rate: TaxRate = Field(description="The rate as it is now.")
