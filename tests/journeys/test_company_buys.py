"""A company buys over separate processes and a real RabbitMQ: its buyer, approver and admin, and
the merchant's systems. The demo's journey checks each step; what it leaves is checked here, and by
`tandem verify` when the shop closes.
"""

import io

from rich.console import Console

from contracts.approvals import ApprovalStatus
from tandem.demo import play_company
from tandem.demo_data.partner import open_partner

FEEDS = ("accounts", "orders")


async def play_demo(shop):
    return await play_company(shop.urls, shop.credentials, Console(file=io.StringIO()))


async def test_the_demo_plays_again_and_again_with_a_company_of_its_own(shop):
    played = [await play_demo(shop) for _ in range(2)]
    assert len({one.number for one in played}) == 2
    assert len({one.company for one in played}) == 2


async def test_it_says_how_long_each_step_took_to_be_seen(shop):
    played = await play_demo(shop)
    assert len(played.waits) == 16
    assert all(0 <= seconds < 30 for seconds in played.waits.values()), played.waits


async def test_orders_credit_and_groups_agree_on_what_came_of_it(shop):
    played = await play_demo(shop)
    async with open_partner(shop.urls, shop.credentials) as partner:
        order = await partner.get("orders", f"/v1/orders/{played.number}")
        assert order["buyer"]["company"] == played.company
        assert order["status"] == "shipped"
        assert order["payment"] is None
        assert order["terms"] == {"agreement": f"{played.company}-terms", "payment_days": 30}
        total = order["totals"]["total"]["gross"]

        company = await partner.get("accounts", f"/v1/companies/{played.company}")
        assert (company["orders"], company["lifetime_spend"]) == (1, total)
        assert company["groups"] == ["volume"]

        entries = await partner.get(
            "accounts", f"/v1/companies/{played.company}/credit/entries", limit=200
        )
        kinds = sorted(entry["kind"] for entry in entries["items"])
        assert kinds == ["held", "held", "released", "settled"]
        assert {entry["order_number"] for entry in entries["items"]} == {None, played.number}

        placements = await partner.get("orders", "/v1/placements", company=played.company)
        ends = {one["purchase_order_number"]: one["status"] for one in placements["items"]}
        assert ends == {None: "refused", "PO-1": "refused", "PO-2": "placed"}


async def test_a_decision_is_told_once_and_without_what_people_wrote(shop):
    played = await play_demo(shop)
    rows = await shop.rows(
        "approvals",
        "SELECT event::text AS event FROM outbox WHERE event::text LIKE $1"
        " AND type = 'tandem.approvals.request.decided.v1' ORDER BY position",
        f"%{played.company}%",
    )
    assert len(rows) == 2
    for row, status in zip(rows, (ApprovalStatus.REJECTED, ApprovalStatus.APPROVED), strict=True):
        assert f'"{status}"' in row["event"]
        assert "Half of that" not in row["event"]
