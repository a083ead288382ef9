"""What the partner does meanwhile, and what anybody may read of it."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from contracts.pricing import Price, PriceResolution
from tests.properties import wishes
from tests.properties.doors import Answer, Graph
from tests.properties.model.catalog import named
from tests.properties.model.prices import NOW, Wish
from tests.properties.model.refused import Refused
from tests.properties.seen import seen_bill, seen_variant
from tests.properties.town import Town


class Partner(Town):
    """Steps of the partner's systems."""

    @rule(
        number=st.integers(0, 2),
        name=wishes.names,
        tax_class=st.integers(0, 2),
        skus=st.lists(wishes.few, min_size=1, max_size=3, unique=True),
        published=st.sampled_from([True, True, True, False]),
    )
    def write_product(
        self, number: int, name: dict[str, str], tax_class: int, skus: list[int], published: bool
    ) -> None:
        """Another name, class, SKUs; on sale or not."""
        self.put_product(number, name, tax_class, skus, published)
        self.settle()

    @rule(display=wishes.displays, countries=wishes.countries, more=st.booleans())
    def write_store(self, display: str, countries: list[str], more: bool) -> None:
        """Another way to show prices, other countries, a currency more or none but the first."""
        first = self.terms.currencies[0]
        others = [one for one in wishes.CURRENCIES if one != first] if more else []
        self.put_store(display, [first, *others], countries)
        self.settle()

    @rule(
        number=st.sampled_from([0, 0, 0, 1, 1, 2]),
        sku=wishes.few,
        amount=wishes.amounts,
        tiers=wishes.tiers,
        window=wishes.windows,
    )
    def write_price(
        self,
        number: int,
        sku: int,
        amount: Decimal,
        tiers: list[tuple[int, Decimal]],
        window: wishes.Window,
    ) -> None:
        """A price with tiers, for now or for a window; the third list may not be there."""
        self.put_price(number, sku, amount, tiers, window)

    @rule(
        number=st.integers(0, 2),
        currency=wishes.mostly(0, 1, 1),
        included=wishes.mostly(True, False),
        as_before=wishes.mostly(True, False),
        priority=st.integers(-1, 1),
        elsewhere=st.sampled_from([False, False, False, True]),
        window=wishes.windows,
        published=st.sampled_from([True, True, True, False]),
    )
    def write_list(
        self,
        number: int,
        currency: int,
        included: bool,
        as_before: bool,
        priority: int,
        elsewhere: bool,
        window: wishes.Window,
        published: bool,
    ) -> None:
        """A list that goes before others, or holds elsewhere, at another time, or not at all."""
        currencies = self.terms.currencies
        sold = currencies[currency % len(currencies)]
        old = self.prices.lists.bodies.get(self.name("list", number))
        if as_before and old is not None:
            sold, included = old.currency, old.is_tax_included
        self.put_list(
            number,
            sold,
            included,
            stores=[self.name("elsewhere")] if elsewhere else [self.store],
            priority=priority,
            valid_from=window[0],
            valid_to=window[1],
            is_published=published,
        )

    @rule(number=st.integers(0, 5), clash=wishes.mostly(0, 2), rate=wishes.rates)
    def write_rate(self, number: int, clash: int, rate: str) -> None:
        """Another rate; one that another key has already is a conflict."""
        self.put_rate(number, *self.taxed_by(number + clash), rate)

    @rule(house=st.integers(0, 2), priority=st.integers(-1, 1))
    def write_warehouse(self, house: int, priority: int) -> None:
        """Another place in the order in which stock is taken."""
        self.put_warehouse(house, priority)

    @rule(house=st.integers(0, 2), sku=wishes.few, on_hand=wishes.counts)
    def count_stock(self, house: int, sku: int, on_hand: int) -> None:
        """A count; the third warehouse may not be there."""
        self.count(house, sku, on_hand)

    @rule(
        house=st.integers(0, 1),
        counts=st.dictionaries(wishes.few, wishes.counts, min_size=1, max_size=4),
    )
    def count_many(self, house: int, counts: dict[int, int]) -> None:
        """Counts in bulk: one that is refused costs no other."""
        key = self.name("house", house)
        lines = {self.name("sku", sku): on_hand for sku, on_hand in counts.items()}
        path = f"/v1/warehouses/{key}/stock/bulk"
        sent = [{"sku": sku, "on_hand": on_hand} for sku, on_hand in lines.items()]
        results = self.live.do(self.live.write_lines("orders", path, sent))
        assert [(one["line"], one["key"], one["outcome"]) for one in results] == [
            (number, sku, self.counted(key, sku, on_hand))
            for number, (sku, on_hand) in enumerate(lines.items(), start=1)
        ]

    def counted(self, house: str, sku: str, on_hand: int) -> str:
        """What becomes of a count."""
        before = self.stock.levels.get((house, sku))
        try:
            self.stock.count(house, sku, on_hand)
        except Refused:
            return "refused"
        if before is None:
            return "created"
        return "unchanged" if before.on_hand == on_hand else "updated"

    @rule(
        number=st.integers(0, 1),
        amount=wishes.amounts,
        currency=wishes.mostly(0, 1),
        countries=wishes.countries,
        included=st.booleans(),
        tax_class=wishes.mostly(0, 1, 2),
    )
    def write_method(
        self,
        number: int,
        amount: Decimal,
        currency: int,
        countries: list[str],
        included: bool,
        tax_class: int,
    ) -> None:
        """Another price or reach of a delivery method."""
        currencies = self.terms.currencies
        self.put_method(
            number,
            amount,
            currencies[currency % len(currencies)],
            countries=countries,
            included=included,
            tax_class=tax_class,
        )

    @rule(number=st.integers(0, 2), locale=st.sampled_from(["en", "fr"]))
    def browse(self, number: int, locale: str) -> None:
        """A product's page in the storefront: what one piece costs, and how many are left."""
        self.settle()
        key = self.name("product", number)
        work = Graph(self.live).product(self.store, key, locale)
        product = self.catalog.products.bodies.get(key)
        if product is None or not product.is_published:
            assert self.live.do(work) == Answer()
            return
        skus = [variant.sku for variant in product.variants]
        terms, wanted = self.terms, [Wish(1, sku) for sku in skus]
        told = self.ask(
            work,
            lambda: self.prices.resolve(
                self.store, terms.currencies[0], terms.countries[0], wanted
            ),
        )
        if told is None:
            return
        answer, bill = told
        assert answer.body["name"] == named(dict(product.name), locale)
        assert [seen_variant(one) for one in answer.body["variants"]] == [
            (
                sku,
                self.stock.available(sku),
                charge and (charge.unit_price, terms.currencies[0], charge.rate),
            )
            for sku, charge in zip(skus, bill.charges, strict=True)
        ]

    @rule(number=st.integers(0, 2), sku=wishes.few, at=wishes.moments, since=st.none() | wishes.few)
    def read_price(self, number: int, sku: int, at: datetime | None, since: int | None) -> None:
        """A price at a moment, by what is known now or was known then."""
        key, its_sku = self.name("list", number), self.name("sku", sku)
        known = self.prices.known.get((key, its_sku), [])
        known_at = known[since % len(known)] if since is not None and known else None
        path = f"/v1/price-lists/{key}/prices/{its_sku}"
        query = {"at": at, "known_at": known_at}
        told = self.ask(
            self.look("pricing", path, query),
            lambda: self.prices.get_price(key, its_sku, at or NOW, known_at=known_at),
        )
        if told is not None:
            assert Price.model_validate(told[0].body).tiers == told[1].tiers

    @rule(
        country=st.integers(0, 2),
        currency=st.integers(0, 2),
        lines=st.lists(
            st.tuples(st.integers(0, 4), wishes.quantities), min_size=1, max_size=4, unique=True
        ),
        at=wishes.moments,
    )
    def resolve(
        self, country: int, currency: int, lines: list[tuple[int, int]], at: datetime | None
    ) -> None:
        """What lines cost somebody, now or then, and which list and tier gave each price."""
        items = [(self.name("sku", sku), quantity) for sku, quantity in lines]
        body = {
            "store": self.store,
            "currency": wishes.CURRENCIES[currency],
            "country": wishes.COUNTRIES[country],
            "at": at.isoformat() if at else None,
            "lines": [
                {"ref": str(number), "sku": sku, "quantity": quantity}
                for number, (sku, quantity) in enumerate(items)
            ],
        }
        told = self.ask(
            self.post("pricing", "/v1/prices/resolve", body),
            lambda: self.prices.resolve(
                self.store,
                wishes.CURRENCIES[currency],
                wishes.COUNTRIES[country],
                [Wish(quantity, sku) for sku, quantity in items],
                at or NOW,
            ),
        )
        if told is not None:
            seen, total, taxes = seen_bill(PriceResolution.model_validate(told[0].body))
            charges = [one and replace(one, tax="") for one in told[1].charges]
            assert (seen.charges, total, taxes) == (charges, told[1].total, told[1].taxes)
