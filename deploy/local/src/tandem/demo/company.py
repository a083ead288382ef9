"""The steps of one company: from its buyer's sign-in to the last parcel, with an order rejected on
the way, and to the moment when the buyer has no access any more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console

from contracts.ids import new_id
from tandem.demo import portal_queries as queries
from tandem.demo.live import PATIENCE_S, WAYS, watch
from tandem.demo.merchant import Merchant, Standing, new_company
from tandem.demo.pasted import OUTSIDE, UNKNOWN, Offer, choose, paste
from tandem.demo.shop import DemoFailed, Shop, expect, problems_of
from tandem.demo.shown import (
    cart_table,
    check_net_totals,
    money,
    offers_table,
    refusals_table,
    totals_table,
    wire_money,
)
from tandem.demo.teller import Teller
from tandem.demo_data.portal import GROUP, GROUP_SHARE, GROUP_SPEND_MINOR

PAGE = 100
CENT_OF_A_CENT = Decimal("0.0001")
ADDRESS = {
    "name": "Bea Buyer",
    "company": "Demo Gifts",
    "line1": "1 Ship Street",
    "city": "Brighton",
    "postalCode": "BN1 1AD",
    "country": "GB",
}


class CompanyJourney(Teller):
    """The steps of one company, in their order; it is made for this journey alone."""

    def __init__(self, portal: Shop, merchant: Merchant, console: Console) -> None:
        super().__init__(console)
        self.portal = portal
        self.merchant = merchant
        self.company = new_company()
        self.waits: dict[str, float] = {}
        """Seconds until what should take no second was seen, by what it was."""

    async def play(self) -> str:
        """All of it; the order's number."""
        began = time.monotonic()
        self.begin("A company buys")
        await self.found()
        self.buyer = await self.sign_in("buyer")
        await self.see_me()
        offers = await self.see_range()
        await self.look_outside()
        async with watch(self.buyer) as self.live:
            cart = await self.check_out(await self.paste(offers))
            await self.forget_number(cart)
            before = await self.standing(cart)
            await self.be_rejected(cart, before)
            number, approved_at = await self.be_approved(cart, before)
            await self.see_group_price(offers, since=approved_at)
            await self.read_feed(number, cart)
            await self.ship(number, cart, before)
            await self.lose_access()
        seconds = time.monotonic() - began
        self.finish(f"Order {number} is placed and shipped. All of it took {seconds:.1f} s.")
        return number

    async def found(self) -> None:
        self.say(f"The merchant's CRM and ERP make a company, {self.company.name}")
        await self.merchant.found(self.company)
        await self.merchant.choose_range(self.company)
        self.tell("with a head office and a shop; a buyer, an approver and an admin")
        self.tell("30 days to pay, with a purchase order number; its own part of the catalog")

    async def sign_in(self, who: str) -> Shop:
        wish = {"email": self.company.email(who), "password": self.company.password}
        signed = await self.portal.change(queries.SIGN_IN, **wish)
        expect(signed["buyer"]["company"] == self.company.key, "Another company signed in.")
        return self.portal.signed_in(signed["accessToken"])

    async def see_me(self) -> None:
        self.say(f"Its buyer signs in as {self.company.email('buyer')}")
        me = (await self.buyer.ask(queries.ME))["me"]
        balance, days = me["credit"]["balance"], me["credit"]["paymentDays"]
        expect(me["company"]["key"] == self.company.key, "The buyer sees another company.")
        self.tell(f"{me['unit']['name']} of {me['company']['name']}, {', '.join(me['roles'])}")
        self.tell(f"{wire_money(balance['available'])} of credit, {days} days to pay")

    async def see_range(self) -> list[Offer]:
        self.say("and sees what was chosen for the company, at its prices by quantity, without VAT")
        nodes: list[Any] = []
        after, has_more = None, True
        while has_more:
            data = await self.buyer.ask(queries.PRODUCTS, first=PAGE, after=after)
            nodes += data["products"]["nodes"]
            page = data["products"]["pageInfo"]
            after, has_more = page["endCursor"], page["hasNextPage"]
        offers = [offer for offer in map(Offer.read, nodes) if offer is not None]
        expect(bool(offers), "The portal shows nothing; was the demo shop loaded?")
        self.tell("Categories: " + ", ".join(root["name"] for root in data["categories"]))
        self.show(offers_table(choose(offers)[:4]))
        self.tell(f"and {len(nodes) - 4} more products")
        return offers

    async def look_outside(self) -> None:
        self.say(
            f"{OUTSIDE} is not of the company's part: it is not there, like one that never was"
        )
        for sku in (OUTSIDE, UNKNOWN):
            product = (await self.buyer.ask(queries.PRODUCT, key=sku))["product"]
            expect(product is None, f"The company can see {sku}.")

    async def paste(self, offers: Sequence[Offer]) -> Any:
        wanted = choose(offers)
        text, bad = paste(wanted, offers)
        self.say(
            f"pastes {len(wanted)} lines from a spreadsheet and a mail, and {len(bad)} bad ones"
        )
        opened = await self.buyer.change(queries.OPEN_CART)
        self.cart_id = opened["cart"]["id"]
        came = await self.buyer.change(queries.QUICK_ORDER, cartId=self.cart_id, text=text)
        refused = {one["line"]: one["code"] for one in came["refused"]}
        expect(came["taken"] == len(wanted), f"{came['taken']} lines were taken.")
        expect(refused == bad, f"Refused were {refused} and should be {bad}.")
        outside, unknown = (
            next(one["message"] for one in came["refused"] if one["text"].startswith(sku))
            for sku in (OUTSIDE, UNKNOWN)
        )
        expect(outside.replace(OUTSIDE, UNKNOWN) == unknown, "An invisible SKU is told apart.")
        self.show(refusals_table(came["refused"]))
        cart = came["cart"]
        prices = {offer.sku: offer.price_of(quantity) for offer, quantity in wanted}
        for line in cart["lines"]:
            price = Decimal(line["unitPrice"]["amount"])
            expect(price == prices[line["sku"]], f"{line['name']} costs {price} in the cart.")
        self.tell(f"The other {came['taken']} are in the cart, each at the price for its quantity:")
        self.show(cart_table(cart | {"lines": cart["lines"][:4]}, part="net"))
        return cart

    async def check_out(self, cart: Any) -> Any:
        self.say(f"says where it goes, {ADDRESS['city']}, and how")
        email = self.company.email("buyer")
        at = {"cartId": self.cart_id}
        await self.buyer.change(queries.SET_ADDRESS, **at, email=email, deliveryAddress=ADDRESS)
        methods = (await self.buyer.ask(queries.DELIVERY, country="GB"))["deliveryMethods"]
        expect(bool(methods), "Nothing is delivered to companies in GB.")
        wish = {**at, "deliveryMethod": methods[0]["key"]}
        cart = (await self.buyer.change(queries.SET_DELIVERY, **wish))["cart"]
        expect(not cart["problems"], f"The cart cannot be ordered: {cart['problems']}")
        check_net_totals(cart)
        self.show(totals_table(cart["totals"]))
        return cart

    async def forget_number(self, cart: Any) -> None:
        self.say("orders on terms, and forgets the company's purchase order number")
        payload = await self.buyer.try_to(queries.PLACE, **self.wish(cart, order=None))
        codes = [error["code"] for error in payload["errors"]]
        expect(codes == ["purchase-order-number-required"], f"What came was {payload}.")
        self.tell(f"Refused: {payload['errors'][0]['message']}")

    def wish(self, cart: Any, *, order: str | None) -> dict[str, Any]:
        """To place the cart as it was shown, under a key of its own."""
        return {
            "cartId": cart["id"],
            "agreedTotal": cart["totals"]["total"]["gross"],
            "payment": {"terms": True},
            "purchaseOrderNumber": order,
            "idempotencyKey": str(new_id()),
        }

    async def standing(self, cart: Any) -> Standing:
        skus = [line["sku"] for line in cart["lines"]]
        return await self.merchant.standing(self.company, skus)

    async def submit(self, wish: Mapping[str, Any]) -> str:
        """Submit an order that somebody must decide on; its placement's id."""
        began = time.monotonic()
        placement = (await self.buyer.change(queries.PLACE, **wish))["placement"]
        expect(
            placement["status"] in ("PENDING", "AWAITING_APPROVAL"),
            f"An order over the limit is {placement['status']}.",
        )
        await self.be_told(
            "placementChanged", placement["id"], "AWAITING_APPROVAL", since=began, key="id"
        )
        return str(placement["id"])

    async def see_request(self, placement_id: str, total: Mapping[str, Any]) -> Any:
        """The approver signs in and finds the request."""
        self.approver = await self.sign_in("approver")
        requests = (await self.approver.ask(queries.REQUESTS))["approvalRequests"]["nodes"]
        (request,) = [one for one in requests if one["placement"]["id"] == placement_id]
        expect(request["amount"] == total, f"The approver is shown {request['amount']}.")
        reasons = ", ".join(reason.lower().replace("_", " ") for reason in request["reasons"])
        self.tell(
            f"{wire_money(request['amount'])}, {reasons} of {wire_money(request['orderLimit'])},"
            f" {request['purchaseOrderNumber']}"
        )
        return request

    async def be_rejected(self, cart: Any, before: Standing) -> None:
        total = cart["totals"]["total"]["gross"]
        self.say(f"gives it, PO-1, and orders for {wire_money(total)}: over what they may alone")
        placement_id = await self.submit(self.wish(cart, order="PO-1"))
        held = await self.standing(cart)
        self.tell_standing("Held meanwhile", held, before)
        expect(held.credit.balance.held.amount == total["amount"], "The credit held is another.")

        self.say("The approver signs in and sees the request")
        request = await self.see_request(placement_id, total)
        own = await self.buyer.send(queries.APPROVE, input={"id": request["id"]})
        payload = (own.get("data") or {}).get("approveRequest") or {}
        refusals = [*problems_of(own), *payload.get("errors", ())]
        expect(bool(refusals), "The buyer approved their own order.")
        self.tell("The buyer may not decide on it")

        self.say("and rejects it: “Half of that would do.”")
        began = time.monotonic()
        wish = {"id": request["id"], "comment": "Half of that would do."}
        await self.approver.change(queries.REJECT, **wish)
        await self.be_told("placementChanged", placement_id, "REFUSED", since=began, key="id")
        after = await self.standing(cart)
        self.tell_standing("Held now", after, before)
        expect(after.held() == before.held(), "Something was not given back.")
        self.tell("Stock, credit and budget are back, to the piece and the cent")
        cart_now = (await self.buyer.ask(queries.CART, id=cart["id"]))["cart"]
        expect(cart_now["status"] == "OPEN", f"The cart is {cart_now['status']}.")

    async def be_approved(self, cart: Any, before: Standing) -> tuple[str, float]:
        total = cart["totals"]["total"]["gross"]
        self.say("The buyer, after a word on the phone, orders the same again, PO-2")
        wish = self.wish(cart, order="PO-2")
        placement_id = await self.submit(wish)

        self.say("and the approver approves")
        request = await self.see_request(placement_id, total)
        began = time.monotonic()
        await self.approver.change(queries.APPROVE, id=request["id"])
        await self.be_told("placementChanged", placement_id, "PLACED", since=began, key="id")
        placement = (await self.buyer.ask(queries.PLACEMENT, id=placement_id))["placement"]
        number = str(placement["order"]["number"])
        again = (await self.buyer.change(queries.PLACE, **wish))["placement"]
        expect((again["order"] or {}).get("number") == number, "Sent twice, it is two orders.")
        self.tell(f"Order {number}; sent twice, it is still one order")

        async def settled() -> bool:
            used = (await self.standing(cart)).credit.balance
            return used.used.amount == total["amount"] and used.held.minor == 0

        await until("what was held is used", settled)
        self.tell_standing("Held now", await self.standing(cart), before)
        return number, began

    async def see_group_price(self, offers: Sequence[Offer], *, since: float) -> None:
        spend = money(Decimal(GROUP_SPEND_MINOR) / 100, "EUR")
        self.say(f"With {spend} spent the company is in the group “{GROUP}”, by its rule")
        offer, quantity = choose(offers)[0]
        usual = offer.price_of(quantity)

        async def falls() -> bool:
            product = (await self.buyer.ask(queries.PRODUCT, key=offer.key))["product"]
            now = Offer.read(product)
            return now is not None and now.price_of(quantity) < usual

        await until(f"{offer.name} costs less than {usual}", falls)
        self.tell_wait("The next price", time.monotonic() - since)
        product = (await self.buyer.ask(queries.PRODUCT, key=offer.key))["product"]
        now = Offer.read(product)
        price = usual if now is None else now.price_of(quantity)
        expect(abs(price - usual * GROUP_SHARE) <= CENT_OF_A_CENT, f"The group pays {price}.")
        groups = (await self.merchant.company(self.company)).groups
        expect(GROUP in groups, f"The company is in {groups}.")
        self.tell(f"{quantity} x {offer.name}: {money(price, 'EUR')} each, before {usual}")

    async def read_feed(self, number: str, cart: Any) -> None:
        self.say("The merchant's ERP finds the order in the change feed")
        told = await self.merchant.read_feed(number)
        expect(len(told.lines) == len(cart["lines"]), "The feed tells of other lines.")
        expect(
            told.total.gross.amount == cart["totals"]["total"]["gross"]["amount"],
            f"The feed tells of {told.total.gross}.",
        )
        days = told.terms.payment_days if told.terms else 0
        self.tell(
            f"{len(told.lines)} lines, {told.purchase_order_number}, to be paid in {days} days"
        )

    async def ship(self, number: str, cart: Any, before: Standing) -> None:
        self.say("The warehouse ships a part")
        quantities = {line["sku"]: line["quantity"] for line in cart["lines"]}
        first, second = list(quantities)[:2]
        part = [(first, quantities[first] // 2), (second, quantities[second])]
        await self.post_parcel(number, part, "PARTIALLY_SHIPPED")

        self.say("and then the rest")
        await self.post_parcel(number, None, "SHIPPED")
        order = (await self.buyer.ask(queries.ORDER, number=number))["order"]
        expect(len(order["shipments"]) == 2, f"There are parcels {order['shipments']}.")
        shipped = {line["sku"]: line["shipped"] for line in order["lines"]}
        expect(shipped == quantities, f"Shipped were {shipped}.")
        after = await self.standing(cart)
        for sku, level in before.stock.items():
            now = after.stock[sku]
            expect(
                (level.on_hand - now.on_hand, now.reserved) == (quantities[sku], level.reserved),
                f"{sku}: {level.on_hand} lay there and {quantities[sku]} were shipped,"
                f" but {now.on_hand} are left. Is someone else buying too?",
            )
        self.tell(f"{sum(quantities.values())} pieces have left the warehouse, none is reserved")

    async def post_parcel(
        self, number: str, lines: list[tuple[str, int]] | None, status: str
    ) -> None:
        began = time.monotonic()
        order = await self.merchant.ship(number, lines, tracking=f"RM-{new_id().hex[-8:]}")
        expect(order.status.name == status, f"The order is {order.status}.")
        await self.be_told("orderChanged", number, status, since=began, key="number")

    async def lose_access(self) -> None:
        self.say("The company's admin signs in and takes the buyer's access away")
        admin = await self.sign_in("admin")
        began = time.monotonic()
        await admin.change(queries.DEACTIVATE, member=self.company.member("buyer"))

        async def is_out() -> bool:
            problems = problems_of(await self.buyer.send(queries.ME))
            return "access-revoked" in [code for code, _ in problems]

        await until("the buyer's token is refused", is_out)
        self.tell_wait("The buyer's token is refused", time.monotonic() - began)
        self.tell_waits("their subscriptions end", await self.live.wait_for_end(since=began))

    async def be_told(self, name: str, which: str, status: str, *, since: float, key: str) -> None:
        """Wait until the buyer was told by both ways, and tell how long that took."""

        def holds(thing: Any) -> bool:
            return (thing[key], thing["status"]) == (which, status)

        self.tell_waits(status, await self.live.wait(name, holds, since=since))

    def tell_waits(self, what: str, waits: Sequence[float]) -> None:
        ways = list(zip(WAYS, waits, strict=True))
        self.waits |= {f"{self.number}. {what}, {way}": seconds for way, seconds in ways}
        shown = ", ".join(f"{seconds * 1000:.0f} ms by {way}" for way, seconds in ways)
        self.tell(f"The buyer is told: {what.lower().replace('_', ' ')} ({shown})")

    def tell_wait(self, what: str, seconds: float) -> None:
        self.waits[f"{self.number}. {what}"] = seconds
        self.tell(f"{what} after {seconds * 1000:.0f} ms")

    def tell_standing(self, what: str, standing: Standing, before: Standing) -> None:
        credit, budget = standing.credit.balance, standing.budget.balance
        self.tell(
            f"{what}: {money(credit.held.amount, 'EUR')} of credit,"
            f" {money(budget.held.amount, 'EUR')} of budget,"
            f" {standing.reserved - before.reserved} pieces"
        )


async def until(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds. Raises DemoFailed."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not await holds():
        if time.monotonic() > give_up_at:
            raise DemoFailed(f"Not after {PATIENCE_S:.0f} s: {what}.")
        await asyncio.sleep(0.02)
