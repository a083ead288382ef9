"""A store of its own in the shop that all examples share, and the model of it.

Nothing is reset between examples: each has stores, SKUs, prices, warehouses and delivery of its
own. A copy that the next step rests on is waited for: after a write of a product or the store
until every event had its effect.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from contracts.catalog import Audience, PutProduct, PutStore, PutVariant, TaxDisplay
from contracts.model import Request
from contracts.money import UnitPrice, plain_amount
from contracts.orders import PutDeliveryMethod, PutStock, PutWarehouse, StockLevel
from contracts.pricing import Price, PriceTier, PutPrice, PutPriceList, PutTaxRate
from tests.properties import wishes
from tests.properties.doors import Answer, Door, Graph, Opener, Rest, as_answer, check_refused
from tests.properties.live import Live
from tests.properties.model.catalog import Catalog
from tests.properties.model.kept import Kept
from tests.properties.model.prices import Prices
from tests.properties.model.refused import Refused
from tests.properties.model.selling import Cart, Selling
from tests.properties.model.stock import Stock

Expected = TypeVar("Expected")
Body = TypeVar("Body", bound=Request)


a_town = st.fixed_dictionaries(
    {
        "display": wishes.displays,
        "currencies": wishes.currencies,
        "countries": wishes.countries,
        "included": st.booleans(),
        "rates": st.tuples(*(wishes.rates for _ in range(4))),
        "prices": st.tuples(*(st.tuples(wishes.cents, wishes.first_tiers) for _ in range(3))),
        "delivery": wishes.fine,
        "counts": st.tuples(*(wishes.stocks for _ in range(3))),
    }
)
"""What `open_town` begins with."""


@dataclass
class Guest:
    """A guest's cart: what the model knows of it, what opens it, what was sent under a key."""

    cart: Cart
    held: Opener
    added: list[tuple[str, list[tuple[str, int]]]] = field(default_factory=list)
    submitted: list[tuple[str, tuple[int, str], str]] = field(default_factory=list)
    placement: str = ""
    """The id of the placing that came to an order."""


class Town(RuleBasedStateMachine):
    """The state of an example, and how shop and model are asked the same."""

    live: ClassVar[Live]

    def __init__(self) -> None:
        super().__init__()
        self.live.examples += 1
        self.prefix = f"e{self.live.examples}-"
        self.catalog = Catalog()
        self.prices = Prices(self.catalog)
        self.stock = Stock()
        self.selling = Selling(self.catalog, self.prices, self.stock)
        self.guests: list[Guest] = []
        self.keys = 0
        self.doors: dict[str, Door] = {"rest": Rest(self.live), "graph": Graph(self.live)}

    def name(self, kind: str, number: int = 0) -> str:
        """A key, SKU or tax class that no other example has."""
        return f"{self.prefix}{kind}{number}"

    def new_key(self) -> str:
        """An idempotency key never used."""
        self.keys += 1
        return self.name("key", self.keys)

    @property
    def store(self) -> str:
        """The key of the store."""
        return self.name("store")

    @property
    def terms(self) -> PutStore:
        """What the store is like now."""
        return self.catalog.stores.bodies[self.store]

    def ask(
        self, work: Coroutine[Any, Any, Answer], model: Callable[[], Expected]
    ) -> tuple[Answer, Expected] | None:
        """Ask shop and model; None where both refuse alike."""
        try:
            expected = model()
        except Refused as refused:
            check_refused(self.live.do(work), refused)
            return None
        answer = self.live.do(work)
        assert not answer.codes, (answer, expected)
        return answer, expected

    def write(
        self, service: str, path: str, body: Request, model: Callable[[], int]
    ) -> Answer | None:
        """PUT something as the partner; the answer, unless both refuse."""
        told = self.ask(self._put(service, path, body), model)
        if told is None:
            return None
        answer, status = told
        assert answer.status == status
        return answer

    async def _put(self, service: str, path: str, body: Request) -> Answer:
        return as_answer(await self.live.write(service, path, body.model_dump(mode="json")))

    async def look(self, service: str, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        """GET as the partner; a moment is written as the shop reads it."""
        asked = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in (query or {}).items()
            if value is not None
        }
        return as_answer(await self.live.read(service, path, **asked))

    async def post(self, service: str, path: str, body: Any) -> Answer:
        """POST as nobody in particular."""
        return as_answer(await self.live.call(service, "POST", path, json=body))

    def keep(
        self,
        service: str,
        path: str,
        key: str,
        body: Body,
        kept: Kept[Body],
        model: Callable[[str, Body], int] | None = None,
    ) -> None:
        """PUT something with a version, which the answer shows as it was written."""
        put = model or kept.put
        answer = self.write(service, f"{path}/{key}", body, lambda: put(key, body))
        if answer is not None:
            check_kept(answer.body, key, kept)

    def settle(self) -> None:
        """Wait until every event had its effect."""
        self.live.do(self.live.settle())

    def put_product(
        self, number: int, name: dict[str, str], tax_class: int, skus: list[int], published: bool
    ) -> None:
        """Write a product."""
        key = self.name("product", number)
        body = PutProduct(
            name=name,
            tax_class=self.name("class", tax_class),
            variants=[PutVariant(sku=self.name("sku", sku)) for sku in skus],
            is_published=published,
        )
        answer = self.write(
            "catalog", f"/v1/products/{key}", body, lambda: self.catalog.put_product(key, body)
        )
        if answer is not None:
            self.check_product(answer.body, key)

    def check_product(self, told: Mapping[str, Any], key: str) -> None:
        """A product as the partner is shown it."""
        body = self.catalog.products.bodies[key]
        same = ("name", "tax_class", "is_published")
        assert {name: told[name] for name in same} == {name: getattr(body, name) for name in same}
        assert [one["sku"] for one in told["variants"]] == [one.sku for one in body.variants]
        assert (told["key"], told["version"]) == (key, self.catalog.products.versions[key])

    def put_store(self, display: str, currencies: list[str], countries: list[str]) -> None:
        """Write the store."""
        body = PutStore(
            name={"en": "Town"},
            audience=Audience.D2C,
            currencies=currencies,
            locales=["en", "fr"],
            countries=countries,
            tax_display=TaxDisplay(display),
        )
        self.keep("catalog", "/v1/stores", self.store, body, self.catalog.stores)

    def put_list(self, number: int, currency: str, included: bool, **more: Any) -> None:
        """Write a price list."""
        key = self.name("list", number)
        body = PutPriceList(
            name="List",
            currency=currency,
            is_tax_included=included,
            **({"stores": [self.store]} | more),
        )
        path = "/v1/price-lists"
        self.keep("pricing", path, key, body, self.prices.lists, self.prices.put_list)

    def put_price(
        self,
        number: int,
        sku: int,
        amount: Decimal,
        tiers: list[tuple[int, Decimal]],
        window: wishes.Window,
    ) -> None:
        """Set the price of a SKU in a list."""
        key, its_sku = self.name("list", number), self.name("sku", sku)
        price_list = self.prices.lists.bodies.get(key)
        currency = price_list.currency if price_list else "GBP"
        body = PutPrice(
            tiers=[
                PriceTier(min_quantity=least, amount=plain_amount(one, currency))
                for least, one in [(1, amount), *tiers]
            ],
            valid_from=window[0],
            valid_to=window[1],
        )
        is_new = (key, its_sku) not in self.prices.written

        def model() -> int:
            self.prices.check_price(key, body)
            return 201 if is_new else 200

        path = f"/v1/price-lists/{key}/prices/{its_sku}"
        answer = self.write("pricing", path, body, model)
        if answer is not None:
            price = Price.model_validate(answer.body)
            assert price.tiers == body.tiers
            self.prices.note_price(key, its_sku, body, known_at=price.recorded_at)

    def put_rate(self, number: int, country: str, tax_class: str, rate: str) -> None:
        """Write a tax rate."""
        body = PutTaxRate(
            country=country, tax_class=tax_class, rate=rate, name=f"{rate} of {tax_class}"
        )
        key = self.name("rate", number)
        self.keep("pricing", "/v1/tax-rates", key, body, self.prices.rates, self.prices.put_rate)

    def taxed_by(self, number: int) -> tuple[str, str]:
        """The country and tax class that a rate is usually for; two countries, class by class."""
        return wishes.TAXED[number % 2], self.name("class", number // 2 % 3)

    def put_warehouse(self, number: int, priority: int) -> None:
        """Write a warehouse."""
        body = PutWarehouse(name="Shed", country="GB", priority=priority)
        key = self.name("house", number)
        self.keep("orders", "/v1/warehouses", key, body, self.stock.warehouses)

    def count(self, house: int, sku: int, on_hand: int) -> None:
        """Count the pieces of a SKU in a warehouse."""
        key, its_sku = self.name("house", house), self.name("sku", sku)
        answer = self.write(
            "orders",
            f"/v1/warehouses/{key}/stock/{its_sku}",
            PutStock(on_hand=on_hand),
            lambda: self.stock.count(key, its_sku, on_hand),
        )
        if answer is not None:
            self.check_level(answer.body)

    def check_level(self, told: Mapping[str, Any]) -> None:
        """The stock of a SKU in a warehouse."""
        seen = StockLevel.model_validate(told)
        level = self.stock.levels[seen.warehouse, seen.sku]
        assert (seen.on_hand, seen.reserved) == (level.on_hand, level.reserved)
        assert seen.available == level.on_hand - level.reserved
        assert seen.version == len(self.stock.told[seen.sku])

    def put_method(
        self,
        number: int,
        amount: Decimal,
        currency: str,
        *,
        countries: list[str],
        included: bool,
        tax_class: int,
    ) -> None:
        """Write a delivery method of the store."""
        body = PutDeliveryMethod(
            name={"en": "Cart", "fr": "Charrette"},
            stores=[self.store],
            countries=countries,
            price=UnitPrice.of(amount, currency),
            is_tax_included=included,
            tax_class=self.name("class", tax_class),
        )
        key = self.name("method", number)
        self.keep("orders", "/v1/delivery-methods", key, body, self.selling.methods)

    def open_town(
        self,
        display: str,
        currencies: list[str],
        countries: list[str],
        included: bool,
        rates: tuple[str, ...],
        prices: tuple[tuple[Decimal, list[tuple[int, Decimal]]], ...],
        delivery: Decimal,
        counts: tuple[int, ...],
    ) -> None:
        """A store with something to buy: of four SKUs three have a price and are in stock."""
        self.live.do(self.live.sign_in())
        self.put_store(display, currencies, countries)
        for number, rate in enumerate(rates):
            self.put_rate(number, *self.taxed_by(number), rate)
        self.put_list(0, currencies[0], included)
        self.put_list(1, currencies[0], not included, priority=1)
        for house in range(2):
            self.put_warehouse(house, priority=0)
        self.put_method(
            0, delivery, currencies[0], countries=countries, included=included, tax_class=0
        )
        self.put_product(0, {"en": "Thing"}, 0, [0, 1], published=True)
        self.put_product(1, {"en": "Gadget"}, 1, [2, 3], published=True)
        for sku, ((amount, tiers), count) in enumerate(zip(prices, counts, strict=True)):
            self.put_price(0, sku, amount, tiers, (None, None))
            self.count(0, sku, count)
        self.settle()


def check_kept(told: Mapping[str, Any], key: str, kept: Kept[Any]) -> None:
    """An answer shows a thing as it was written last, and how often that was."""
    body = kept.bodies[key]
    shown = type(body).model_validate({name: told[name] for name in type(body).model_fields})
    assert (shown, told["key"], told["version"]) == (body, key, kept.versions[key])
