"""Loading the demo shop as a partner's systems would: the PIM its products, the ERP its prices,
the warehouse its stock. Doing it again changes nothing, after an interruption it goes on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from contracts.catalog import (
    Audience,
    EntitlementExplanation,
    Product,
    PutCategoryLine,
    PutProductLine,
    PutStore,
    PutVariant,
    TaxDisplay,
)
from contracts.companies import Member
from contracts.money import UnitPrice, plain_amount
from contracts.orders import (
    CartLineInput,
    OpenCart,
    OpenedCart,
    PutDeliveryMethod,
    PutStockLine,
    PutWarehouse,
    StockLevel,
)
from contracts.paging import Page
from contracts.pricing import (
    PriceResolution,
    PriceTier,
    PutPriceLine,
    PutPriceList,
    PutTaxRate,
    ResolveLine,
    ResolvePrices,
)
from tandem.demo_data import portal
from tandem.demo_data.articles import Article, read_articles, read_translations
from tandem.demo_data.categories import tree
from tandem.demo_data.partner import Credentials, Outcomes, Partner, PartnerRefused, open_partner
from tandem.demo_data.progress import LoadProgress
from tandem.demo_data.wholesale import (
    Customer,
    in_eur,
    read_customers,
    read_volume_prices,
)
from tandem.errors import NotRunnable

STORE = "d2c-uk"
CURRENCY = "GBP"
PRICE_LIST = "public-uk"
WAREHOUSE = "main"
LINES_AT_ONCE = 500
PROBES = 20
PATIENCE_S = 60.0

Item = TypeVar("Item")

_STORE = PutStore(
    name={"en": "Tandem Gifts UK"},
    audience=Audience.D2C,
    currencies=[CURRENCY],
    locales=["en"],
    countries=["GB"],
    tax_display=TaxDisplay.GROSS,
)
_PRICE_LIST = PutPriceList(
    name="Public UK", currency=CURRENCY, stores=[STORE], is_tax_included=True
)
_TAX_RATES = {
    "gb-standard": PutTaxRate(country="GB", tax_class="standard", rate="0.2", name="VAT 20 %"),
    "gb-reduced": PutTaxRate(country="GB", tax_class="reduced", rate="0.05", name="VAT 5 %"),
    "gb-zero": PutTaxRate(country="GB", tax_class="zero", rate="0", name="VAT 0 %"),
}
_WAREHOUSE = PutWarehouse(name="Main", country="GB")
_DELIVERY = PutDeliveryMethod(
    name={"en": "Standard delivery"},
    description={"en": "Two to three working days."},
    stores=[STORE],
    countries=["GB"],
    price=UnitPrice(amount="3.95", currency=CURRENCY),
    is_tax_included=True,
    tax_class="standard",
)


@dataclass(frozen=True)
class Loaded:
    """What a load did."""

    articles: int
    outcomes: Mapping[str, Outcomes]

    @property
    def changed(self) -> int:
        """How many things were made or changed; 0 where all was there already."""
        return sum(outcome.changed for outcome in self.outcomes.values())


async def load(
    urls: Mapping[str, str],
    credentials: Credentials,
    progress: LoadProgress | None = None,
    *,
    password: str | None = None,
) -> Loaded:
    """Load the demo shop into running services; `urls` are their addresses by name.

    The members of the first company can sign in with `password`, if one is given. Returns when
    the last copy is right: what was written can be found, seen and bought. Raises PartnerRefused
    for the first thing that a service does not take, CopiesLate when the services do not agree in
    time.
    """
    articles = read_articles()
    async with open_partner(urls, credentials) as partner:
        shop = _Load(partner, progress or LoadProgress(), articles, password=password)
        await shop.write()
        if any(outcome.changed for outcome in shop.outcomes.values()):
            await shop.wait()
        return Loaded(len(articles), shop.outcomes)


class CopiesLate(NotRunnable):
    """The services took everything, but do not agree on it in time."""


class _Load:
    def __init__(
        self,
        partner: Partner,
        progress: LoadProgress,
        articles: Sequence[Article],
        *,
        password: str | None,
    ) -> None:
        self.partner = partner
        self.progress = progress
        self.articles = articles
        self.customers = read_customers()
        self.volume_prices = read_volume_prices()
        self.password = password
        self.outcomes: dict[str, Outcomes] = {}

    async def write(self) -> None:
        """Everything, in the order in which one thing needs another."""
        put = self._put
        await put("Store", "catalog", {f"/v1/stores/{STORE}": _STORE})
        await self._put_lines("Categories", "catalog", "/v1/categories/bulk", category_lines())
        await put("Price list", "pricing", {f"/v1/price-lists/{PRICE_LIST}": _PRICE_LIST})
        rates = {f"/v1/tax-rates/{key}": rate for key, rate in _TAX_RATES.items()}
        await put("UK VAT", "pricing", rates)
        await put("Warehouse", "orders", {f"/v1/warehouses/{WAREHOUSE}": _WAREHOUSE})
        await put("Delivery", "orders", {"/v1/delivery-methods/standard": _DELIVERY})
        await self._put_lines(
            "Products", "catalog", "/v1/products/bulk", product_lines(self.articles)
        )
        await self._put_lines(
            "Prices",
            "pricing",
            f"/v1/price-lists/{PRICE_LIST}/prices/bulk",
            price_lines(self.articles),
        )
        await self._put_stock()
        await self._write_portal()
        await self._write_companies()

    async def _write_portal(self) -> None:
        """The store for companies: what it sells, at which prices, and how it is brought."""
        put = self._put
        # The store names its assortment, and the assortment the products.
        await put(
            "Assortment",
            "catalog",
            {f"/v1/assortments/{portal.ASSORTMENT}": portal.assortment(self.volume_prices)},
        )
        await put("Portal", "catalog", {f"/v1/stores/{portal.STORE}": portal.store()})
        rates = {f"/v1/tax-rates/{key}": rate for key, rate in portal.tax_rates().items()}
        await put("EU VAT", "pricing", rates)
        await put(
            "Pallets",
            "orders",
            {f"/v1/delivery-methods/{portal.DELIVERY}": portal.delivery()},
        )
        lists = {f"/v1/price-lists/{key}": one for key, one in portal.price_lists().items()}
        await put("Wholesale lists", "pricing", lists)
        for key, share in ((portal.PRICE_LIST, 1), (portal.GROUP_PRICE_LIST, portal.GROUP_SHARE)):
            await self._put_lines(
                f"Volume prices, {key}",
                "pricing",
                f"/v1/price-lists/{key}/prices/bulk",
                portal.price_lines(self.volume_prices, share=Decimal(share)),
            )
        rules = portal.quantity_rules(self.articles)
        await put(
            "Quantity rules",
            "pricing",
            {f"/v1/quantity-rules/{key}": rule for key, rule in rules.items()},
        )

    async def _write_companies(self) -> None:
        """The customers that buy in bulk, each with its units, members, agreement and budget."""
        now = datetime.now(UTC)
        group = f"/v1/customer-groups/{portal.GROUP}"
        await self._put("Customer group", "accounts", {group: portal.group()})
        companies: dict[str, BaseModel | Mapping[str, Any]] = {}
        for place, customer in enumerate(self.customers):
            password = self.password if place == 0 else None
            companies |= company_parts(customer, password=password, now=now)
        await self._put("Companies", "accounts", companies)

    async def _put(
        self, what: str, service: str, things: Mapping[str, BaseModel | Mapping[str, Any]]
    ) -> None:
        with self.progress.step(what, len(things)) as step:
            total = Outcomes()
            for path, body in things.items():
                total += await self.partner.put(service, path, body)
                step.advance(1)
            step.result = self.outcomes[what] = total

    async def _put_lines(
        self, what: str, service: str, path: str, lines: Sequence[BaseModel], known: int = 0
    ) -> None:
        """Write lines; `known` is how many more there are that need no writing."""
        with self.progress.step(what, len(lines)) as step:
            total = Outcomes(unchanged=known)
            for some in _portions(lines, LINES_AT_ONCE):
                total += await self.partner.put_lines(service, path, some)
                step.advance(len(some))
            step.result = self.outcomes[what] = total

    async def _put_stock(self) -> None:
        """Count only what was never counted: people may have booked since."""
        path = f"/v1/warehouses/{WAREHOUSE}/stock"
        counted: set[str] = set()
        after: str | None = None
        while True:
            page = Page[StockLevel].model_validate(
                await self.partner.get("orders", path, limit=200, after=after)
            )
            counted.update(level.sku for level in page.items)
            after = page.next
            if after is None:
                break
        lines = [line for line in stock_lines(self.articles) if line.sku not in counted]
        await self._put_lines("Stock", "orders", f"{path}/bulk", lines, known=len(counted))

    async def wait(self) -> None:
        """Until what was written can be bought: every service has heard of it from the others.

        Asks about articles from all over the range, the last ones written among them.
        """
        sellable = [article for article in self.articles if article.is_published]
        probes = [*sellable[:: max(1, len(sellable) // PROBES)], sellable[-1]]
        conditions = {
            "pricing has prices": self._has_prices,
            "catalog shows stock": self._shows_stock,
            "orders takes a cart": self._takes_cart,
            "companies see the portal's range": self._shows_range,
            "companies have volume prices": self._has_volume_prices,
        }
        with self.progress.step("Ready to sell", len(conditions)) as step:
            began = time.monotonic()
            for what, holds in conditions.items():
                await _until(what, lambda holds=holds: holds(probes))  # type: ignore[misc]
                step.advance(1)
            step.result = f"after {time.monotonic() - began:.1f} s"

    async def _has_prices(self, probes: Sequence[Article]) -> bool:
        lines = [ResolveLine(ref=article.sku, sku=article.sku) for article in probes]
        answer = await self.partner.post(
            "pricing", "/v1/prices/resolve", ResolvePrices(store=STORE, lines=lines)
        )
        prices = {
            line.ref: Decimal(line.unit_price.amount)
            for line in PriceResolution.model_validate(answer).lines
            if line.unit_price
        }
        return all(prices.get(article.sku) == article.price for article in probes)

    async def _shows_stock(self, probes: Sequence[Article]) -> bool:
        for article in probes:
            answer = await self.partner.get("catalog", f"/v1/products/{article.sku}")
            if answer is None:
                return False
            (variant,) = Product.model_validate(answer).variants
            if not variant.availability.is_in_stock:
                return False
        return True

    async def _takes_cart(self, probes: Sequence[Article]) -> bool:
        lines = [CartLineInput(sku=article.sku, quantity=1) for article in probes]
        answer = await self.partner.post("orders", "/v1/carts", OpenCart(store=STORE, lines=lines))
        cart = OpenedCart.model_validate(answer).cart
        blocked = [problem for problem in cart.problems if problem.line_id is not None]
        return len(cart.lines) == len(probes) and not blocked

    async def _first_buyer(self) -> Member:
        key = self.customers[0].key
        answer = await self.partner.get("accounts", f"/v1/companies/{key}/members/{key}-buyer")
        return Member.model_validate(answer)

    async def _shows_range(self, probes: Sequence[Article]) -> bool:
        buyer = await self._first_buyer()
        for article in probes:
            answer = await self.partner.get(
                "catalog",
                "/v1/entitlements/explain",
                store=portal.STORE,
                sku=article.sku,
                member_id=str(buyer.id),
            )
            expected = article.sku in self.volume_prices and article.category != "lunch-boxes"
            if EntitlementExplanation.model_validate(answer).is_orderable != expected:
                return False
        return True

    async def _has_volume_prices(self, probes: Sequence[Article]) -> bool:
        buyer = await self._first_buyer()
        sold = [article.sku for article in probes if article.sku in self.volume_prices]
        lines = [
            ResolveLine(ref=sku, sku=sku, quantity=self.volume_prices[sku][-1].min_quantity)
            for sku in sold
        ]
        asked = ResolvePrices(store=portal.STORE, buyer=buyer.id, lines=lines)
        answer = await self.partner.post("pricing", "/v1/prices/resolve", asked)
        prices = {
            line.ref: Decimal(line.unit_price.amount)
            for line in PriceResolution.model_validate(answer).lines
            if line.unit_price
        }
        return prices == {sku: in_eur(self.volume_prices[sku][-1].price) for sku in sold}


def company_parts(
    customer: Customer, *, password: str | None, now: datetime
) -> dict[str, BaseModel | Mapping[str, Any]]:
    """All that makes a company, by path, in the order in which one thing needs another."""
    key = customer.key
    path = f"/v1/companies/{key}"
    return {
        path: portal.company(customer),
        **{f"{path}/units/{unit}": one for unit, one in portal.units(key).items()},
        f"/v1/agreements/{key}-terms": portal.agreement(key, customer.bought),
        f"/v1/budgets/{key}-shop": portal.budget(key, now=now),
        **{
            f"{path}/members/{member}": one
            for member, one in portal.members(key, password=password).items()
        },
    }


def category_lines() -> list[PutCategoryLine]:
    """The category tree as lines of a bulk request, parents first."""
    return [
        PutCategoryLine(
            key=category.key, name={"en": category.name}, parent=category.parent, position=place
        )
        for place, category in enumerate(tree(), start=1)
    ]


def product_lines(articles: Sequence[Article]) -> list[PutProductLine]:
    """A product of one variant for each article; both are named by its SKU.

    The best sold ones have names in five more languages.
    """
    translations = read_translations()
    return [
        PutProductLine(
            key=article.sku,
            name={"en": article.shown_name, **translations.get(article.sku, {})},
            categories=[article.category],
            tax_class="standard",
            variants=[PutVariant(sku=article.sku)],
            is_published=article.is_published,
        )
        for article in articles
    ]


def price_lines(articles: Sequence[Article]) -> list[PutPriceLine]:
    """The public price of every article that has one."""
    return [
        PutPriceLine(
            sku=article.sku,
            tiers=[PriceTier(min_quantity=1, amount=plain_amount(article.price, CURRENCY))],
        )
        for article in articles
        if article.price is not None
    ]


def stock_lines(articles: Sequence[Article]) -> list[PutStockLine]:
    """The first count of every article that can be bought."""
    return [
        PutStockLine(sku=article.sku, on_hand=article.stock)
        for article in articles
        if article.is_published
    ]


def _portions(things: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for begin in range(0, len(things), size):
        yield things[begin : begin + size]


async def _until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds. A service may refuse meanwhile what it has not heard of yet."""
    give_up_at = time.monotonic() + PATIENCE_S
    why = ""
    while time.monotonic() < give_up_at:
        try:
            if await holds():
                return
        except PartnerRefused as refusal:
            why = f" ({refusal})"
        await asyncio.sleep(0.1)
    raise CopiesLate(f"{what}: not after {PATIENCE_S:.0f} s{why}.")
