"""What must hold at the end of an example: every GET is the model, and so are the change feeds."""

import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from contracts.catalog import ProductChanged, StoreChanged
from contracts.orders import Order, OrderPlaced, StockChanged
from contracts.pricing import Price, PriceChanged, PriceListChanged, TaxRateChanged
from tests.properties.doors import Answer, Rest, check_cart, check_order, check_refused, check_same
from tests.properties.model.catalog import skus_of
from tests.properties.model.refused import Refused
from tests.properties.seen import seen_order, seen_placed
from tests.properties.town import Town, check_kept


class Judged(Town):
    """An example whose end is judged, once the shop has settled."""

    def teardown(self) -> None:
        """Everything there is in the end, unless something has failed already."""
        if sys.exc_info()[0] is None and self.catalog.stores.bodies:
            self.settle()
            self.judge()

    def judge(self) -> None:
        """Compare everything that can be read."""
        self.judge_kept()
        self.judge_products()
        self.judge_prices()
        self.judge_stock()
        self.judge_guests()
        self.judge_order_list()
        self.judge_orders_feed()
        self.judge_other_feeds()

    def get(self, service: str, path: str, **query: Any) -> Any:
        """What the partner reads."""
        answer = self.live.do(self.look(service, path, query))
        assert not answer.codes, answer
        return answer.body

    def judge_kept(self) -> None:
        """Everything that was written is there as it was written, in its version."""
        for service, path, kept in (
            ("catalog", "stores", self.catalog.stores),
            ("pricing", "price-lists", self.prices.lists),
            ("pricing", "tax-rates", self.prices.rates),
            ("orders", "warehouses", self.stock.warehouses),
            ("orders", "delivery-methods", self.selling.methods),
        ):
            for key in kept.bodies:
                check_kept(self.get(service, f"/v1/{path}/{key}"), key, kept)

    def judge_products(self) -> None:
        """Products, and what catalog says is left of them; nobody else sees the unpublished."""
        rest = Rest(self.live)
        for key, body in self.catalog.products.bodies.items():
            told = self.get("catalog", f"/v1/products/{key}", include_unpublished="true")
            self.check_product(told, key)
            left = {one["sku"]: one["availability"]["available"] for one in told["variants"]}
            assert left == {sku: self.stock.available(sku) for sku in skus_of(body)}
            if not body.is_published:
                path = f"/v1/products/{key}"
                check_refused(self.live.do(rest.get(path)), Refused(404, "product-not-found"))

    def judge_prices(self) -> None:
        """The prices of a list as they hold now."""
        for key in self.prices.lists.bodies:
            page = self.get("pricing", f"/v1/price-lists/{key}/prices")
            seen = {one["sku"]: Price.model_validate(one).tiers for one in page["items"]}
            skus = [sku for its, sku in self.prices.written if its == key]
            prices = {sku: self.prices.price_at(key, sku) for sku in skus}
            assert seen == {sku: price.tiers for sku, price in prices.items() if price}

    def judge_stock(self) -> None:
        """What lies and is promised in each warehouse."""
        for house in self.stock.warehouses.bodies:
            page = self.get("orders", f"/v1/warehouses/{house}/stock")
            for told in page["items"]:
                self.check_level(told)
            skus = {sku for its, sku in self.stock.levels if its == house}
            assert {one["sku"] for one in page["items"]} == skus
        reserved: dict[str, int] = defaultdict(int)
        for (_, sku), level in self.stock.levels.items():
            assert 0 <= level.reserved <= level.on_hand
            reserved[sku] += level.reserved
        sold: dict[str, int] = defaultdict(int)
        for order in self.selling.orders:
            for line in order.shown["lines"]:
                sold[line["sku"]] += line["quantity"]
        assert {sku: pieces for sku, pieces in reserved.items() if pieces} == dict(sold)

    def judge_guests(self) -> None:
        """Every cart and every order."""
        rest = Rest(self.live)
        for guest in self.guests:
            show = partial(self.selling.show_cart, guest.cart)
            told = self.ask(rest.read(guest.held), show)
            if told is not None:
                check_cart(*told)
            number = guest.cart.order_number
            if number is not None:
                shown = self.shown_order(number)
                check_order(self.live.do(rest.order(guest.held, number)), shown)
                placing = self.live.do(rest.placement(guest.held, guest.placement))
                check_order(Answer(placing.body["order"], placing.codes), shown)
                stranger = replace(guest.held, secret="another")
                placing = self.live.do(rest.placement(stranger, guest.placement))
                check_refused(placing, Refused(404, "placement-not-found"))
                for door in self.doors.values():
                    answer = self.live.do(door.order(stranger, number))
                    check_refused(answer, Refused(404, "order-not-found"))

    def shown_order(self, number: str) -> Mapping[str, Any]:
        """What the model has of an order."""
        return next(one.shown for one in self.selling.orders if one.number == number)

    def judge_order_list(self) -> None:
        """The partner finds these orders, the newest first, and none between them."""
        orders = self.selling.orders
        if orders:
            page = self.get("orders", "/v1/orders", limit=len(orders))
            for told, order in zip(page["items"], reversed(orders), strict=True):
                check_same(seen_order(Order.model_validate(told)), order.shown)

    def judge_orders_feed(self) -> None:
        """From the feed alone the same stock and the same orders can be made."""
        stock: dict[str, dict[int, int]] = defaultdict(dict)
        placed = []
        for event in self.live.do(self.live.told("orders")):
            if event["type"] == OrderPlaced.type:
                data = OrderPlaced.model_validate(event["data"])
                assert event["subject"] == str(data.order_id)
                placed.append(seen_placed(data))
                continue
            for item in StockChanged.model_validate(event["data"]).items:
                if item.sku.startswith(self.prefix):
                    assert item.sequence not in stock[item.sku]
                    stock[item.sku][item.sequence] = item.available
        assert stock == {
            sku: dict(enumerate(told, start=1)) for sku, told in self.stock.told.items()
        }
        mine = [one for one in placed if one["store"] == self.store]
        assert mine == [
            {name: one.shown[name] for name in ("number", "store", "currency", "country")}
            | {
                "lines": [
                    (line["sku"], line["quantity"], line["unit_price"], line["total"])
                    for line in one.shown["lines"]
                ],
                "total": one.shown["totals"]["total"],
            }
            for one in self.selling.orders
        ]

    def judge_other_feeds(self) -> None:
        """Every change was told once, and nothing that was not one."""
        told: dict[tuple[str, str], list[int]] = defaultdict(list)
        for service in ("catalog", "pricing"):
            for event in self.live.do(self.live.told(service)):
                for subject, sequence in changes_in(event):
                    if subject.startswith(self.prefix):
                        told[event["type"], subject].append(sequence)
        changes = {
            (StoreChanged.type, key): count for key, count in self.catalog.stores.versions.items()
        }
        for kind, kept in (
            (ProductChanged, self.catalog.products.versions),
            (PriceListChanged, self.prices.lists.versions),
            (TaxRateChanged, self.prices.rates.versions),
        ):
            changes |= {(kind.type, key): count for key, count in kept.items()}
        changes |= {
            (PriceChanged.type, f"{key}/{sku}"): len(written)
            for (key, sku), written in self.prices.written.items()
        }
        assert told == {one: list(range(1, count + 1)) for one, count in changes.items()}


def changes_in(event: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What an event tells of, and its version of each; a batch event tells of many."""
    data = event["data"]
    if event["type"] == PriceChanged.type:
        return [(f"{one['price_list']}/{one['sku']}", one["sequence"]) for one in data["items"]]
    if event["type"] == ProductChanged.type:
        return [(one["key"], one["sequence"]) for one in data["items"]]
    return [(event["subject"], event["sequence"])]
