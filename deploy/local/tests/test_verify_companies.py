"""The checker on companies' orders: clean as they are, and each thing broken is found."""

import asyncio
import re
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from chassis.http import create_client
from deploy.local.tests.shops import (
    broken,
    drop,
    loaded,
    make_settings,
    require_clean,
    urls_of,
)
from tandem.demo_data.partner import open_partner
from tandem.demo_data.wholesale import read_customers
from tandem.verify import verify

PREFIX = "verify_companies_"
PASSWORD = "a-password-for-tests"
ADDRESS = {
    "name": "Bea Buyer",
    "line1": "1 Karl Johans gate",
    "city": "Oslo",
    "postal_code": "0154",
    "country": "NO",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory, postgres_url):
    """Settings of a shop that sold to a company and was stopped, quiet and clean."""
    settings = make_settings(tmp_path_factory.mktemp("shop"), postgres_url, prefix=PREFIX)
    asyncio.run(sell(settings))
    yield settings
    asyncio.run(drop(settings))


class Person:
    """A member of the first company, over REST."""

    def __init__(self, settings, client, token):
        self.settings = settings
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def sign_in(cls, settings, client, role):
        email = f"{role}@{read_customers()[0].key}.example"
        answer = await client.post(
            f"{settings.url_of('accounts')}/v1/sessions",
            json={"email": email, "password": PASSWORD},
        )
        return cls(settings, client, answer.json()["access_token"])

    async def call(self, method, service, path, body=None):
        answer = await self.client.request(
            method,
            self.settings.url_of(service) + path,
            json=body,
            headers={**self.headers, "Idempotency-Key": str(uuid4())},
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def submit(self, sku, quantity, **payment):
        """Order so many pieces; the placement."""
        lines = [{"sku": sku, "quantity": quantity}]
        opened = await self.call("POST", "orders", "/v1/carts", {"store": "b2b-eu", "lines": lines})
        path = f"/v1/carts/{opened['cart']['id']}"
        who = {"email": "bea@example.com", "delivery_address": ADDRESS}
        await self.call("PUT", "orders", f"{path}/address", who)
        cart = await self.call("PUT", "orders", f"{path}/delivery", {"delivery_method": "pallet"})
        wish = {
            "agreed_total": cart["totals"]["total"]["gross"],
            "payment": payment or {"method": "terms"},
            "purchase_order_number": "PO-1",
        }
        return await self.call("POST", "orders", f"{path}/place", wish)

    async def until(self, placement, status):
        """Look at a placement until it stands so."""
        async with asyncio.timeout(20):
            while placement["status"] != status:
                await asyncio.sleep(0.05)
                path = f"/v1/placements/{placement['id']}"
                placement = await self.call("GET", "orders", path)
        return placement

    async def decide(self, placement, verdict):
        request = placement["approval_request_id"]
        await self.call("POST", "approvals", f"/v1/approval-requests/{request}/{verdict}", {})


@asynccontextmanager
async def people(settings):
    async with create_client() as client:
        yield [await Person.sign_in(settings, client, role) for role in ("buyer", "approver")]


async def sell(settings):
    """Placed at once, paid by card, approved and shipped in part, rejected, cancelled."""
    async with (
        loaded(settings, every=40, password=PASSWORD) as credentials,
        people(settings) as (buyer, approver),
        open_partner(settings.urls, credentials) as partner,
    ):
        page = await partner.get("catalog", "/v1/products", store="b2b-eu", limit=200)
        sku = next(one["variants"][0]["sku"] for one in page["items"] if one["variants"])
        assert (await buyer.submit(sku, 6))["status"] == "placed"
        card = {"method": "test", "token": "tok_ok"}
        assert (await buyer.submit(sku, 6, **card))["status"] == "placed"
        for verdict, ends in (("approve", "placed"), ("reject", "refused")):
            waiting = await buyer.submit(sku, 300)
            assert waiting["status"] == "awaiting_approval", waiting
            await approver.decide(waiting, verdict)
            placement = await buyer.until(waiting, ends)
            if verdict == "approve":
                number = placement["order"]["number"]
        waiting = await buyer.submit(sku, 300)
        await buyer.call("POST", "orders", f"/v1/placements/{waiting['id']}/cancel")
        await buyer.until(waiting, "refused")
        token = {"Authorization": f"Bearer {await partner._valid_token()}"}
        shipped = await buyer.client.post(
            f"{settings.url_of('orders')}/v1/orders/{number}/shipments",
            json={"lines": [{"sku": sku, "quantity": 100}]},
            headers={**token, "Idempotency-Key": "first"},
        )
        assert shipped.status_code == 201, shipped.text
        await require_clean(settings)


async def test_a_shop_that_sells_to_companies_is_clean(shop):
    report = await verify(urls_of(shop))
    assert report.is_clean
    assert (report.moving, report.dead_letters) == ((), ())
    looked = report.looked_at
    assert (looked["orders orders"], looked["orders payments"]) == (3, 1)
    assert looked["orders placements"] == looked["accounts holds"] == 5
    assert looked["approvals approval requests"] == 5


COMPANY_ORDER = "(SELECT id FROM orders WHERE agreement IS NOT NULL ORDER BY serial LIMIT 1)"
SHIPPED = "(SELECT id FROM orders WHERE status = 'partially_shipped')"
BREAKS = {
    # Ledgers
    "more held than the ledger says": (
        "accounts",
        "UPDATE ledgers SET held_minor = held_minor + 5 WHERE kind = 'credit'",
        r"The credit ledger of customer-\d+ has 5 held and \d+ used, but its entries add up to 0",
    ),
    "ledger entry gone": (
        "accounts",
        "DELETE FROM ledger_entries WHERE kind = 'settled' AND ledger = 'credit'",
        r"The credit ledger of customer-\d+ has 0 held and \d+ used, but its entries add up to \d+",
    ),
    "over a limit that refuses": (
        "accounts",
        "UPDATE agreements SET credit_limit_minor = 1",
        r"The credit ledger of customer-\d+ has \d+ held and used, over its limit of 1\.",
    ),
    "hold that moved nothing": (
        "accounts",
        "DELETE FROM ledger_entries",
        r"Hold \S+:hold over \d+ is settled, but in the no ledger of nobody it has 0 held",
    ),
    "hold of another amount": (
        "accounts",
        "UPDATE holds SET amount_minor = amount_minor + 1",
        r"Hold \S+:hold over \d+ is settled, but in the \w+ ledger of \S+ it has 0 held and \d+",
    ),
    "released hold that kept something": (
        "accounts",
        "DELETE FROM ledger_entries WHERE kind = 'released'",
        r"Hold \S+:hold over \d+ is released, but in the \w+ ledger of \S+ it has \d+ held",
    ),
    "facts that are not the orders": (
        "accounts",
        "UPDATE company_facts SET orders = orders + 1",
        r"customer-\d+ has 4 orders over \d+, but they add up to 3 over \d+\.",
    ),
    "member of another company's unit": (
        "accounts",
        "UPDATE members SET unit = (SELECT max(key) FROM units)",
        r"Member \S+ of customer-\d+ acts for unit \S+, which is of customer-\d+\.",
    ),
    "unit below another company's": (
        "accounts",
        "UPDATE units SET parent = (SELECT max(key) FROM units WHERE parent IS NULL)"
        " WHERE parent IS NOT NULL",
        r"Unit \S+ of customer-\d+ is below \S+, which is of customer-\d+\.",
    ),
    # What accounts held and what orders placed
    "order without a hold": (
        "accounts",
        "DELETE FROM ledger_entries; DELETE FROM holds",
        r"Hold \S+:hold is unknown for no order at accounts, but orders has T-\d+ over",
    ),
    "hold that nobody settled": (
        "accounts",
        "UPDATE holds SET outcome = 'granted', order_number = NULL WHERE outcome = 'settled'",
        r"Hold \S+:hold is granted for no order at accounts, but orders has T-\d+",
    ),
    "hold left by a refused order": (
        "accounts",
        "UPDATE holds SET outcome = 'granted' WHERE outcome = 'released'",
        r"Hold \S+:hold is granted for no order at accounts, but orders has no order\.",
    ),
    "hold settled by another order": (
        "accounts",
        "UPDATE holds SET order_number = 'T-7' WHERE outcome = 'settled'",
        r"Hold \S+:hold is settled for T-7 over \d+ EUR of \S+ at accounts, but orders has T-1\d+",
    ),
    "order on another agreement": (
        "orders",
        f"UPDATE orders SET agreement = 'no-such' WHERE id = {COMPANY_ORDER}",
        r"Hold \S+:hold is settled for T-\d+ over",
    ),
    "order of another member": (
        "orders",
        f"UPDATE orders SET member_id = gen_random_uuid() WHERE id = {COMPANY_ORDER}",
        r"Hold \S+:hold is settled for T-\d+ over",
    ),
    # Approvals
    "own request decided": (
        "approvals",
        "UPDATE approval_requests SET decided_by = member_id WHERE status = 'approved'",
        r"Request \S+:approve was decided by \S+, who asked for it\.",
    ),
    "decided by nobody": (
        "approvals",
        "UPDATE approval_requests SET decided_by = NULL WHERE status = 'approved'",
        r"Request \S+:approve is approved by nobody at ",
    ),
    "decided too late": (
        "approvals",
        "UPDATE approval_requests SET decided_at = expires_at WHERE status = 'rejected'",
        r"Request \S+:approve is rejected by \S+ at ",
    ),
    "nobody asked though over the limit": (
        "approvals",
        "UPDATE approval_requests SET status = 'not_needed', decided_by = NULL, decided_at = NULL"
        " WHERE status = 'approved'",
        r"Request \S+:approve is not_needed for the reasons \{over_order_limit",
    ),
    "order placed though rejected": (
        "approvals",
        "UPDATE approval_requests SET status = 'rejected' WHERE status = 'approved'",
        r"Order T-\d+ was placed, but its request \S+:approve is rejected\.",
    ),
    "order placed unasked": (
        "approvals",
        "DELETE FROM approval_requests",
        r"Order T-\d+ was placed, but its request \S+:approve is unknown\.",
    ),
    "more placed than was agreed to": (
        "approvals",
        "UPDATE approval_requests SET asked = jsonb_set(asked, '{amount,amount}', '\"0.01\"')",
        r"Request \S+:approve agreed to \(1, 'EUR', '\S+'\), but placed was T-\d+ over \d+ EUR",
    ),
    "request that nobody waits for": (
        "approvals",
        "UPDATE approval_requests SET status = 'pending', decided_by = NULL, decided_at = NULL"
        " WHERE status = 'withdrawn'",
        r"Request \S+:approve is pending, but its placing has ended, or there is none\.",
    ),
    # What accounts counts
    "order not counted": (
        "accounts",
        "DELETE FROM order_facts",
        r"Order \S+ is known to orders alone\.",
    ),
    "order counted that is not": (
        "accounts",
        "INSERT INTO order_facts SELECT gen_random_uuid(), company, placed_at, 5 FROM order_facts"
        " LIMIT 1",
        r"Order \S+ is known to accounts alone\.",
    ),
    "order counted for another": (
        "accounts",
        "UPDATE order_facts SET company = 'globex'",
        r"Order \S+ of customer-\d+ over \d+ is counted for globex over \d+\.",
    ),
    # Shipments
    "parcel gone": (
        "orders",
        "DELETE FROM shipment_lines",
        r"Order T-\d+ has 100 of \S+ shipped of 300, but its parcels hold 0\.",
    ),
    "more shipped than sold": (
        "orders",
        "UPDATE order_lines SET shipped = quantity + 1 WHERE shipped > 0;"
        "UPDATE shipment_lines SET quantity = 301",
        r"Order T-\d+ has 301 of \S+ shipped of 300, but its parcels hold 301\.",
    ),
    "order that says too little": (
        "orders",
        f"UPDATE orders SET status = 'placed' WHERE id = {SHIPPED}",
        r"Order T-\d+ is placed, with 100 of 300 shipped\.",
    ),
    "shipped out of no reservation": (
        "orders",
        "UPDATE stock_reservation_lines SET shipped = 0",
        r"Order T-\d+ has 100 of \S+ shipped, but 0 left its reservation\.",
    ),
    "shipped out of no warehouse": (
        "orders",
        "DELETE FROM stock_movements WHERE kind = 'shipped'",
        r"0 of \S+ left warehouses, but 100 were shipped\.",
    ),
    "placement that shows something else": (
        "orders",
        "UPDATE placements SET status = 'pending', problem = NULL WHERE status = 'refused'",
        r"Placement \S+ is pending, but its process is undone\.",
    ),
    "placement of another order": (
        "orders",
        "UPDATE placements SET order_number = 'T-7' WHERE status = 'placed'",
        r"Placement \S+ is placed, but its process is done as T-1\d+\.",
    ),
    "placing that nobody sees": (
        "orders",
        "DELETE FROM placements",
        r"Process \S+ places an order of a member, but shows no placement\.",
    ),
    # Copies and assortments
    "profile of another group": (
        "pricing",
        "UPDATE buyer_profiles SET profile = jsonb_set(profile, '{groups}', '[\"x\"]')",
        r"pricing\.buyers has \S+ at sequence \d+ with groups \{x\}, but accounts says groups ",
    ),
    "profile of an older version": (
        "approvals",
        "UPDATE buyer_profiles SET sequence = 0",
        r"approvals\.buyers has \S+ at sequence 0 with sequence 0, but accounts says sequence ",
    ),
    "access that was given back": (
        "accounts",
        "UPDATE members SET is_active = false",
        r"catalog\.buyers has \S+ at sequence \d+ with is_active True, but accounts says is",
    ),
    "profile of nobody": (
        "accounts",
        "DELETE FROM members",
        r"catalog\.buyers has \S+ at sequence \d+, which accounts does not have\.",
    ),
    "tags that no rule gives": (
        "catalog",
        "UPDATE variants SET assortments = '{}'",
        r"\S+ has the tags \{\}, but the rules say \{\d+\}\.",
    ),
    "product without its SKUs' tags": (
        "catalog",
        "UPDATE products SET assortments = '{99}'",
        r"Product \S+ has the tags \{99\}, but its SKUs \{\d*\}\.",
    ),
}


@pytest.mark.parametrize(("name", "statement", "sentence"), BREAKS.values(), ids=BREAKS)
async def test_what_is_broken_is_found(shop, name, statement, sentence):
    async with broken(shop, name, statement) as urls:
        report = await verify(urls, settle=0)
    texts = [finding.text for finding in report.findings]
    assert any(re.search(sentence, text) for text in texts), texts
