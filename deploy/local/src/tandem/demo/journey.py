"""The steps of one guest, from the storefront's door to the order, each told as it goes."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console

from contracts.ids import new_id
from tandem.demo import queries
from tandem.demo.shop import STORE, Article, DemoFailed, Shop, expect
from tandem.demo.shown import (
    cart_table,
    check_totals,
    money,
    products_table,
    totals_table,
    wire_money,
)
from tandem.demo.teller import Teller

PATIENCE_S = 30.0
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
}


class Journey(Teller):
    """The steps of one guest, in their order."""

    def __init__(self, shop: Shop, console: Console) -> None:
        super().__init__(console)
        self.shop = shop
        self.access: dict[str, str] = {}
        """Id and secret of the cart."""

    async def play(self) -> str:
        """All of it."""
        began = time.monotonic()
        await self.enter()
        listed = await self.list_products()
        in_category = await self.browse_category(apart_from=[listed])
        found = await self.search("lantern", apart_from=[listed, in_category])
        await self.open_page(found)
        cart = await self.fill_cart(listed, in_category, found)
        cart = await self.check_out()
        bought = {line["sku"]: line["quantity"] for line in cart["lines"]}
        expect(bought == {listed.sku: 3, found.sku: 2}, f"The cart holds {bought}.")
        before = await self.stock_of([listed, found])
        number = await self.place(cart)
        await self.look_up(number, cart)
        await self.see_stock_fall([listed, found], bought, before)
        seconds = time.monotonic() - began
        self.finish(f"Order {number} is placed. All of it took {seconds:.1f} s.")
        return number

    async def enter(self) -> None:
        self.begin("A guest buys")
        self.say("A guest opens the storefront")
        data = await self.shop.ask(queries.STORE)
        store, roots = data["store"], data["categories"]
        expect(bool(store), f"There is no store {STORE}; was the demo shop loaded?")
        expect(store["taxDisplay"] == "GROSS", "A D2C store must show prices with tax.")
        expect(bool(roots), "There are no categories; was the demo shop loaded?")
        self.tell(f"{store['name']}: {', '.join(store['currencies'])}, prices with VAT")
        self.tell("Categories: " + ", ".join(root["name"] for root in roots))
        self.roots = roots

    async def list_products(self) -> Article:
        self.say("and sees the first page of products")
        data = await self.shop.ask(queries.PRODUCTS, first=6)
        articles = self.read(data["products"])
        expect(data["products"]["pageInfo"]["hasNextPage"], "There is only one page of products.")
        return self.choose(articles)

    async def browse_category(self, apart_from: list[Article]) -> Article:
        parents = [root for root in self.roots if root["children"]]
        expect(bool(parents), "No category has one below it; was the demo shop loaded?")
        root, child = parents[0], parents[0]["children"][0]
        self.say(f"looks into {root['name']} > {child['name']}")
        data = await self.shop.ask(queries.PRODUCTS, first=4, category=child["key"])
        return self.choose(self.read(data["products"]), apart_from)

    async def search(self, words: str, apart_from: list[Article]) -> Article:
        self.say(f"searches for “{words}”")
        data = await self.shop.ask(queries.PRODUCTS, first=4, search=words)
        articles = self.read(data["products"])
        for article in articles:
            expect(words in article.name.lower(), f"{article.name} is no {words}.")
        return self.choose(articles, apart_from)

    async def open_page(self, article: Article) -> None:
        self.say(f"and opens the page of {article.name}")
        product = (await self.shop.ask(queries.PRODUCT, key=article.key))["product"]
        expect(product is not None, f"{article.name} has no page.")
        expect(Article.read(product) == article, f"The page of {article.name} differs from lists.")
        path = " > ".join(step["name"] for step in product["categories"][0]["path"])
        self.tell(f"{path} > {product['name']}")
        self.tell(
            f"{money(article.price, article.currency)} with VAT, {article.available} in stock"
        )

    async def fill_cart(self, one: Article, two: Article, three: Article) -> Any:
        self.say(f"opens a cart with 2 x {one.name}")
        opened = await self.shop.change(queries.OPEN_CART, lines=[{"sku": one.sku, "quantity": 2}])
        cart = opened["cart"]
        self.access = {"cartId": cart["id"], "secret": opened["secret"]}
        self.show(cart_table(cart))

        self.say(f"adds {two.name} and 2 x {three.name}")
        wish = [{"sku": two.sku, "quantity": 1}, {"sku": three.sku, "quantity": 2}]
        cart = (await self.shop.change(queries.ADD_LINES, **self.access, lines=wish))["cart"]
        expect(len(cart["lines"]) == 3, "The cart should have three lines.")
        self.show(cart_table(cart))

        lines = {line["sku"]: line["id"] for line in cart["lines"]}
        self.say(f"wants 3 x {one.name}, and no {two.name} after all")
        await self.shop.change(
            queries.CHANGE_LINE, **self.access, lineId=lines[one.sku], quantity=3
        )
        cart = (await self.shop.change(queries.REMOVE_LINE, **self.access, lineId=lines[two.sku]))[
            "cart"
        ]
        self.show(cart_table(cart))
        return cart

    async def check_out(self) -> Any:
        self.say(f"says who buys and where it goes: {ADDRESS['name']}, {ADDRESS['city']}")
        payload = await self.shop.change(
            queries.SET_ADDRESS, **self.access, email="ada@example.com", deliveryAddress=ADDRESS
        )
        self.show_problems(payload["cart"])

        self.say("chooses how it is brought")
        methods = (await self.shop.ask(queries.DELIVERY, country="GB"))["deliveryMethods"]
        expect(bool(methods), "Nothing is delivered to GB.")
        method = methods[0]
        payload = await self.shop.change(
            queries.SET_DELIVERY, **self.access, deliveryMethod=method["key"]
        )
        cart = payload["cart"]
        self.tell(f"{method['name']}: {wire_money(method['price'])}")
        expect(not cart["problems"], f"The cart cannot be ordered: {cart['problems']}")

        self.say("and sees the totals, with VAT")
        check_totals(cart)
        self.show(totals_table(cart["totals"]))
        return cart

    async def place(self, cart: Mapping[str, Any]) -> str:
        agreed = cart["totals"]["total"]["gross"]
        self.say(f"orders, agreeing to {wire_money(agreed)}")
        wish = {
            **self.access,
            "agreedTotal": agreed,
            "payment": {"method": "test", "token": "tok_ok"},
            "idempotencyKey": str(new_id()),
        }
        placement = (await self.shop.change(queries.PLACE, **wish))["placement"]
        number = await self.wait_for_order(placement)
        again = (await self.shop.change(queries.PLACE, **wish))["placement"]
        expect(
            (again["order"] or {}).get("number") == number,
            f"The same order sent twice is not {number} both times.",
        )
        self.tell(f"Order {number}; sent twice by a nervous finger, it is still one order")
        return number

    async def wait_for_order(self, placement: Any) -> str:
        give_up_at = time.monotonic() + PATIENCE_S
        while placement["status"] == "PENDING" and time.monotonic() < give_up_at:
            await asyncio.sleep(0.2)
            data = await self.shop.ask(
                queries.PLACEMENT, id=placement["id"], secret=self.access["secret"]
            )
            placement = data["placement"]
        why = (placement["problem"] or {}).get("message", "it is still pending")
        expect(placement["status"] == "PLACED", f"The order was not placed: {why}")
        number: str = placement["order"]["number"]
        return number

    async def look_up(self, number: str, cart: Mapping[str, Any]) -> None:
        self.say(f"looks up {number} with the cart's secret")
        secret = self.access["secret"]
        order = (await self.shop.ask(queries.ORDER, number=number, secret=secret))["order"]
        expect(order is not None, f"Order {number} cannot be found with its secret.")
        expect(order["totals"] == cart["totals"], "The order costs other than the cart did.")
        paid, total = order["payment"], cart["totals"]["total"]["gross"]
        expect(paid["amount"] == total, f"{paid['amount']} was paid, {total} was agreed.")
        self.tell(
            f"{order['status'].capitalize()} {order['placedAt']}, to {order['email']},"
            f" payment {paid['status'].lower()}: {wire_money(total)}"
        )
        stranger = await self.shop.ask(queries.ORDER, number=number, secret=secret[::-1])
        expect(stranger["order"] is None, "A stranger can read the order.")
        self.tell("With another secret there is nothing to see")

    async def stock_of(self, articles: Iterable[Article]) -> dict[str, int]:
        """What the product pages show now."""
        shown = {}
        for article in articles:
            product = (await self.shop.ask(queries.PRODUCT, key=article.key))["product"]
            for variant in product["variants"]:
                shown[variant["sku"]] = variant["availability"]["available"]
        return {article.sku: shown[article.sku] for article in articles}

    async def see_stock_fall(
        self, articles: list[Article], bought: Mapping[str, int], before: Mapping[str, int]
    ) -> None:
        self.say("and the product pages show that much less in stock")
        expected = {sku: before[sku] - quantity for sku, quantity in bought.items()}
        began = time.monotonic()
        now = await self.stock_of(articles)
        while now != expected and time.monotonic() < began + PATIENCE_S:
            await asyncio.sleep(0.05)
            now = await self.stock_of(articles)
        for article in articles:
            expect(
                now[article.sku] == expected[article.sku],
                f"{article.name}: {before[article.sku]} were in stock and {bought[article.sku]}"
                f" were bought, but {now[article.sku]} are shown. Is someone else buying too?",
            )
            self.tell(
                f"{article.name}: {before[article.sku]} - {bought[article.sku]}"
                f" = {now[article.sku]}"
            )
        self.tell(f"after {(time.monotonic() - began) * 1000:.0f} ms")

    def choose(self, articles: list[Article], apart_from: Iterable[Article] = ()) -> Article:
        """The first of a list that is not taken yet and of which there is enough."""
        taken = {article.sku for article in apart_from}
        for article in articles:
            if article.sku not in taken and article.available >= 3:
                return article
        raise DemoFailed("Nothing in this list can be bought; was the demo shop loaded?")

    def read(self, connection: Mapping[str, Any]) -> list[Article]:
        """Show a page of products; those of them that can be bought."""
        self.show(products_table(connection))
        articles = (Article.read(product) for product in connection["nodes"])
        return [article for article in articles if article is not None]

    def show_problems(self, cart: Mapping[str, Any]) -> None:
        for problem in cart["problems"]:
            self.tell(f"Still to do: {problem['message']}")
