"""What is in the shop: two stores, something to buy, and two companies that know nothing of each
other, each with orders, carts and requests.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from standardwebhooks.webhooks import Webhook

from gateway.ids import encode_id
from tandem.run import testpay_secret
from tests.security.people import MEMBERS, OURS, PASSWORD, People, Side, bearer
from tests.security.shop import Answer, Ask, Shop

D2C, B2B = "d2c-uk", "b2b-eu"
SKU = "LANTERN-1"
DEAR = 100
"""So many pieces are over a buyer's limit."""
ADDRESS = {"name": "Ada", "line1": "1 Square", "city": "York", "country": "GB"}
CARD = {"method": "test", "token": "tok_ok"}
TERMS = {"method": "terms"}
RICH = {"amount": "9000000.00", "currency": "EUR"}

SAMPLES = Path(__file__).parents[2] / "contracts" / "samples"
HAVE_BUYERS = ("catalog", "pricing", "orders", "approvals")
PROFILES = "tandem.accounts.buyer_profile.changed.v1"
LETTERS = {
    "accounts": ("accounts.orders", "tandem.orders.order.placed.v1"),
    **{name: (f"{name}.buyers", PROFILES) for name in HAVE_BUYERS},
}
"""By service a queue, and an event that it takes."""

STORE = {
    "locales": ["en"],
    "countries": ["GB"],
    "name": {"en": "Store"},
    "default_assortment": "range",
}
PEOPLE_STORE = STORE | {"audience": "d2c", "currencies": ["GBP"], "tax_display": "gross"}
COMPANY_STORE = STORE | {"audience": "b2b", "currencies": ["EUR"], "tax_display": "net"}
GROUP = {"name": "Volume", "rule": "orders >= 1000000"}
CATEGORY = {"name": {"en": "Home"}}
RATE = {"country": "GB", "tax_class": "standard", "rate": "0.2", "name": "VAT 20 %"}
RULE = {"sku": SKU, "stores": [B2B], "minimum": 1}
WAREHOUSE = {"name": "Main", "country": "GB"}
NOTICE = {"type": "payment.settled", "reference": "nobody", "timestamp": "2026-11-22T10:00:00Z"}
LINES = [{"ref": "1", "sku": SKU, "quantity": 1}]
PRICE = {"tiers": [{"min_quantity": 1, "amount": "10.00"}]}


def product(sku: str, *, is_published: bool = True) -> dict[str, Any]:
    """A product with one SKU, whose name and slug are that of the SKU."""
    return {
        "name": {"en": sku.lower()},
        "slug": {"en": sku.lower()},
        "categories": ["home"],
        "variants": [{"sku": sku}],
        "is_published": is_published,
    }


def assortment(company: str) -> dict[str, Any]:
    """What only one company sees, beside what all see."""
    return {
        "name": f"Only {company}",
        "include": {"products": [f"{company}-cup"]},
        "assignments": [{"level": "company", "key": company, "effect": "widen"}],
    }


def price_list(store: str, currency: str) -> dict[str, Any]:
    """The public list of a store."""
    return {
        "name": store,
        "currency": currency,
        "stores": [store],
        "is_tax_included": store == D2C,
    }


def delivery_method(store: str, currency: str) -> dict[str, Any]:
    """How it is brought."""
    return {
        "name": {"en": "Cart"},
        "stores": [store],
        "countries": ["GB"],
        "price": {"amount": "5.00", "currency": currency},
        "is_tax_included": False,
    }


def company(key: str) -> dict[str, Any]:
    """A company."""
    return {"name": f"{key.title()} Gifts", "country": "GB", "currency": "EUR"}


def agreement(key: str) -> dict[str, Any]:
    """Credit enough for everything."""
    return {"company": key, "payment_days": 30, "credit_limit": RICH}


def budget(key: str) -> dict[str, Any]:
    """As much of it."""
    return {"unit": f"{key}-shop", "amount": RICH}


def member(key: str, role: str, **more: Any) -> dict[str, Any]:
    """A member: the buyer acts for the shop and may spend little, the others for the head."""
    body: dict[str, Any] = {
        "email": f"{role}@{key}.example",
        "name": f"{key.title()} {role.title()}",
        "unit": f"{key}-shop" if role == "buyer" else f"{key}-head",
        "roles": sorted({"buyer", role}) if role != "admin" else ["admin"],
    }
    if role == "buyer":
        body["order_limit"] = {"amount": "250.00", "currency": "EUR"}
    return body | more


@dataclass
class World:
    """The loaded shop; `values` fill the gaps of what is asked."""

    shop: Shop
    people: People
    values: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def new(self, what: str) -> str:
        """A name that nobody has."""
        self.made += 1
        return f"{what}-{self.made}"

    async def put(self, service: str, path: str, body: Any) -> Any:
        """Write something as the partner."""
        return await self.shop.call(service, "PUT", path, body, headers=self.people.partner)

    async def ask_as(self, side: Side, role: str, ask: Ask) -> Answer:
        """Ask as a member."""
        return await self.shop.ask(ask, side.headers(role))

    # loading

    async def load(self) -> None:
        """Everything, through the public APIs."""
        await self.people.open()
        await self._load_goods()
        for side in self.people.sides:
            await self._load_company(side)
        await self.shop.settle()
        self.values |= self._names()
        for side in self.people.sides:
            for role in MEMBERS:
                await self.sign_in(side, role)
            await self._load_orders(side)
        self.values["other_secret"] = (await self.guest_cart())["secret"]
        await self.shop.settle()

    def _names(self) -> dict[str, str]:
        """What stays: keys, ids and secrets that are asked for."""
        ours, credentials = self.people.ours, self.shop.credentials()
        staff = self.people.staff()
        return {
            "company": OURS,
            "unit": ours.name("shop"),
            "member": ours.name("spare"),
            "agreement": ours.name("terms"),
            "budget": ours.name("budget"),
            "group": "volume",
            "lantern": encode_id("Product", "lantern"),
            "cup": encode_id("Product", f"{OURS}-cup"),
            "member_id": ours.ids["buyer"],
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "staff_email": staff["email"],
            "staff_password": staff["password"],
            "merchant": testpay_secret(self.shop.settings),
        }

    async def _load_goods(self) -> None:
        await self.put("catalog", "/v1/categories/home", CATEGORY)
        everything = {"name": "Range", "include": {"products": ["lantern"]}}
        await self.put("catalog", "/v1/assortments/range", everything)
        await self.put("catalog", f"/v1/stores/{D2C}", PEOPLE_STORE)
        await self.put("catalog", f"/v1/stores/{B2B}", COMPANY_STORE)
        await self.put("accounts", "/v1/customer-groups/volume", GROUP)
        await self.put("pricing", "/v1/quantity-rules/lantern", RULE)
        await self.put("pricing", "/v1/tax-rates/gb", RATE)
        await self.put("orders", "/v1/warehouses/main", WAREHOUSE)
        for store, currency in ((D2C, "GBP"), (B2B, "EUR")):
            await self.put("pricing", f"/v1/price-lists/{store}", price_list(store, currency))
            path = f"/v1/delivery-methods/{store}-cart"
            await self.put("orders", path, delivery_method(store, currency))
        await self.load_product("lantern", SKU)

    async def load_product(self, key: str, sku: str) -> None:
        """Something to buy in both stores."""
        await self.put("catalog", f"/v1/products/{key}", product(sku))
        await self.put("orders", f"/v1/warehouses/main/stock/{sku}", {"on_hand": 900_000})
        for store in (D2C, B2B):
            await self.put("pricing", f"/v1/price-lists/{store}/prices/{sku}", PRICE)

    async def _load_company(self, side: Side) -> None:
        key = side.company
        path = f"/v1/companies/{key}"
        await self.put("accounts", path, company(key))
        await self.put("accounts", f"{path}/units/{key}-head", {"name": f"{key} head"})
        shop = {"name": f"{key} shop", "parent": f"{key}-head"}
        await self.put("accounts", f"{path}/units/{key}-shop", shop)
        await self.put("accounts", f"/v1/agreements/{key}-terms", agreement(key))
        await self.put("accounts", f"/v1/budgets/{key}-budget", budget(key))
        for role in (*MEMBERS, "spare"):
            await self.put_member(side, role)
        await self.load_product(f"{key}-cup", f"{key.upper()}-CUP")
        await self.put("catalog", f"/v1/assortments/{key}-own", assortment(key))
        names = ("cup", "head", "shop", "terms", "budget", "own")
        side.words |= {key, f"{key.upper()}-CUP", f"{key.title()} Gifts"}
        side.words |= {side.name(name) for name in names}

    async def put_member(self, side: Side, role: str, **more: Any) -> Any:
        """Write a member with the password that all have."""
        key = side.name(role)
        body = member(side.company, role if role in MEMBERS else "buyer", password=PASSWORD)
        body |= {"email": f"{role}@{side.company}.example"} | more
        path = f"/v1/companies/{side.company}/members/{key}"
        told = await self.put("accounts", path, body)
        side.ids[role] = told["id"]
        side.words |= {key, told["id"], told["email"], told["name"]}
        return told

    async def sign_in(self, side: Side, role: str) -> str:
        """A fresh token of a member."""
        side.tokens[role] = await self.people.sign_in(f"{role}@{side.company}.example")
        return side.tokens[role]

    async def _load_orders(self, side: Side) -> None:
        values = await self.placed(side)
        values |= await self.awaiting(side)
        values |= {"cart_id": (await self.cart(side))["cart_id"]}
        side.words |= set(values.values())
        if side.company == OURS:
            self.values |= values

    # what cells are about: each is new, and its words are its side's

    async def cart(self, side: Side | None = None, quantity: int = 1) -> dict[str, str]:
        """An open cart of our buyer with a line in it."""
        side = side or self.people.ours
        body = {"store": B2B, "lines": [{"sku": SKU, "quantity": quantity}]}
        told = await self._as_buyer(side, "POST", "/v1/carts", body)
        values = {"cart_id": told["cart"]["id"], "line_id": told["cart"]["lines"][0]["id"]}
        side.words |= set(values.values())
        return values

    async def ready(self, side: Side | None = None, quantity: int = 1) -> dict[str, str]:
        """A cart of our buyer that can be ordered, and what it comes to."""
        side = side or self.people.ours
        values = await self.cart(side, quantity)
        path = f"/v1/carts/{values['cart_id']}"
        body = {"email": f"buyer@{side.company}.example", "delivery_address": ADDRESS}
        await self._as_buyer(side, "PUT", f"{path}/address", body)
        method = {"delivery_method": f"{B2B}-cart"}
        told = await self._as_buyer(side, "PUT", f"{path}/delivery", method)
        values["total"] = told["totals"]["total"]["gross"]["amount"]
        return values

    async def placed(self, side: Side | None = None) -> dict[str, str]:
        """An order of our buyer, within their limit."""
        return await self._place(side or self.people.ours, 1)

    async def awaiting(self, side: Side | None = None) -> dict[str, str]:
        """An order of our buyer over their limit, which an approver is asked about."""
        return await self._place(side or self.people.ours, DEAR)

    async def _place(self, side: Side, quantity: int) -> dict[str, str]:
        values = await self.ready(side, quantity)
        number = f"PO-{side.company.upper()}-{uuid4().hex[:8]}"
        body = {
            "agreed_total": {"amount": values.pop("total"), "currency": "EUR"},
            "payment": TERMS,
            "purchase_order_number": number,
        }
        path = f"/v1/carts/{values['cart_id']}/place"
        told = await self._as_buyer(side, "POST", path, body, **{"Idempotency-Key": number})
        values |= {"placement_id": told["id"], "po": number}
        if told["order"]:
            values |= {"number": told["order"]["number"], "order_id": told["order"]["id"]}
        else:
            values["request_id"] = told["approval_request_id"]
        side.words |= set(values.values())
        return values

    async def _as_buyer(self, side: Side, method: str, path: str, body: Any, **headers: str) -> Any:
        headers |= side.headers("buyer")
        return await self.shop.call("orders", method, path, body, headers=headers)

    async def guest_cart(self) -> dict[str, str]:
        """An open cart of a guest with a line in it."""
        body = {"store": D2C, "lines": [{"sku": SKU, "quantity": 1}]}
        told = await self.shop.call("orders", "POST", "/v1/carts", body)
        cart = told["cart"]
        return {"cart_id": cart["id"], "line_id": cart["lines"][0]["id"], "secret": told["secret"]}

    async def guest_ready(self) -> dict[str, str]:
        """A cart of a guest that can be ordered, and what it comes to."""
        values = await self.guest_cart()
        path, headers = f"/v1/carts/{values['cart_id']}", {"Tandem-Cart-Secret": values["secret"]}
        body = {"email": "guest@people.example", "delivery_address": ADDRESS}
        await self.shop.call("orders", "PUT", f"{path}/address", body, headers=headers)
        method = {"delivery_method": f"{D2C}-cart"}
        told = await self.shop.call("orders", "PUT", f"{path}/delivery", method, headers=headers)
        return values | {"total": told["totals"]["total"]["gross"]["amount"]}

    async def guest_placed(self) -> dict[str, str]:
        """A guest's order, paid by card."""
        values = await self.guest_ready()
        headers = {"Tandem-Cart-Secret": values["secret"], "Idempotency-Key": values["cart_id"]}
        body = {
            "agreed_total": {"amount": values["total"], "currency": "GBP"},
            "payment": CARD,
        }
        path = f"/v1/carts/{values['cart_id']}/place"
        told = await self.shop.call("orders", "POST", path, body, headers=headers)
        return values | {"placement_id": told["id"], "number": told["order"]["number"]}

    async def guest_captured(self) -> dict[str, str]:
        """A guest's order whose money was taken."""
        values = await self.guest_placed()
        path = f"/v1/orders/{values['number']}/captures"
        headers = self.people.partner | {"Idempotency-Key": values["cart_id"]}
        await self.shop.call("orders", "POST", path, {}, headers=headers)
        return values

    async def payment(self) -> dict[str, str]:
        """Money that the test provider reserved."""
        values = {"reference": self.new("payment")}
        body = values | {"amount": {"amount": "1.00", "currency": "GBP"}, "token": "tok_ok"}
        headers = self.merchant | {"Idempotency-Key": values["reference"]}
        await self.shop.call("testpay", "POST", "/v1/payments", body, headers=headers)
        return values

    async def captured(self) -> dict[str, str]:
        """Money that the test provider took."""
        values = await self.payment()
        body = {"amount": {"amount": "1.00", "currency": "GBP"}}
        headers = self.merchant | {"Idempotency-Key": self.new("capture")}
        path = f"/v1/payments/{values['reference']}/captures"
        await self.shop.call("testpay", "POST", path, body, headers=headers)
        return values

    @property
    def merchant(self) -> dict[str, str]:
        """What orders sends to the test provider."""
        return bearer(testpay_secret(self.shop.settings))

    async def notice(self) -> dict[str, str]:
        """What the test provider's webhook is signed with, over `NOTICE`."""
        now = datetime.now(tz=UTC)
        webhook = Webhook(testpay_secret(self.shop.settings))
        signature = webhook.sign("notice", now, json.dumps(NOTICE))
        return {"signature": signature, "timestamp": str(int(now.timestamp()))}

    async def hold(self) -> dict[str, str]:
        """Credit held for our buyer."""
        values = {"hold_id": self.new("hold")}
        self.people.ours.words |= set(values.values())
        token = self.people.service_token("orders", "accounts")
        body = {
            "member_id": self.people.ours.ids["buyer"],
            "amount": {"amount": "1.00", "currency": "EUR"},
        }
        path = f"/v1/holds/{values['hold_id']}"
        await self.shop.call("accounts", "PUT", path, body, headers=bearer(token))
        return values


Maker = Callable[[World], Awaitable[dict[str, Any]]]
"""Makes what a cell is about, and tells what its gaps are filled with."""


def letter(service: str) -> Maker:
    """An event that this service gave up on."""

    async def make(world: World) -> dict[str, Any]:
        queue, kind = LETTERS[service]
        event = sample(kind) | {"id": str(uuid4())}
        await world.shop.databases[service].execute(
            "INSERT INTO inbox (queue, event_id, type, subject, sequence, status, event, attempts,"
            " last_error, received_at)"
            " VALUES ($1, $2, $3, $4, 1, 'dead', $5, 1, 'made by a test', now())",
            queue,
            UUID(event["id"]),
            event["type"],
            event["subject"],
            json.dumps(event),
        )
        return {"queue": queue, "event_id": event["id"], "event": event}

    return make


def sample(kind: str) -> dict[str, Any]:
    """An event as its contract shows it."""
    told: dict[str, Any] = json.loads((SAMPLES / f"{kind}.json").read_text())
    return told
