"""Orders under test: a guest and a partner over HTTP, catalog and pricing faked from contracts."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from chassis import process
from chassis.runtime import Runtime
from chassis.service import Service
from chassis.testing import FakeCall, NeighbourFake
from contracts.catalog import CheckEntitlement, Entitlement, ProductFacts, SkuEntitlement, Store
from contracts.money import Money, UnitPrice, round_money
from contracts.pricing import (
    LineKind,
    PricedLine,
    PriceResolution,
    PricingOutcome,
    ResolvePrices,
    TaxedAmount,
    TaxTotal,
)
from contracts.problems import Conflict, Unavailable
from contracts.testpay import (
    AuthorisePayment,
    CapturePayment,
    LedgerEntry,
    LedgerEntryKind,
    ProviderPayment,
    ProviderPaymentStatus,
)
from orders.app import SERVICE
from orders.product.commands import keep_products
from orders.store.commands import keep_stores

PRODUCT_ID = UUID("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10")
VAT = Decimal("0.2")
SECRET = "whsec_" + b64encode(b"of the test provider, for tests").decode()


@pytest.fixture(scope="session")
def service() -> Service:
    """The service under test."""
    return SERVICE


def make_store(key: str = "d2c-uk", **changes: Any) -> Store:
    return Store.model_validate(
        {
            "key": key,
            "name": {"en": "Tandem Gifts UK"},
            "audience": "d2c",
            "currencies": ["GBP", "EUR"],
            "locales": ["en", "fr"],
            "countries": ["GB", "IE"],
            "tax_display": "gross",
            "version": 1,
            "updated_at": "2026-11-22T10:00:00Z",
            **changes,
        }
    )


def make_product(key: str = "71053", **changes: Any) -> ProductFacts:
    return ProductFacts.model_validate(
        {
            "product_id": PRODUCT_ID,
            "key": key,
            "sequence": 1,
            "is_published": True,
            "tax_class": "standard",
            "name": {"en": f"Lantern {key}", "fr": f"Lanterne {key}"},
            "categories": [],
            "skus": [key],
            **changes,
        }
    )


def tax_of(gross: Money) -> TaxedAmount:
    net = round_money(Decimal(gross.amount) / (1 + VAT), gross.currency)
    return TaxedAmount(net=net, tax=gross - net, gross=gross)


def add_up(amounts: list[TaxedAmount], currency: str) -> TaxedAmount:
    return TaxedAmount(
        net=Money.total([one.net for one in amounts], currency),
        tax=Money.total([one.tax for one in amounts], currency),
        gross=Money.total([one.gross for one in amounts], currency),
    )


@dataclass
class Neighbours:
    """Catalog and pricing as orders sees them; a test changes what they say."""

    fake: NeighbourFake
    prices: dict[str, str] = field(default_factory=dict)
    unsold: set[str] = field(default_factory=set)

    def resolve(self, call: FakeCall) -> PriceResolution:
        asked = ResolvePrices.model_validate(call.json())
        currency = asked.currency or "GBP"
        lines = []
        for line in asked.lines:
            price = line.unit_price
            if line.kind is LineKind.ITEM and (amount := self.prices.get(line.sku or "")):
                price = UnitPrice(amount=amount, currency=currency)
            base = PricedLine(
                ref=line.ref,
                kind=line.kind,
                sku=line.sku,
                quantity=line.quantity,
                outcome=PricingOutcome.NO_PRICE,
            )
            if price is not None:
                base = base.model_copy(
                    update={
                        "outcome": PricingOutcome.PRICED,
                        "unit_price": price,
                        "total": tax_of(price.times(line.quantity)),
                        "tax_rate": "0.2",
                    }
                )
            lines.append(base)
        total = add_up([line.total for line in lines if line.total], currency)
        return PriceResolution.model_validate(
            {
                "store": asked.store,
                "currency": currency,
                "country": asked.country,
                "tax_display": "gross",
                "at": "2026-11-22T10:00:00Z",
                "lines": lines,
                "taxes": [TaxTotal(rate="0.2", name="VAT 20 %", amount=total)],
                "total": total,
            }
        )

    def check(self, call: FakeCall) -> Entitlement:
        asked = CheckEntitlement.model_validate(call.json())
        return Entitlement(
            items=[
                SkuEntitlement(sku=sku, is_orderable=False)
                if sku in self.unsold
                else SkuEntitlement(
                    sku=sku,
                    is_orderable=True,
                    product_key=sku,
                    name={"en": f"Lantern {sku}"},
                    tax_class="standard",
                )
                for sku in asked.skus
            ]
        )


@pytest.fixture
def neighbours(neighbour_fake: NeighbourFake) -> Neighbours:
    """Pricing and catalog, in good health."""
    made = Neighbours(neighbour_fake)
    neighbour_fake.on("pricing", "POST", "/v1/prices/resolve", made.resolve)
    neighbour_fake.on("catalog", "POST", "/v1/entitlements/check", made.check)
    return made


@dataclass
class Provider:
    """The payment provider as orders sees it, from its contract; with a ledger, and moods."""

    payments: dict[str, ProviderPayment] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    """The body that each idempotency key came with; the same key with another is our mistake."""
    is_away: bool = False
    refuses: str = ""
    """Why it will not capture or refund."""

    @property
    def charged(self) -> dict[str, int]:
        """What is reserved or taken in the end, in minor units, by reference."""
        nets = {reference: self.net(reference) for reference in self.payments}
        return {reference: net for reference, net in nets.items() if net}

    def net(self, reference: str) -> int:
        signs = {"authorise": 1, "void": -1, "capture": 0, "refund": -1}
        entries = self.payments[reference].entries
        return sum(signs[entry.kind] * entry.amount.minor for entry in entries)

    def answer(self, call: FakeCall) -> ProviderPayment:
        if self.is_away:
            raise Unavailable("away")
        assert call.headers["authorization"] == f"Bearer {SECRET}"
        key = call.headers["idempotency-key"]
        is_new = key not in self.keys
        assert self.keys.setdefault(key, call.body) == call.body
        _, _, _, *rest = unquote(call.path).split("/")
        if not rest:
            asked = AuthorisePayment.model_validate_json(call.body)
            return self.authorise(asked) if is_new else self.payments[asked.reference]
        reference, what = rest
        if what == "void":
            return self.void(reference) if is_new else self.payments[reference]
        if self.refuses:
            raise Conflict(self.refuses)
        if is_new:
            amount = CapturePayment.model_validate_json(call.body).amount
            self.book(reference, LedgerEntryKind(what.removesuffix("s")), amount)
        return self.payments[reference]

    def authorise(self, asked: AuthorisePayment) -> ProviderPayment:
        if asked.reference not in self.payments:
            status = {"tok_ok": "authorised", "tok_pending": "pending"}.get(asked.token, "declined")
            self.put(asked.reference, status, amount=asked.amount)
        return self.payments[asked.reference]

    def settle(self, status: str) -> None:
        """Give every pending payment its result."""
        for payment in list(self.payments.values()):
            if payment.status == "pending":
                self.put(payment.reference, status, amount=payment.amount)

    def void(self, reference: str) -> ProviderPayment:
        there = self.payments.get(reference)
        if there is None or there.status != "declined":
            self.put(reference, "voided", amount=there.amount if there else None)
        return self.payments[reference]

    def put(self, reference: str, status: str, *, amount: Money | None) -> None:
        there = self.payments.get(reference)
        was = there.status if there else None
        self.payments[reference] = ProviderPayment(
            reference=reference,
            status=ProviderPaymentStatus(status),
            amount=amount,
            reason="no" if status == "declined" else None,
            entries=there.entries if there else [],
        )
        if amount is not None and status == "authorised":
            self.book(reference, LedgerEntryKind.AUTHORISE, amount)
        if amount is not None and status == "voided" and was == "authorised":
            self.book(reference, LedgerEntryKind.VOID, amount)

    def book(self, reference: str, kind: LedgerEntryKind, amount: Money) -> None:
        entry = LedgerEntry(kind=kind, amount=amount, booked_at=datetime.now(UTC))
        self.payments[reference].entries.append(entry)


@pytest.fixture
def provider(neighbour_fake: NeighbourFake) -> Provider:
    """The payment provider, in good health."""
    made = Provider()
    neighbour_fake.on("testpay", "POST", "*", made.answer)
    return made


@pytest.fixture
def settings(settings: Any) -> Any:
    """Orders, known to the payment provider."""
    return settings.model_copy(update={"testpay_secret": SECRET})


@dataclass
class Shop:
    """A small shop: what it sells, and the calls a guest makes."""

    client: httpx.AsyncClient
    runtime: Runtime
    neighbours: Neighbours
    partner: dict[str, str]

    async def stock(self, sku: str, on_hand: int, *, warehouse: str = "main") -> None:
        """Have so many of a SKU."""
        answer = await self.client.put(
            f"/v1/warehouses/{warehouse}/stock/{sku}",
            json={"on_hand": on_hand},
            headers=self.partner,
        )
        assert answer.status_code in (200, 201), answer.text

    async def sell(self, sku: str, *, price: str = "3.39", on_hand: int = 100) -> None:
        """Publish a SKU, price it and have some."""
        async with self.runtime.sessions() as session:
            await keep_products(session, [make_product(sku)])
            await session.commit()
        self.neighbours.prices[sku] = price
        await self.stock(sku, on_hand)

    async def publish(self, *skus: str, price: str = "1.00") -> None:
        """Publish and price many SKUs at once, without stock."""
        async with self.runtime.sessions() as session:
            await keep_products(session, [make_product(sku) for sku in skus])
            await session.commit()
        self.neighbours.prices |= dict.fromkeys(skus, price)

    async def withdraw(self, sku: str) -> None:
        """Take a product off the shop."""
        async with self.runtime.sessions() as session:
            await keep_products(session, [make_product(sku, sequence=2, is_published=False)])
            await session.commit()
        self.neighbours.unsold.add(sku)

    async def open(self, *lines: tuple[str, int], **body: Any) -> "Guest":
        """A guest with a cart."""
        answer = await self.client.post(
            "/v1/carts",
            json={
                "store": "d2c-uk",
                "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
                **body,
            },
        )
        assert answer.status_code == 201, answer.text
        opened = answer.json()
        return Guest(self.client, opened["cart"]["id"], opened["secret"], opened["cart"])

    async def ready(self, *lines: tuple[str, int]) -> "Guest":
        """A guest who has only to press the button."""
        guest = await self.open(*lines)
        await guest.put("address", ADDRESS)
        guest.cart = (await guest.put("delivery", {"delivery_method": "standard"})).json()
        assert guest.cart["problems"] == []
        return guest

    async def scalar(self, statement: str, **values: Any) -> Any:
        """One value out of the database."""
        async with self.runtime.reader.connect() as connection:
            return await connection.scalar(text(statement), values)

    async def work(self, *, rounds: int = 20) -> None:
        """What the worker does: take up every process that has not ended, until all have."""
        for _ in range(rounds):
            async with self.runtime.sessions() as session:
                await session.execute(
                    text(
                        "UPDATE processes SET next_attempt_at = created_at, lease_until = NULL"
                        " WHERE ended_at IS NULL"
                    )
                )
                found = await session.execute(
                    text("SELECT id FROM processes WHERE ended_at IS NULL")
                )
                left = [row.id for row in found]
                await session.commit()
            if not left:
                return
            for process_id in left:
                until = self.runtime.clock.now() + timedelta(seconds=5)
                await process.drive(self.runtime, process_id, until=until)
        raise AssertionError("processes did not end")

    async def check(self) -> None:
        """What must always hold (design, 5), read from the tables alone."""
        for question, statement in INVARIANTS.items():
            broken = await self.scalar(f"SELECT count(*) FROM ({statement}) AS broken")
            assert broken == 0, question


INVARIANTS = {
    "levels add up to items": """
        SELECT 1 FROM stock_items AS i LEFT JOIN (
            SELECT sku, sum(on_hand) AS on_hand, sum(reserved) AS reserved
            FROM stock_levels GROUP BY sku
        ) AS l USING (sku)
        WHERE i.on_hand <> coalesce(l.on_hand, 0) OR i.reserved <> coalesce(l.reserved, 0)""",
    "on hand is the sum of movements": """
        SELECT 1 FROM stock_levels AS l LEFT JOIN (
            SELECT sku, warehouse_key, sum(quantity) AS quantity
            FROM stock_movements GROUP BY sku, warehouse_key
        ) AS m USING (sku, warehouse_key)
        WHERE l.on_hand <> coalesce(m.quantity, 0)""",
    "reserved is the sum of what holds hold": """
        SELECT 1 FROM stock_levels AS l LEFT JOIN (
            SELECT sku, warehouse_key, sum(quantity - shipped) AS quantity
            FROM stock_reservation_lines JOIN stock_reservations USING (hold_id)
            WHERE status <> 'released' GROUP BY sku, warehouse_key
        ) AS r USING (sku, warehouse_key)
        WHERE l.reserved <> coalesce(r.quantity, 0)""",
    "what an order has is held for it": """
        SELECT 1 FROM (
            SELECT order_id, sku, sum(quantity) AS quantity, sum(shipped) AS shipped
            FROM order_lines GROUP BY order_id, sku
        ) AS o FULL JOIN (
            SELECT order_id, sku, sum(quantity) AS quantity, sum(shipped) AS shipped
            FROM stock_reservation_lines JOIN stock_reservations USING (hold_id)
            WHERE status = 'bound' GROUP BY order_id, sku
        ) AS r USING (order_id, sku)
        WHERE (o.quantity, o.shipped) IS DISTINCT FROM (r.quantity, r.shipped)""",
    "what was shipped is in a parcel": """
        SELECT 1 FROM (
            SELECT order_id, sku, sum(shipped) AS quantity
            FROM order_lines GROUP BY order_id, sku HAVING sum(shipped) > 0
        ) AS o FULL JOIN (
            SELECT order_id, sku, sum(quantity) AS quantity
            FROM shipment_lines JOIN shipments ON id = shipment_id GROUP BY order_id, sku
        ) AS s USING (order_id, sku)
        WHERE o.quantity IS DISTINCT FROM s.quantity""",
    "an order stands where its lines do": """
        SELECT 1 FROM orders AS o JOIN (
            SELECT order_id, sum(shipped) AS shipped, sum(quantity) AS quantity
            FROM order_lines GROUP BY order_id
        ) AS l ON l.order_id = o.id
        WHERE o.status <> CASE
            WHEN shipped = 0 THEN 'placed'
            WHEN shipped < quantity THEN 'partially_shipped'
            ELSE 'shipped' END""",
    "a parcel is told once": """
        SELECT 1 FROM shipments AS s FULL JOIN (
            SELECT event::jsonb -> 'data' -> 'shipment' ->> 'id' AS id, count(*) AS told
            FROM outbox WHERE type = 'tandem.orders.order.shipped.v1' GROUP BY 1
        ) AS e ON e.id = s.id::text
        WHERE e.told IS DISTINCT FROM 1 OR s.id IS NULL""",
    "lines add up to the order": """
        SELECT 1 FROM orders AS o JOIN (
            SELECT order_id, sum(net_minor) AS net, sum(gross_minor) AS gross
            FROM order_lines GROUP BY order_id
        ) AS l ON l.order_id = o.id
        WHERE o.items_net_minor <> l.net OR o.items_gross_minor <> l.gross""",
    "an order is paid, nothing else is": """
        SELECT 1 FROM orders AS o FULL JOIN (
            SELECT * FROM payments WHERE status = 'authorised'
        ) AS p ON p.key = o.payment_key
        WHERE o.total_gross_minor IS DISTINCT FROM p.amount_minor
          AND (o.id IS NULL OR o.agreement IS NULL)""",
    "a member's placing stands where its process does": """
        SELECT 1 FROM placements AS m FULL JOIN (
            SELECT * FROM processes WHERE kind = 'company_placing'
        ) AS p USING (id)
        WHERE m.id IS NULL OR (m.status = 'placed') <> (p.result IS NOT NULL)
           OR (m.status = 'refused') <> (p.status = 'undone')
           OR m.order_number IS DISTINCT FROM p.result ->> 'order_number'""",
    "an order is told once": """
        SELECT 1 FROM orders AS o FULL JOIN (
            SELECT subject, count(*) AS told FROM outbox
            WHERE type = 'tandem.orders.order.placed.v1' GROUP BY subject
        ) AS e ON e.subject = o.id::text
        WHERE e.told IS DISTINCT FROM 1 OR o.id IS NULL""",
    "an ordered cart has its order": """
        SELECT 1 FROM orders AS o FULL JOIN (
            SELECT * FROM carts WHERE status = 'ordered'
        ) AS c ON c.id = o.cart_id
        WHERE c.order_number IS DISTINCT FROM 'T-' || o.serial""",
    "a cart being placed has a process at work": """
        SELECT 1 FROM carts AS c LEFT JOIN processes AS p ON p.id = c.placement_id
        WHERE c.status = 'placing' AND (p.id IS NULL OR p.ended_at IS NOT NULL)""",
}


ADDRESS: Mapping[str, Any] = {
    "email": "ada@example.com",
    "delivery_address": {
        "name": "Ada Lovelace",
        "line1": "12 St James's Square",
        "city": "London",
        "postal_code": "SW1Y 4JH",
        "country": "GB",
    },
}


@dataclass
class Guest:
    """Somebody with a cart and its secret."""

    client: httpx.AsyncClient
    cart_id: str
    secret: str
    cart: dict[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        return {"Tandem-Cart-Secret": self.secret}

    @property
    def total(self) -> dict[str, str]:
        total: dict[str, str] = self.cart["totals"]["total"]["gross"]
        return total

    async def get(self, path: str = "") -> httpx.Response:
        return await self.client.get(f"/v1/carts/{self.cart_id}{path}", headers=self.headers)

    async def add(self, *lines: tuple[str, Any], key: str | None = None) -> httpx.Response:
        keyed = {"Idempotency-Key": key} if key else {}
        return await self.client.post(
            f"/v1/carts/{self.cart_id}/lines",
            json={"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]},
            headers={**self.headers, **keyed},
        )

    async def put(self, what: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        return await self.client.put(
            f"/v1/carts/{self.cart_id}/{what}", json=body, headers={**self.headers, **headers}
        )

    async def delete(self, line_id: str) -> httpx.Response:
        return await self.client.delete(
            f"/v1/carts/{self.cart_id}/lines/{line_id}", headers=self.headers
        )

    async def place(
        self, *, key: str | None = None, token: str = "tok_ok", total: Any = None, **headers: str
    ) -> httpx.Response:
        return await self.client.post(
            f"/v1/carts/{self.cart_id}/place",
            json={
                "agreed_total": total or self.total,
                "payment": {"method": "test", "token": token},
            },
            headers={
                **self.headers,
                "Idempotency-Key": key or uuid4().hex,
                **headers,
            },
        )


@pytest.fixture
async def shop(
    app_client: httpx.AsyncClient,
    runtime: Runtime,
    neighbours: Neighbours,
    provider: Provider,
    make_token: Callable[..., str],
) -> Shop:
    """A store in the UK with a warehouse and one delivery method for 3.95."""
    scopes = ("stock:read", "stock:write", "orders:read", "changes:read", "payments:write")
    token = make_token(scopes=scopes)
    partner = {"Authorization": f"Bearer {token}"}
    async with runtime.sessions() as session:
        await keep_stores(session, [make_store()])
        await session.commit()
    await app_client.put(
        "/v1/warehouses/main", json={"name": "Main", "country": "GB"}, headers=partner
    )
    await app_client.put("/v1/delivery-methods/standard", json=METHOD, headers=partner)
    return Shop(app_client, runtime, neighbours, partner)


METHOD = {
    "name": {"en": "Standard delivery", "fr": "Livraison standard"},
    "stores": ["d2c-uk"],
    "countries": ["GB"],
    "price": {"amount": "3.95", "currency": "GBP"},
}
