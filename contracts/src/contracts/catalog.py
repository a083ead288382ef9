"""What catalog takes, answers and tells: stores, categories, products, entitlement."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from contracts.envelope import MAX_BATCH_ITEMS, EventData
from contracts.ids import CountryCode, Key, Locale, Sku
from contracts.model import Answer, Flag, Request, Whole
from contracts.money import Currency
from contracts.text import LocalizedName, LocalizedText, ShortText

TaxClass = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
"""How a thing is taxed: `standard`, `reduced`, `zero`, or another of the shop's own."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=160)]
"""A readable piece of a URL."""

_name_example = {"en": "White metal lantern", "fr": "Lanterne en métal blanc"}


class Audience(StrEnum):
    """Whom a store sells to."""

    D2C = "d2c"
    B2B = "b2b"


class TaxDisplay(StrEnum):
    """Whether a store shows prices with tax in them (gross) or without (net)."""

    GROSS = "gross"
    NET = "net"


class PutStore(Request):
    """A store: one portal with its own audience, currencies, locales and countries."""

    name: LocalizedName = Field(
        description="The store's name per locale.", examples=[{"en": "Tandem Gifts UK"}]
    )
    audience: Audience = Field(description="Whom it sells to.", examples=["d2c"])
    currencies: list[Currency] = Field(
        min_length=1,
        max_length=50,
        description="Currencies it sells in; the first is the default.",
        examples=[["GBP"]],
    )
    locales: list[Locale] = Field(
        min_length=1,
        max_length=50,
        description="Locales it speaks; the first is the default.",
        examples=[["en"]],
    )
    countries: list[CountryCode] = Field(
        min_length=1,
        max_length=250,
        description="Countries it serves (ISO 3166-1 alpha-2); the first is the default.",
        examples=[["GB"]],
    )
    tax_display: TaxDisplay = Field(
        description="Whether prices are shown with tax.", examples=["gross"]
    )
    default_assortment: Key | None = Field(
        default=None,
        description="Key of the assortment that everybody sees here; null: all that is published.",
        examples=[None],
    )


class Store(PutStore):
    """A store as catalog keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["d2c-uk"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(
        description="When it changed last, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class PutCategory(Request):
    """A node of the category tree."""

    name: LocalizedName = Field(
        description="The name per locale.", examples=[{"en": "Lighting", "fr": "Luminaires"}]
    )
    parent: Key | None = Field(
        default=None,
        description="Key of the category above it; null for a root.",
        examples=["home"],
    )
    position: Whole = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Place among its siblings, the smallest first; then by key.",
        examples=[10],
    )


class Category(PutCategory):
    """A category as catalog keeps it."""

    model_config = Answer.model_config

    id: UUID = Field(description="UUIDv7.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
    key: Key = Field(description="The partner's name for it.", examples=["lighting"])
    path: list[Key] = Field(
        description="Keys from the root down to this one.", examples=[["home", "lighting"]]
    )
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(
        description="When it changed last, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class Media(Request):
    """A picture or other file, by reference."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{1,2000}$")] = Field(
        description="Where it lies.", examples=["https://media.example/71053.jpg"]
    )
    alt: LocalizedText = Field(
        default_factory=dict,
        description="What it shows, per locale, for those who cannot see it.",
        examples=[{"en": "A white metal lantern on a table"}],
    )


class PutVariant(Request):
    """What is put into a box: one SKU of a product."""

    sku: Sku = Field(description="Case-sensitive, unique in the shop.", examples=["71053"])
    name: LocalizedText = Field(
        default_factory=dict,
        description="What sets it apart from its siblings, per locale.",
        examples=[{"en": "Large"}],
    )


class PutProduct(Request):
    """A product with its variants, as a PIM masters it."""

    name: LocalizedName = Field(description="The name per locale.", examples=[_name_example])
    description: LocalizedText = Field(
        default_factory=dict,
        description="Longer text per locale, plain.",
        examples=[{"en": "Holds a church candle. 30 cm high."}],
    )
    slug: dict[Locale, Slug] = Field(
        default_factory=dict,
        max_length=50,
        description="Readable piece of the page's URL per locale; made of name and key if absent.",
        examples=[{"en": "white-metal-lantern"}],
    )
    categories: list[Key] = Field(
        default_factory=list,
        max_length=100,
        description="Keys of the categories it stands in.",
        examples=[["lighting"]],
    )
    tax_class: TaxClass = Field(
        default="standard", description="How it is taxed.", examples=["standard"]
    )
    media: list[Media] = Field(
        default_factory=list, max_length=100, description="Pictures, the main one first."
    )
    variants: list[PutVariant] = Field(
        min_length=1, max_length=500, description="What can be ordered of it; one at least."
    )
    is_published: Flag = Field(
        default=True, description="Whether buyers may see it.", examples=[True]
    )

    @model_validator(mode="after")
    def _skus_differ(self) -> "PutProduct":
        skus = [variant.sku for variant in self.variants]
        if len(set(skus)) != len(skus):
            raise ValueError("variants must have different SKUs")
        return self


class PutProductLine(PutProduct):
    """One line of a bulk request: a product and its key."""

    key: Key = Field(description="The partner's name for it.", examples=["71053"])


class PutCategoryLine(PutCategory):
    """One line of a bulk request: a category and its key; parents first."""

    key: Key = Field(description="The partner's name for it.", examples=["lighting"])


class Availability(Answer):
    """How much of a SKU can be promised; follows orders within a second or so."""

    available: int = Field(
        description="Pieces on hand that nobody has reserved, over all warehouses.", examples=[42]
    )
    is_in_stock: bool = Field(description="Whether one at least can be had.", examples=[True])


class Variant(PutVariant):
    """A variant as catalog keeps it."""

    model_config = Answer.model_config

    availability: Availability = Field(description="How much can be promised.")


class Product(Answer):
    """A product as catalog keeps it."""

    id: UUID = Field(description="UUIDv7.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"])
    key: Key = Field(description="The partner's name for it.", examples=["71053"])
    name: dict[Locale, str] = Field(description="The name per locale.", examples=[_name_example])
    description: dict[Locale, str] = Field(
        description="Longer text per locale.",
        examples=[{"en": "Holds a church candle. 30 cm high."}],
    )
    slug: dict[Locale, str] = Field(
        description="Readable piece of the page's URL per locale.",
        examples=[{"en": "white-metal-lantern"}],
    )
    categories: list[Key] = Field(
        description="Keys of the categories it stands in.", examples=[["lighting"]]
    )
    tax_class: str = Field(description="How it is taxed.", examples=["standard"])
    media: list[Media] = Field(description="Pictures, the main one first.")
    variants: list[Variant] = Field(description="What can be ordered of it.")
    is_published: bool = Field(description="Whether buyers may see it.", examples=[True])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(
        description="When it changed last, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class AssortmentRule(Request):
    """What belongs to an assortment: products in any of these categories or named here, and SKUs.

    A thing belongs that any of the three says. An empty rule takes nothing.
    """

    categories: list[Key] = Field(
        default_factory=list,
        max_length=1000,
        description="Products in these categories and in all below them.",
        examples=[["lighting"]],
    )
    products: list[Key] = Field(
        default_factory=list,
        max_length=10_000,
        description="Products, with all their SKUs.",
        examples=[["71053"]],
    )
    skus: list[Sku] = Field(
        default_factory=list, max_length=10_000, description="Single SKUs.", examples=[["85123A"]]
    )


class AssignmentEffect(StrEnum):
    """What an assortment does for who it is assigned to.

    Visible is ((the store's own, narrowed by the union of each level's `narrow`) and all `widen`)
    without all `exclude`.
    """

    NARROW = "narrow"
    WIDEN = "widen"
    EXCLUDE = "exclude"


class BuyerLevel(StrEnum):
    """Which buyers are meant: those of a customer group, company, unit (with those below it) or
    agreement in force.
    """

    GROUP = "group"
    COMPANY = "company"
    UNIT = "unit"
    AGREEMENT = "agreement"


class AssortmentAssignment(Request):
    """Whom an assortment is for."""

    level: BuyerLevel = Field(description="Which kind of buyers.", examples=["company"])
    key: Key = Field(
        description="Key of the group, company, unit or agreement.", examples=["brighton-gifts"]
    )
    company: Key | None = Field(
        default=None,
        description="Key of the unit's company, for units of two companies may have one key; for"
        " units only.",
        examples=[None],
    )
    effect: AssignmentEffect = Field(
        default=AssignmentEffect.NARROW, description="What it does for them.", examples=["narrow"]
    )

    @model_validator(mode="after")
    def _unit_has_company(self) -> "AssortmentAssignment":
        if (self.level is BuyerLevel.UNIT) != (self.company is not None):
            raise ValueError("a unit has a company, and nothing else has one")
        return self


class PutAssortment(Request):
    """A part of the catalog, and who gets it: what a custom catalog is made of."""

    name: ShortText = Field(description="For the people who keep it.", examples=["Lighting only"])
    stores: list[Key] = Field(
        default_factory=list,
        max_length=200,
        description="Stores that its assignments hold in; none named means all.",
        examples=[["b2b-eu"]],
    )
    include: AssortmentRule | None = Field(
        default=None,
        description="What belongs to it; null: everything.",
        examples=[{"categories": ["lighting"], "products": [], "skus": []}],
    )
    exclude: AssortmentRule | None = Field(
        default=None,
        description="What does not, whatever `include` says.",
        examples=[{"categories": [], "products": [], "skus": ["85123A"]}],
    )
    assignments: list[AssortmentAssignment] = Field(
        default_factory=list,
        max_length=10_000,
        description="Whom it is for, beside stores that have it as their default.",
        examples=[[{"level": "company", "key": "brighton-gifts", "effect": "narrow"}]],
    )


class Assortment(PutAssortment):
    """An assortment as catalog keeps it."""

    model_config = Answer.model_config

    key: Key = Field(description="The partner's name for it.", examples=["lighting-only"])
    version: int = Field(description="Grows by one with every change.", examples=[1])
    updated_at: AwareDatetime = Field(
        description="When it changed last, UTC.", examples=["2026-11-22T10:00:00Z"]
    )


class CheckEntitlement(Request):
    """Ask which SKUs a buyer of a store may order.

    Who asks is said by the token: a member, or a service on behalf of one; else it is a guest.
    A store for companies (`b2b`) sells nothing to guests.
    """

    store: Key = Field(description="Key of the store.", examples=["d2c-uk"])
    skus: list[Sku] = Field(
        min_length=1, max_length=1000, description="SKUs to check.", examples=[["71053", "85123A"]]
    )


class SkuEntitlement(Answer):
    """Whether one SKU may be ordered, and what an order line needs to know of it."""

    sku: str = Field(description="As asked.", examples=["71053"])
    is_orderable: bool = Field(
        description="False for unknown, unpublished and invisible SKUs alike.", examples=[True]
    )
    product_key: Key | None = Field(
        default=None, description="The product it belongs to.", examples=["71053"]
    )
    name: dict[Locale, str] | None = Field(
        default=None, description="The product's name per locale.", examples=[_name_example]
    )
    tax_class: str | None = Field(
        default=None, description="How it is taxed.", examples=["standard"]
    )


class Entitlement(Answer):
    """The answer to `CheckEntitlement`, one item a SKU, in the order asked."""

    items: list[SkuEntitlement] = Field(description="One for each SKU asked.")


class AssortmentPart(Answer):
    """One assortment's say on a SKU."""

    assortment: Key = Field(description="Key of the assortment.", examples=["lighting-only"])
    level: BuyerLevel | None = Field(
        default=None, description="By which level it is assigned; null: the store's own."
    )
    key: Key | None = Field(
        default=None, description="To which group, company, unit or agreement.", examples=["acme"]
    )
    company: Key | None = Field(
        default=None, description="Key of the unit's company, where it is a unit.", examples=[None]
    )
    effect: AssignmentEffect = Field(description="What it does.", examples=["narrow"])
    contains: bool = Field(description="Whether the SKU belongs to it.", examples=[True])


class EntitlementExplanation(Answer):
    """Why a SKU may or may not be ordered."""

    sku: str = Field(description="As asked.", examples=["71053"])
    is_orderable: bool = Field(description="The outcome.", examples=[True])
    is_known: bool = Field(description="Whether there is such a SKU.", examples=[True])
    is_published: bool = Field(description="Whether its product is published.", examples=[True])
    parts: list[AssortmentPart] = Field(description="Every assortment that has a say.")


class StoreChanged(EventData):
    """A store was made or changed. The subject is its key."""

    type: ClassVar[str] = "tandem.catalog.store.changed.v1"

    store: Store = Field(description="The store as it is now.")


class CategoryChanged(EventData):
    """A category was made or changed. The subject is its key."""

    type: ClassVar[str] = "tandem.catalog.category.changed.v1"

    category: Category = Field(description="The category as it is now.")


class AssortmentChanged(EventData):
    """An assortment was made or changed. The subject is its key."""

    type: ClassVar[str] = "tandem.catalog.assortment.changed.v1"

    assortment: Assortment = Field(description="The assortment as it is now.")


class ProductFacts(Answer):
    """What other services keep of a product."""

    product_id: UUID = Field(
        description="UUIDv7.", examples=["01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"]
    )
    key: Key = Field(description="The partner's name for it.", examples=["71053"])
    sequence: int = Field(description="The product's version; the higher is newer.", examples=[3])
    is_published: bool = Field(description="Whether buyers may see it.", examples=[True])
    tax_class: str = Field(description="How it is taxed.", examples=["standard"])
    name: dict[Locale, str] = Field(description="The name per locale.", examples=[_name_example])
    categories: list[Key] = Field(
        description="Categories it stands in, with all those above them.",
        examples=[["home", "lighting"]],
    )
    skus: list[str] = Field(description="Its SKUs; others it had are gone.", examples=[["71053"]])


class ProductChanged(EventData):
    """Products were made or changed: one, or many at once by a bulk write."""

    type: ClassVar[str] = "tandem.catalog.product.changed.v1"

    items: list[ProductFacts] = Field(
        min_length=1, max_length=MAX_BATCH_ITEMS, description="Each with its own sequence."
    )


class ProductQuery(Request):
    """What a list of products is chosen by."""

    store: Key = Field(description="Key of the store.", examples=["d2c-uk"])
    category: Key | None = Field(
        default=None, description="This category and all below it.", examples=["home"]
    )
    search: ShortText | None = Field(
        default=None, description="Words to look for in names and SKUs.", examples=["lantern"]
    )
