"""The gateway on ASGI with its lifespan, between fake neighbours on real ports.

They answer in the contracts' shapes, note every call, and can be told to be down, slow, broken
or talking rubbish. Everything a test needs of them hangs on the `shop` fixture.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx
import pytest
from aiohttp import web

from chassis.auth import Signer, load_key
from chassis.clock import Clock
from contracts import approvals, catalog, companies, orders, pricing
from contracts.ids import new_id
from contracts.paging import Page
from contracts.problems import Conflict, Invalid, NotFound, Problem, Unauthenticated
from gateway.app import create_app
from gateway.ids import encode_id
from gateway.settings import Settings

TIME = "2026-11-22T10:00:00Z"
SECRET = "the-right-secret-the-right-secret"
CART = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10"
LINE = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e11"
GBP = {"amount": "20.34", "currency": "GBP"}
NOTHING = {"amount": "0.00", "currency": "GBP"}
TAXED = {
    "net": {"amount": "16.95", "currency": "GBP"},
    "tax": {"amount": "3.39", "currency": "GBP"},
    "gross": GBP,
}
ADDRESS = {"name": "Ada", "line1": "12 St James's Square", "city": "London", "country": "GB"}


def make_store(key: str = "d2c-uk", **changes: Any) -> dict[str, Any]:
    store = {
        "key": key,
        "name": {"en": "Tandem Gifts", "fr": "Cadeaux Tandem"},
        "audience": "d2c",
        "currencies": ["GBP"],
        "locales": ["en", "fr"],
        "countries": ["GB"],
        "tax_display": "gross",
        "version": 1,
        "updated_at": TIME,
    } | changes
    return catalog.Store.model_validate(store).model_dump(mode="json")


def make_category(key: str, parent: str | None, path: list[str]) -> dict[str, Any]:
    category = {
        "id": str(new_id()),
        "key": key,
        "name": {"en": key.title(), "fr": f"{key.title()} fr"},
        "parent": parent,
        "path": path,
        "position": 0,
        "version": 1,
        "updated_at": TIME,
    }
    return catalog.Category.model_validate(category).model_dump(mode="json")


def make_tree() -> list[dict[str, Any]]:
    return [
        make_category("lighting", "home", ["home", "lighting"]),
        make_category("home", None, ["home"]),
    ]


def make_product(number: int) -> dict[str, Any]:
    key = f"P{number:05}"
    product = {
        "id": str(new_id()),
        "key": key,
        "name": {"en": f"White metal lantern {number}", "fr": f"Lanterne {number}"},
        "description": {"en": "Holds a church candle. 30 cm high."},
        "slug": {"en": f"white-metal-lantern-{number}"},
        "categories": ["lighting"],
        "tax_class": "standard",
        "media": [
            {"url": f"https://media.example/{key}.jpg", "alt": {"en": "A lantern on a table"}}
        ],
        "variants": [
            {
                "sku": f"{key}-{letter}",
                "name": {"en": letter},
                "availability": {"available": number % 50, "is_in_stock": number % 50 > 0},
            }
            for letter in ("A", "B")
        ],
        "is_published": True,
        "version": 1,
        "updated_at": TIME,
    }
    return catalog.Product.model_validate(product).model_dump(mode="json")


def make_cart(**changes: Any) -> dict[str, Any]:
    cart = {
        "id": CART,
        "version": 1,
        "status": "open",
        "store": "d2c-uk",
        "currency": "GBP",
        "country": "GB",
        "locale": "en",
        "lines": [
            {
                "id": LINE,
                "sku": "P00001-A",
                "product_key": "P00001",
                "name": "White metal lantern",
                "quantity": 6,
                "unit_price": {"amount": "3.39", "currency": "GBP"},
                "total": TAXED,
            }
        ],
        "totals": {
            "items": TAXED,
            "delivery": TAXED,
            "total": TAXED,
            "taxes": [{"rate": "0.2", "name": "VAT 20 %", "amount": TAXED}],
        },
        "problems": [{"code": "address-missing", "message": "Say where it goes."}],
        "updated_at": TIME,
    } | changes
    return orders.Cart.model_validate(cart).model_dump(mode="json")


def make_order() -> dict[str, Any]:
    cart = make_cart()
    order = {key: cart[key] for key in ("store", "currency", "country", "locale", "lines")} | {
        "id": str(new_id()),
        "number": "T-1000042",
        "version": 1,
        "status": "placed",
        "email": "ada@example.com",
        "delivery_address": ADDRESS,
        "billing_address": ADDRESS,
        "delivery": {"delivery_method": "standard", "name": "Standard", "total": TAXED},
        "payment": {
            "method": "test",
            "status": "authorised",
            "amount": GBP,
            "captured": NOTHING,
            "refunded": NOTHING,
            "reference": "r",
        },
        "totals": cart["totals"],
        "placed_at": TIME,
    }
    return orders.Order.model_validate(order).model_dump(mode="json")


def make_method() -> dict[str, Any]:
    return {
        "key": "standard",
        "name": {"en": "Standard delivery", "fr": "Livraison"},
        "description": {},
        "stores": [],
        "countries": ["GB"],
        "price": {"amount": "3.95", "currency": "GBP"},
        "is_tax_included": True,
        "tax_class": "standard",
        "position": 0,
        "version": 1,
        "updated_at": TIME,
    }


def make_placement(status: str = "placed") -> dict[str, Any]:
    problem = Conflict("The card was declined.", code="payment-declined").as_detail()
    placement = {
        "id": CART,
        "status": status,
        "order": make_order() if status == "placed" else None,
        "problem": problem if status == "refused" else None,
    }
    return orders.Placement.model_validate(placement).model_dump(mode="json")


MEMBER = "01932c07-2a3c-7d5e-8f00-3b6a4f1d2e20"
COMPANY = "brighton-gifts"
REQUEST = f"{CART}:approve"
BUYER = {"member_id": MEMBER, "company": COMPANY, "unit": "shop-one"}
EUR = {"amount": "480.00", "currency": "EUR"}


def make_member_cart(**changes: Any) -> dict[str, Any]:
    return make_cart(store="b2b-eu", buyer=BUYER, **changes)


def make_member_order(**changes: Any) -> dict[str, Any]:
    order = (
        make_order()
        | {
            "store": "b2b-eu",
            "buyer": BUYER,
            "payment": None,
            "terms": {"agreement": "brighton-2026", "payment_days": 30},
            "purchase_order_number": "PO-4711",
            "status": "partially_shipped",
            "version": 2,
            "shipments": [
                {
                    "id": CART,
                    "lines": [{"sku": "P00001-A", "quantity": 4}],
                    "carrier": "Royal Mail",
                    "tracking_number": "RM1",
                    "shipped_at": TIME,
                }
            ],
        }
        | changes
    )
    order["lines"] = [line | {"shipped": 4} for line in order["lines"]]
    return orders.Order.model_validate(order).model_dump(mode="json")


def make_member_placement(status: str = "awaiting_approval", **changes: Any) -> dict[str, Any]:
    placement = {
        "id": CART,
        "status": status,
        "cart_id": CART,
        "buyer": BUYER,
        "total": TAXED,
        "purchase_order_number": "PO-4711",
        "approval_request_id": REQUEST,
        "order": make_member_order() if status == "placed" else None,
        "created_at": TIME,
    } | changes
    return orders.Placement.model_validate(placement).model_dump(mode="json")


def make_request(status: str = "pending", **changes: Any) -> dict[str, Any]:
    request = {
        "id": REQUEST,
        "version": 1,
        "subject_type": "order",
        "subject_id": CART,
        **BUYER,
        "amount": EUR,
        "order_limit": {"amount": "250.00", "currency": "EUR"},
        "purchase_order_number": "PO-4711",
        "reasons": ["over_order_limit"],
        "status": status,
        "is_escalated": False,
        "created_at": TIME,
        "expires_at": TIME,
    } | changes
    return approvals.ApprovalRequest.model_validate(request).model_dump(mode="json")


def make_company() -> dict[str, Any]:
    company = {
        "id": MEMBER,
        "key": COMPANY,
        "name": "Brighton Gifts Ltd",
        "country": "GB",
        "currency": "EUR",
        "groups": [],
        "customer_since": TIME,
        "orders": 4,
        "lifetime_spend": EUR,
        "version": 1,
        "updated_at": TIME,
    }
    return companies.Company.model_validate(company).model_dump(mode="json")


def make_member(**changes: Any) -> dict[str, Any]:
    member = {
        "id": MEMBER,
        "key": "ada",
        "company": COMPANY,
        "unit": "shop-one",
        "email": "ada@brighton.example",
        "name": "Ada Lovelace",
        "roles": ["buyer"],
        "order_limit": {"amount": "250.00", "currency": "EUR"},
        "is_active": True,
        "has_password": True,
        "version": 3,
        "updated_at": TIME,
    } | changes
    return companies.Member.model_validate(member).model_dump(mode="json")


def make_credit() -> dict[str, Any]:
    balance = {"limit": EUR, "held": EUR, "used": EUR, "available": EUR}
    credit = {
        "company": COMPANY,
        "agreement": "brighton-2026",
        "payment_days": 30,
        "requires_purchase_order": True,
        "balance": balance,
    }
    return companies.Credit.model_validate(credit).model_dump(mode="json")


@dataclass
class Call:
    """A call that a neighbour got."""

    neighbour: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Shop:
    """The five neighbours and what they know."""

    secret = SECRET
    cart_id = encode_id("Cart", CART)
    line_id = encode_id("CartLine", LINE)
    placement_id = encode_id("Placement", CART)

    products: list[dict[str, Any]] = field(
        default_factory=lambda: [make_product(number) for number in range(1, 251)]
    )
    calls: list[Call] = field(default_factory=list)
    moods: dict[str, str] = field(default_factory=dict)
    """By neighbour: down, slow, rubbish, odd (JSON of another shape) or broken (500)."""
    urls: dict[str, str] = field(default_factory=dict)
    carts_refuse: Problem | None = None
    cart: dict[str, Any] = field(default_factory=make_cart)
    store: dict[str, Any] = field(default_factory=make_store)
    category: dict[str, Any] = field(default_factory=lambda: make_tree()[1])
    placement_status: str = "placed"

    signer: Signer = field(
        default_factory=lambda: Signer(
            issuer="tandem:accounts", key=load_key(None), clock=Clock(), own_scopes=()
        )
    )
    member_id = encode_id("Member", MEMBER)
    request_id = encode_id("ApprovalRequest", REQUEST)
    member_placement: dict[str, Any] = field(default_factory=make_member_placement)
    member_order: dict[str, Any] = field(default_factory=make_member_order)
    request: dict[str, Any] = field(default_factory=make_request)
    member: dict[str, Any] = field(default_factory=make_member)
    reads_refuse: Problem | None = None
    """What orders raises at a member's reads."""
    refuses: Problem | None = None
    """What approvals and accounts raise at writes."""

    def token(self, *, company: str = COMPANY, seconds: float = 600, **claims: Any) -> str:
        """A member's access token."""
        buyer = BUYER | {"company": company, "roles": ["buyer"], "version": 1}
        return self.signer.sign(
            subject=MEMBER,
            audience="tandem",
            kind="member",
            scopes=(),
            lifetime=timedelta(seconds=seconds),
            claims={"buyer": buyer} | claims,
        )

    def called(self, neighbour: str) -> list[Call]:
        return [call for call in self.calls if call.neighbour == neighbour]

    def names(self) -> list[str]:
        """Who was called, sorted."""
        return sorted(call.neighbour for call in self.calls)

    async def handle(self, name: str, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/.well-known/"):
            return web.json_response(self.signer.jwks() if name == "accounts" else {"keys": []})
        body = await request.json() if request.can_read_body else None
        call = Call(
            name,
            request.method,
            request.path,
            dict(request.query),
            {key.lower(): value for key, value in request.headers.items()},
            body,
        )
        self.calls.append(call)
        mood = self.moods.get(name)
        if mood == "down":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if mood == "slow":
            await asyncio.sleep(30)
        if mood == "rubbish":
            return web.Response(text="<html>", content_type="application/json")
        if mood == "odd":
            return web.json_response({"items": [{"key": 5}], "lines": 7, "locales": 3})
        if mood == "refusing":
            told = Invalid("It costs too much.", code="line-too-large").as_detail()
            return web.json_response(told.model_dump(mode="json"), status=422)
        if mood == "broken":
            return web.Response(status=500, text="Traceback")
        try:
            headers = {"ETag": '"3"'} if "/members/" in call.path else None
            return web.json_response(getattr(self, f"_{name}")(call), headers=headers)
        except Problem as problem:
            return web.json_response(
                problem.as_detail(instance=call.path).model_dump(mode="json"),
                status=problem.status,
                content_type="application/problem+json",
            )

    def _catalog(self, call: Call) -> Any:
        match call.path.split("/")[2:]:
            case ["stores", "d2c-uk"]:
                return self.store
            case ["stores", "b2b-eu"]:
                return self.store | {"key": "b2b-eu", "audience": "b2b", "tax_display": "net"}
            case ["categories"]:
                tree = make_tree()
                return (
                    Page[catalog.Category].model_validate({"items": tree}).model_dump(mode="json")
                )
            case ["products"]:
                return self._page(call)
            case ["products", "by-slug"]:
                if "slug" not in call.query:
                    raise Invalid("slug: Field required", code="invalid-input", field="slug")
                return self._one(lambda one: call.query["slug"] in one["slug"].values())
            case ["products", key]:
                return self._one(lambda one: one["key"] == key)
        raise NotFound("No such thing.", code="not-found")

    def _page(self, call: Call) -> Any:
        limit, after = int(call.query["limit"]), call.query.get("after", "")
        assert limit <= 200
        if after and not after.startswith("P"):
            raise Invalid("is not a cursor that this list gave", field="after")
        found = [
            one
            for one in self.products
            if one["key"] > after and call.query.get("search", "") in one["name"]["en"]
        ]
        more = found[limit - 1]["key"] if len(found) > limit else None
        return {"items": found[:limit], "next": more}

    def _one(self, fits: Any) -> Any:
        for one in self.products:
            if fits(one):
                return one
        raise NotFound("There is no such product.", code="product-not-found")

    def _pricing(self, call: Call) -> Any:
        assert call.path == "/v1/prices/resolve"
        asked = pricing.ResolvePrices.model_validate(call.body)
        return {
            "store": asked.store,
            "currency": "GBP",
            "country": "GB",
            "tax_display": "gross",
            "at": TIME,
            "lines": [
                {
                    "ref": line.ref,
                    "kind": "item",
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "outcome": "priced",
                    "unit_price": {"amount": "3.39", "currency": "GBP"},
                    "is_tax_included": True,
                    "total": TAXED,
                    "tax_rate": "0.2",
                    "price_list": "public-uk",
                    "tier_min_quantity": 1,
                    **(self._tiers(line.sku) if asked.include_tiers else {}),
                }
                for line in asked.lines
            ],
            "taxes": [],
            "total": TAXED,
        }

    def _tiers(self, sku: str | None) -> dict[str, Any]:
        tiers = [{"min_quantity": 1, "amount": "3.39"}, {"min_quantity": 12, "amount": "2.95"}]
        if sku == "P00002-A":
            return {"tiers": tiers}
        problem = {"code": "below-minimum", "message": "From 6.", "minimum": 6, "multiple": 6}
        return {"tiers": tiers, "quantity_problem": problem | {"maximum": None}}

    def _member(self, call: Call) -> None:
        """Refuse who does not say who they are."""
        if not call.headers.get("authorization", "").startswith("Bearer "):
            raise Unauthenticated("Send an access token.", code="token-missing")

    def _accounts(self, call: Call) -> Any:
        path = call.path.split("/")[2:]
        if path == ["sessions"]:
            if call.body["password"] != "the-right-password":
                raise Unauthenticated("That does not fit.", code="sign-in-refused")
            buyer = BUYER | {"roles": ["buyer", "approver"], "version": 1}
            told = {"access_token": "t", "expires_in": 600, "kind": "member", "name": "Ada"}
            return told | {"buyer": buyer}
        self._member(call)
        if self.refuses is not None and call.method != "GET":
            raise self.refuses
        match path:
            case ["companies", "brighton-gifts"]:
                return make_company()
            case ["companies", "brighton-gifts", "credit"]:
                return make_credit()
            case ["companies", "brighton-gifts", "units", "shop-one"]:
                unit = {"company": COMPANY, "key": "shop-one", "name": "Shop one"}
                return unit | {"parent": "head-office", "version": 1, "updated_at": TIME}
            case ["companies", "brighton-gifts", "members"]:
                return {"items": [self.member], "next": None}
            case ["companies", "brighton-gifts", "members", "ada"]:
                if call.method == "PUT":
                    companies.PutMember.model_validate(call.body)
                    self.member = self.member | {"is_active": call.body["is_active"]}
                return self.member
        raise NotFound("There is no such thing.", code="not-found")

    def _approvals(self, call: Call) -> Any:
        self._member(call)
        if self.refuses is not None and call.method != "GET":
            raise self.refuses
        match call.path.split("/")[2:]:
            case ["approval-requests"]:
                return {"items": [self.request], "next": "there"}
            case ["approval-requests", request_id, *verdict] if unquote(request_id) == REQUEST:
                if verdict:
                    approvals.Decide.model_validate(call.body)
                    status = {"approve": "approved", "reject": "rejected"}[verdict[0]]
                    comment = call.body["comment"]
                    self.request = make_request(status, version=2, comment=comment)
                return self.request
        raise NotFound("There is no such request.", code="approval-request-not-found")

    def _members_orders(self, call: Call, path: list[str]) -> Any:
        refusal = self.reads_refuse if call.method == "GET" else self.carts_refuse
        if refusal is not None:
            raise refusal
        lists = {"placements": self.member_placement, "orders": self.member_order}
        match path:
            case ["carts"] if call.method == "POST":
                asked = orders.OpenCart.model_validate(call.body)
                return {"cart": make_member_cart(locale=asked.locale), "secret": None}
            case [kind]:
                return {"items": [lists.get(kind) or make_member_cart()], "next": None}
            case ["carts", cart_id, "place"] if cart_id == CART:
                orders.PlaceOrder.model_validate(call.body)
                return self.member_placement
            case ["carts", cart_id, "quick-order"] if cart_id == CART:
                refused = {"line": 2, "text": "NOSUCH 2", "code": "sku-not-orderable"}
                refused |= {"message": "NOSUCH is not sold in this store."}
                return {"cart": make_member_cart(), "taken": 1, "refused": [refused]}
            case ["carts", cart_id, *_] if cart_id == CART:
                return make_member_cart()
            case ["placements", placement_id, *_] if placement_id == CART:
                return self.member_placement
            case ["orders", "T-1000042"]:
                return self.member_order
        raise NotFound("There is no such thing.", code="not-found")

    def _orders(self, call: Call) -> Any:
        path = call.path.split("/")[2:]
        if "authorization" in call.headers and path != ["delivery-methods"]:
            return self._members_orders(call, path)
        if path == ["delivery-methods"]:
            return {"items": [make_method()], "next": None}
        if path == ["carts"]:
            asked = orders.OpenCart.model_validate(call.body)
            return {"cart": make_cart(locale=asked.locale), "secret": SECRET}
        if call.headers.get("tandem-cart-secret") != SECRET:
            raise NotFound("There is no such cart.", code="cart-not-found")
        if self.carts_refuse is not None and call.method != "GET":
            raise self.carts_refuse
        match path:
            case ["carts", cart_id, "place"]:
                UUID(cart_id)
                orders.PlaceOrder.model_validate(call.body)
                assert call.headers["idempotency-key"]
                return make_placement(self.placement_status)
            case ["carts", cart_id, *_] if cart_id == CART:
                return self.cart
            case ["placements", placement_id]:
                UUID(placement_id)
                return make_placement(self.placement_status)
            case ["orders", "T-1000042"]:
                return make_order()
        raise NotFound("There is no such thing.", code="not-found")


@asynccontextmanager
async def open_shop(shop: Shop) -> AsyncIterator[Shop]:
    """Serve the five on ports of their own."""
    runners = []
    for name in ("catalog", "pricing", "orders", "accounts", "approvals"):
        app = web.Application(client_max_size=10**8)

        async def handle(request: web.Request, name: str = name) -> web.StreamResponse:
            return await shop.handle(name, request)

        app.router.add_route("*", "/{tail:.*}", handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        shop.urls[name] = f"http://127.0.0.1:{port}"
        runners.append(runner)
    try:
        yield shop
    finally:
        for runner in runners:
            await runner.cleanup()


class Gateway:
    """A client of the endpoint."""

    def __init__(self, client: httpx.AsyncClient, schema: str = "d2c") -> None:
        self.client = client
        self.path = f"/{schema}/graphql"

    async def ask(
        self, query: str, variables: dict[str, Any] | None = None, **headers: str
    ) -> dict[str, Any]:
        """Send a query and give the answer's JSON, whatever its status."""
        response = await self.send(query, variables, **headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def send(
        self, query: str, variables: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        return await self.client.post(
            self.path,
            json={"query": query, "variables": variables},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop(Shop()) as opened:
        yield opened


@pytest.fixture
async def open_gateway(shop: Shop) -> AsyncIterator[Callable[..., Any]]:
    """Open a gateway with settings (and a bus) of the test's own."""
    async with AsyncExitStack() as stack:

        async def opened(*, bus: Any = None, schema: str = "d2c", **changes: Any) -> Gateway:
            urls = {f"{name}_url": url for name, url in shop.urls.items()}
            app = create_app(Settings(**(urls | changes)), bus=bus)
            await stack.enter_async_context(app.router.lifespan_context(app))
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://gateway"
            )
            return Gateway(await stack.enter_async_context(client), schema)

        yield opened


@pytest.fixture
async def gateway(open_gateway: Callable[..., Any]) -> Gateway:
    opened: Gateway = await open_gateway()
    return opened


@pytest.fixture
async def portal(open_gateway: Callable[..., Any], shop: Shop) -> Gateway:
    """A client of `b2b` who is signed in as a member."""
    opened: Gateway = await open_gateway(schema="b2b")
    opened.client.headers["Authorization"] = f"Bearer {shop.token()}"
    return opened


class Wires:
    """The neighbours' shapes, for tests that need no neighbour."""

    store = staticmethod(make_store)
    categories = staticmethod(make_tree)
    cart = staticmethod(make_cart)
    order = staticmethod(make_order)
    method = staticmethod(make_method)
    placement = staticmethod(make_placement)
    member_placement = staticmethod(make_member_placement)
    member_order = staticmethod(make_member_order)
    request = staticmethod(make_request)
    id = staticmethod(encode_id)

    @staticmethod
    def products(many: int) -> list[dict[str, Any]]:
        return [make_product(number) for number in range(1, many + 1)]


@pytest.fixture(scope="session")
def make_wire() -> Wires:
    return Wires()
