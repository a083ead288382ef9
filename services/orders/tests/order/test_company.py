"""Placing a member's order: held, approved or not, placed or fully undone, and who sees it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from joserfc import jws
from sqlalchemy import text

from chassis import process
from chassis.clock import Clock
from contracts.buyers import Role
from contracts.problems import Invalid

PLACED, AWAITING, REFUSED = "placed", "awaiting_approval", "refused"
CARD = {"method": "test", "token": "tok_ok"}


@pytest.fixture
async def goods(shop):
    """Ten pieces for 20.00 each; five with delivery come to 110.00."""
    await shop.sell("71053", price="20.00", on_hand=10)


@pytest.fixture
def settings(settings):
    """A buyer who waits for as long as a busy machine may take."""
    return settings.model_copy(update={"place_wait_seconds": 5.0})


class Later(Clock):
    """Some time from now."""

    def __init__(self, **time):
        self.ahead = timedelta(**time)

    def now(self):
        return super().now() + self.ahead


def turn(shop, **time):
    """The clock of the service goes on."""
    shop.runtime.clock = Later(**time)
    shop.runtime.sessions.configure(info={"clock": shop.runtime.clock})


async def wait_for_approval(company, **roles):
    """A member whose order somebody has to approve, and its placement."""
    member = await company.member(limit="50.00", **roles).fill(("71053", 5))
    answer = await member.place(key="k1")
    assert (answer.status_code, answer.json()["status"]) == (202, AWAITING), answer.text
    return member, answer.json()


@pytest.mark.usefixtures("goods")
async def test_an_order_within_all_limits_is_placed_at_once_on_terms(shop, company):
    member = await company.member(limit="200.00").fill(("71053", 5))
    answer = await member.place()
    assert answer.status_code == 201, answer.text
    placement, order = answer.json(), answer.json()["order"]
    assert answer.headers["location"] == f"/v1/orders/{order['number']}"
    buyer = {
        "member_id": str(member.profile.member_id),
        "company": "brighton-gifts",
        "unit": "shop-one",
    }
    assert placement["status"] == PLACED
    assert placement["buyer"] == order["buyer"] == buyer
    assert placement["cart_id"] == member.cart["id"]
    assert placement["total"]["gross"] == {"amount": "110.00", "currency": "GBP"}
    assert placement["purchase_order_number"] == order["purchase_order_number"] == "PO-4711"
    assert placement["approval_request_id"] is None
    assert (order["payment"], order["terms"]) == (
        None,
        {"agreement": "brighton-2026", "payment_days": 30},
    )
    assert (company.accounts.held, company.accounts.used) == (0, 11_000)
    assert list(company.accounts.numbers.values()) == [order["number"]]
    (asked,) = company.approvals.asked.values()
    assert (asked.amount.minor, asked.order_limit.minor) == (11_000, 20_000)
    assert await company.told() == [(PLACED, 3)]
    told = await shop.scalar(
        "SELECT event::jsonb -> 'data' FROM outbox WHERE type = 'tandem.orders.order.placed.v1'"
    )
    assert (told["buyer"], told["purchase_order_number"]) == (buyer, "PO-4711")
    assert told["terms"] == order["terms"]
    assert await member.cart_status() == "ordered"
    await shop.check()


@pytest.mark.usefixtures("goods")
async def test_a_card_pays_without_credit(shop, company, provider):
    company.accounts.credit = 0
    member = await company.member().fill(("71053", 5))
    answer = await member.place(payment=CARD, number=None)
    assert answer.status_code == 201, answer.text
    order = answer.json()["order"]
    assert (order["terms"], order["payment"]["method"]) == (None, "test")
    (hold,) = company.accounts.asked.values()
    assert not hold.takes_credit
    assert list(provider.charged.values()) == [11_000]
    await shop.check()


@pytest.mark.usefixtures("goods")
async def test_a_declined_card_gives_everything_back(shop, company):
    member = await company.member().fill(("71053", 5))
    answer = await member.place(payment={"method": "test", "token": "tok_declined"})
    assert (answer.status_code, answer.json()["code"]) == (422, "payment-declined")
    assert await company.told() == [(REFUSED, 3)]
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_a_guest_has_no_terms(shop):
    guest = await shop.ready(("71053", 1))
    answer = await shop.client.post(
        f"/v1/carts/{guest.cart_id}/place",
        json={"agreed_total": guest.total, "payment": {"method": "terms"}},
        headers={**guest.headers, "Idempotency-Key": "k1"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "terms-not-offered")
    assert answer.json()["errors"][0]["pointer"] == "/payment/method"
    assert await shop.scalar("SELECT count(*) FROM processes") == 0


@pytest.mark.usefixtures("goods")
async def test_who_does_not_buy_cannot_place(shop, company):
    member = await company.member().fill(("71053", 1))
    profile = member.profile.model_copy(update={"roles": [Role.APPROVER], "sequence": 2})
    async with shop.runtime.sessions() as session:
        await session.execute(
            text("UPDATE buyer_profiles SET profile = cast(:profile AS jsonb)"),
            {"profile": profile.model_dump_json()},
        )
        await session.commit()
    answer = await member.place()
    assert (answer.status_code, answer.json()["code"]) == (403, "buyers-only")


@pytest.mark.usefixtures("goods")
async def test_above_the_limit_it_waits_and_is_placed_when_approved(shop, company):
    member, placement = await wait_for_approval(company)
    path = f"/v1/placements/{placement['id']}"
    assert placement["approval_request_id"] == f"{placement['id']}:approve"
    assert placement["order"] is None
    assert (await member.get(path)).json() == placement
    assert await shop.scalar("SELECT sum(reserved) FROM stock_items") == 5
    assert company.accounts.held == 11_000
    assert (await member.place(key="k1")).json() == placement
    other = await member.place(key="k2")
    assert (other.status_code, other.json()["code"]) == (409, "cart-being-placed")
    await company.decide("approved")
    placed = (await member.get(path)).json()
    assert placed["status"] == PLACED
    again = await member.place(key="k1")
    assert (again.status_code, again.json()) == (201, placed)
    assert await company.told() == [(AWAITING, 3), (PLACED, 5)]
    assert (company.accounts.held, company.accounts.used) == (0, 11_000)
    await shop.check()


@pytest.mark.usefixtures("goods")
async def test_what_was_submitted_stays_while_somebody_decides(shop, company):
    """Days later, prices and the member are others; what was approved is what is placed."""
    member, placement = await wait_for_approval(company)
    turn(shop, days=2)
    shop.neighbours.prices["71053"] = "99.00"
    shop.neighbours.unsold.add("71053")
    gone = member.profile.model_copy(update={"is_active": False, "sequence": 2})
    company.accounts.profiles[str(gone.member_id)] = gone
    await company.decide("approved")
    assert await shop.scalar("SELECT status FROM processes") == "done"
    assert await shop.scalar("SELECT total_gross_minor FROM orders") == 11_000
    assert placement["total"]["gross"]["amount"] == "110.00"
    await shop.check()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("rejected", "order-rejected"),
        ("timed_out", "approval-timed-out"),
        ("withdrawn", "placement-cancelled"),
    ],
)
@pytest.mark.usefixtures("goods")
async def test_a_no_gives_everything_back(company, status, code):
    member, placement = await wait_for_approval(company)
    await company.decide(status, "Too many lanterns.")
    refused = (await member.get(f"/v1/placements/{placement['id']}")).json()
    assert (refused["status"], refused["problem"]["code"]) == (REFUSED, code)
    if status == "rejected":
        assert refused["problem"]["comment"] == "Too many lanterns."
    again = await member.place(key="k1")
    assert (again.status_code, again.json()["code"]) == (409, code)
    assert (await company.told())[-1][0] == REFUSED
    await company.check_nothing_held(member)
    assert (await member.place()).json()["status"] == AWAITING


@pytest.mark.usefixtures("goods")
async def test_an_event_that_comes_twice_late_or_for_another_does_no_harm(shop, company):
    member, placement = await wait_for_approval(company)
    event = company.approvals.decide("approved")
    for _ in range(2):
        await company.tell(event)
    await shop.work()
    await company.tell(event)
    other = event.data.request.model_copy(update={"subject_type": "quote"})
    await company.tell(event.model_copy(update={"data": type(event.data)(request=other)}))
    await shop.work()
    assert await shop.scalar("SELECT count(*) FROM orders") == 1
    assert (await member.get(f"/v1/placements/{placement['id']}")).json()["status"] == PLACED
    await shop.check()


@pytest.mark.usefixtures("goods")
async def test_an_event_is_never_believed(shop, company):
    """It says approved; approvals says that somebody still has to decide."""
    _, placement = await wait_for_approval(company)
    event = company.approvals.decide("approved")
    (request,) = company.approvals.requests.values()
    company.approvals.requests[request.id] = request.model_copy(update={"status": "pending"})
    await company.tell(event)
    row = await process.drive(shop.runtime, UUID(placement["id"]))
    assert row.status == "waiting"
    assert await company.told() == [(AWAITING, 3)]


@pytest.mark.usefixtures("goods")
async def test_a_lost_event_is_made_up_for_by_asking(shop, company):
    await wait_for_approval(company)
    company.approvals.decide("approved")
    turn(shop, minutes=6)
    await process.drive(shop.runtime, await shop.scalar("SELECT id FROM processes"))
    assert await shop.scalar("SELECT count(*) FROM orders") == 1


@pytest.mark.usefixtures("goods")
async def test_approvals_away_until_long_after_its_time_undoes_all(shop, company):
    member, _ = await wait_for_approval(company)
    company.approvals.is_away = True
    turn(shop, days=3, minutes=30)
    row = await process.drive(shop.runtime, await shop.scalar("SELECT id FROM processes"))
    assert row.status == "waiting"
    turn(shop, days=3, hours=2)
    await process.drive(shop.runtime, row.id)
    company.approvals.is_away = False
    await shop.work()
    assert (await member.place(key="k1")).json()["code"] == "placement-overdue"
    await company.check_nothing_held(member)


@pytest.mark.parametrize("way", ["approved", "rejected"])
@pytest.mark.parametrize("who", ["accounts", "approvals", "pricing", "catalog"])
@pytest.mark.usefixtures("goods")
async def test_a_neighbour_away_at_its_step_makes_it_wait_and_go_on(
    shop, company, neighbour_fake, who, way
):
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"place_wait_seconds": 0.3})
    member = await company.member(limit="50.00").fill(("71053", 5))
    await member.get("/v1/orders")
    neighbour_fake.down.add(who)
    answer = await member.place(key="k1")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending"), answer.text
    assert await shop.scalar("SELECT count(*) FROM orders") == 0
    neighbour_fake.down.clear()
    await process.drive(shop.runtime, UUID(answer.json()["id"]), until=later(shop))
    assert (await member.place(key="k1")).json()["status"] == AWAITING
    neighbour_fake.down.add(who)
    event = company.approvals.decide(way)
    await company.tell(event)
    await process.drive(shop.runtime, UUID(answer.json()["id"]), until=later(shop, 1))
    neighbour_fake.down.clear()
    await shop.work()
    if way == "rejected":
        await company.check_nothing_held(member)
    else:
        assert (await member.place(key="k1")).status_code == 201
        assert (company.accounts.held, company.accounts.used) == (0, 11_000)
    await shop.check()


def later(shop, seconds=10):
    return shop.runtime.clock.now() + timedelta(seconds=seconds)


@pytest.mark.usefixtures("goods")
async def test_a_neighbour_away_until_the_deadline_undoes_all(shop, company):
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"place_wait_seconds": 0.3})
    member = await company.member().fill(("71053", 5))
    await member.get("/v1/orders")
    company.accounts.is_away = True
    assert (await member.place(key="k1")).status_code == 202
    turn(shop, minutes=16)
    await process.drive(shop.runtime, await shop.scalar("SELECT id FROM processes"))
    company.accounts.is_away = False
    await shop.work()
    assert (await member.place(key="k1")).json()["code"] == "placement-overdue"
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_a_placed_order_is_told_though_settling_waits(shop, company, neighbour_fake):
    """Past the pivot it only goes forward; the buyer has the order already."""
    member, placement = await wait_for_approval(company)
    company.accounts.is_away = True
    await company.tell(company.approvals.decide("approved"))
    await process.drive(shop.runtime, UUID(placement["id"]), until=later(shop, 0.5))
    assert company.accounts.held == 11_000
    assert await shop.scalar("SELECT step FROM processes") == "settle"
    answer = await member.place(key="k1")
    assert (answer.status_code, answer.json()["status"]) == (201, PLACED)
    late = await member.cancel(placement["id"])
    assert (late.status_code, late.json()["code"]) == (409, "placement-already-placed")
    company.accounts.is_away = False
    await shop.work()
    assert (company.accounts.held, company.accounts.used) == (0, 11_000)
    await shop.check()


@pytest.mark.parametrize(
    "code",
    [
        "credit-exceeded",
        "budget-exceeded",
        "no-agreement",
        "currency-not-agreed",
        "member-inactive",
    ],
)
@pytest.mark.usefixtures("goods")
async def test_a_refused_hold_is_told_by_its_code(company, code):
    company.accounts.refuses = code
    member = await company.member().fill(("71053", 5))
    answer = await member.place(key="k1")
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert answer.json()["detail"] == "That will not do."
    assert (await member.place(key="k1")).json()["code"] == code
    assert company.approvals.requests == {}
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_what_a_hold_refuses_points_to_the_field_that_was_sent(company):
    company.accounts.needs_number = True
    member = await company.member().fill(("71053", 5))
    answer = await member.place(number=None)
    assert (answer.status_code, answer.json()["code"]) == (422, "purchase-order-number-required")
    assert answer.json()["errors"][0]["pointer"] == "/purchase_order_number"
    company.accounts.needs_number, company.accounts.credit = False, 1
    answer = await member.place()
    assert (answer.status_code, answer.json()["code"]) == (409, "credit-exceeded")
    assert answer.json()["errors"][0]["pointer"] == "/agreed_total"
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_over_credit_that_may_be_approved_waits_for_a_person(company):
    company.accounts.credit, company.accounts.approves_over = 1, True
    member = await company.member().fill(("71053", 5))
    assert (await member.place()).json()["status"] == AWAITING
    (asked,) = company.approvals.asked.values()
    assert asked.over == ["credit"]
    await company.decide("approved")
    assert company.accounts.used == 11_000


@pytest.mark.usefixtures("goods")
async def test_answers_about_something_else_are_not_believed(shop, company, neighbour_fake):
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"place_wait_seconds": 0.3})
    member = await company.member(limit="50.00").fill(("71053", 5))

    def cheaper(call):
        request = company.approvals.answer(call)
        changes = {"status": "approved", "amount": {"amount": "1.00", "currency": "GBP"}}
        return {**request.model_dump(mode="json"), **changes}

    neighbour_fake.on("approvals", "PUT", "*", cheaper)
    assert (await member.place(key="k1")).status_code == 202
    neighbour_fake.on("approvals", "PUT", "*", company.approvals.answer)
    placement_id = await shop.scalar("SELECT id FROM processes")
    await process.drive(shop.runtime, placement_id, until=later(shop))
    assert (await member.place(key="k1")).json()["status"] == AWAITING


@pytest.mark.usefixtures("goods")
async def test_a_cancelled_order_gives_everything_back(company):
    member, placement = await wait_for_approval(company)
    answer = await member.cancel(placement["id"])
    assert (answer.status_code, answer.json()["status"]) == (200, REFUSED), answer.text
    assert answer.json()["problem"]["code"] == "placement-cancelled"
    assert (await member.cancel(placement["id"])).json() == answer.json()
    (request,) = company.approvals.requests.values()
    assert request.status == "withdrawn"
    assert (await member.place(key="k1")).json()["code"] == "placement-cancelled"
    assert await company.told() == [(AWAITING, 3), (REFUSED, 5)]
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_a_cancel_whose_undoing_waits_is_told_so(shop, company):
    member, placement = await wait_for_approval(company)
    shop.runtime.settings = shop.runtime.settings.model_copy(update={"place_wait_seconds": 0.3})
    company.accounts.is_away = True
    answer = await member.cancel(placement["id"])
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    again = await member.cancel(placement["id"])
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    company.accounts.is_away = False
    await shop.work()
    assert (await member.cancel(placement["id"])).json()["status"] == REFUSED
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_a_hold_that_comes_after_its_release_is_refused(shop, company, neighbour_fake):
    """Its call hangs; the order is cancelled; then the call arrives, too late."""
    arrived, go = asyncio.Event(), asyncio.Event()

    async def hang(call):
        arrived.set()
        await go.wait()
        return company.accounts.answer(call)

    member = await company.member().fill(("71053", 5))
    neighbour_fake.on("accounts", "PUT", "*", hang)
    placing = asyncio.create_task(member.place(key="k1"))
    await arrived.wait()
    placement_id = await shop.scalar("SELECT id FROM processes")
    answer = await member.cancel(str(placement_id))
    assert (answer.status_code, answer.json()["status"]) == (200, REFUSED), answer.text
    go.set()
    late = await placing
    assert late.json()["code"] == "placement-cancelled"
    assert [hold.outcome for hold in company.accounts.holds.values()] == ["released"]
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_a_request_that_was_withdrawn_before_it_came_is_a_cancelled_order(shop, company):
    member = await company.member(limit="50.00").fill(("71053", 5))

    class Everything(set[str]):
        def __contains__(self, name):
            return True

    company.approvals.tombstones = Everything()
    answer = await member.place()
    assert (answer.status_code, answer.json()["code"]) == (409, "placement-cancelled")
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_a_member_removed_before_anybody_was_asked_gets_no_order(company, neighbour_fake):
    def unknown(call):
        raise Invalid("There is no such member.", code="requester-unknown")

    member = await company.member(limit="50.00").fill(("71053", 5))
    neighbour_fake.on("approvals", "PUT", "*", unknown)
    answer = await member.place()
    assert (answer.status_code, answer.json()["code"]) == (409, "member-inactive")
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_who_may_cancel(shop, company, make_token):
    member, placement = await wait_for_approval(company)
    path = f"/v1/placements/{placement['id']}/cancel"
    partner = {"Authorization": f"Bearer {make_token(scopes=('orders:read',))}"}
    tries = {
        401: [({}, "token-missing")],
        403: [(company.member("approver").headers, "placement-not-yours")],
        404: [
            (partner, "placement-not-found"),
            (company.member().headers, "placement-not-found"),
            (company.member("approver", units=("shop-two",)).headers, "placement-not-found"),
            (company.member("admin", company="acme").headers, "placement-not-found"),
        ],
    }
    for status, attempts in tries.items():
        for headers, code in attempts:
            answer = await shop.client.post(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    unknown = await member.cancel("01932c07-2a3c-7d5e-8f00-3b6a4f1d2e10")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "placement-not-found")
    admin = company.member("admin", units=("head-office",))
    assert (await admin.cancel(placement["id"])).json()["status"] == REFUSED
    await company.check_nothing_held(member)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.usefixtures("goods")
async def test_cancel_against_approve_has_exactly_one_winner(shop, company, seed):
    member, placement = await wait_for_approval(company)
    event = company.approvals.decide("approved")

    async def approve():
        for _ in range(seed):
            await asyncio.sleep(0)
        await company.tell(event)
        await process.drive(shop.runtime, UUID(placement["id"]), until=later(shop))

    cancelled, _ = await asyncio.gather(member.cancel(placement["id"]), approve())
    await shop.work()
    status = (await member.get(f"/v1/placements/{placement['id']}")).json()["status"]
    if cancelled.status_code == 409:
        assert (cancelled.json()["code"], status) == ("placement-already-placed", PLACED)
        assert (company.accounts.held, company.accounts.used) == (0, 11_000)
    else:
        assert (cancelled.status_code in (200, 202), status) == (True, REFUSED)
        await company.check_nothing_held(member)
    assert await shop.scalar("SELECT count(*) FROM orders") == (status == PLACED)
    await shop.check()


@pytest.mark.usefixtures("goods")
async def test_two_submits_of_one_cart_are_one_order(shop, company):
    member = await company.member().fill(("71053", 5))
    answers = await asyncio.gather(*(member.place() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert codes <= {"cart-being-placed", "cart-already-ordered"}
    assert company.accounts.used == 11_000
    await shop.check()


@pytest.mark.usefixtures("goods")
async def test_one_key_is_one_order(shop, company):
    member = await company.member().fill(("71053", 5))
    answers = await asyncio.gather(*(member.place(key="k1") for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    await shop.work()
    changed = await member.place(key="k1", number="PO-1")
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency-key-reused")
    assert company.accounts.used == 11_000
    await shop.check()


@pytest.mark.usefixtures("goods")
async def test_a_members_cart_is_placed_by_nobody_else(shop, company):
    member = await company.member().fill(("71053", 5))
    for other in (company.member(), company.member("buyer", "admin", company="acme")):
        answer = await member.place(headers=other.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "cart-not-found")
    answer = await member.place(headers={"Tandem-Cart-Secret": ""})
    assert (answer.status_code, answer.json()["code"]) == (404, "cart-not-found")


@pytest.fixture
async def colleagues(company):
    """Who looks, and whether they see an order of shop-one below head-office."""
    return {
        "colleague": (company.member(), False),
        "approver": (company.member("approver"), True),
        "approver above": (company.member("approver", units=("head-office",)), True),
        "approver beside": (company.member("approver", units=("shop-two", "head-office")), False),
        "admin": (company.member("admin", units=("shop-two", "head-office")), True),
        "stranger": (company.member("buyer", "approver", "admin", company="acme"), False),
    }


@pytest.mark.usefixtures("goods")
async def test_orders_and_placements_are_seen_by_whom_they_concern(shop, company, colleagues):
    member = await company.member().fill(("71053", 1))
    placement = (await member.place()).json()
    number = placement["order"]["number"]
    for who, (viewer, sees) in {**colleagues, "themselves": (member, True)}.items():
        for path, code in (
            (f"/v1/orders/{number}", "order-not-found"),
            (f"/v1/placements/{placement['id']}", "placement-not-found"),
        ):
            answer = await viewer.get(path)
            assert answer.status_code == (200 if sees else 404), (who, path)
            assert sees or answer.json()["code"] == code
        for path in ("/v1/orders", "/v1/placements"):
            page = (await viewer.get(path)).json()
            assert len(page["items"]) == sees, (who, path)
            asked = (await viewer.get(f"{path}?company=brighton-gifts&unit=shop-one")).json()
            assert len(asked["items"]) == sees, (who, path)
    all_of_it = (await shop.client.get("/v1/placements", headers=shop.partner)).json()
    assert [one["id"] for one in all_of_it["items"]] == [placement["id"]]
    assert all_of_it["items"][0] == placement


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/placements"])
async def test_lists_are_for_members_and_for_who_may_read_orders(shop, make_token, path):
    nobody = await shop.client.get(path)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "token-missing")
    token = make_token(scopes=("stock:read",))
    stranger = await shop.client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert (stranger.status_code, stranger.json()["code"]) == (403, "missing-scope")
    for bad in ("status=lost", "after=rubbish", "limit=0", "company=%20", "unit=A B"):
        answer = await shop.client.get(f"{path}?{bad}", headers=shop.partner)
        assert answer.status_code == 422, bad


@pytest.mark.usefixtures("goods")
async def test_lists_are_filtered_and_paged(shop, company):
    member = company.member(limit="50.00")
    ids = [
        (await (await member.fill(("71053", quantity))).place()).json()["id"]
        for quantity in (1, 5, 1)
    ]
    page = (await member.get("/v1/placements?limit=2")).json()
    rest = (await member.get(f"/v1/placements?limit=2&after={page['next']}")).json()
    assert [one["id"] for one in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    waiting = (await member.get(f"/v1/placements?status={AWAITING}")).json()
    assert [one["id"] for one in waiting["items"]] == [ids[1]]
    orders = (await member.get("/v1/orders?limit=1&status=placed")).json()
    assert len(orders["items"]) == 1
    older = (await member.get(f"/v1/orders?limit=1&after={orders['next']}")).json()
    assert older["items"][0]["number"] == "T-1000001"
    assert (await member.get("/v1/orders?status=shipped")).json()["items"] == []


@pytest.mark.usefixtures("goods")
async def test_what_a_member_placed_is_told_though_its_process_is_forgotten(shop, company):
    member = await company.member().fill(("71053", 1))
    placement = (await member.place()).json()
    async with shop.runtime.sessions() as session:
        await session.execute(text("DELETE FROM processes"))
        await session.commit()
    path = f"/v1/placements/{placement['id']}"
    assert (await member.get(path)).json() == placement
    late = await member.cancel(placement["id"])
    assert (late.status_code, late.json()["code"]) == (409, "placement-already-placed")


@pytest.mark.usefixtures("goods")
async def test_an_order_on_terms_has_no_payment_to_move(shop, company):
    member = await company.member().fill(("71053", 1))
    number = (await member.place()).json()["order"]["number"]
    for what in ("captures", "refunds"):
        answer = await shop.client.post(
            f"/v1/orders/{number}/{what}",
            json={},
            headers={**shop.partner, "Idempotency-Key": what},
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "order-on-terms")


async def test_an_order_that_costs_nothing_is_refused(shop, company):
    await shop.sell("free", price="0.00")
    answer = await shop.client.put(
        "/v1/delivery-methods/pallet",
        json={
            "name": {"en": "Pallet"},
            "stores": ["b2b-uk"],
            "countries": ["GB"],
            "price": {"amount": "0.00", "currency": "GBP"},
        },
        headers=shop.partner,
    )
    assert answer.status_code == 200
    member = await company.member().fill(("free", 1))
    answer = await member.place()
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-pay")
    await company.check_nothing_held(member)


@pytest.mark.usefixtures("goods")
async def test_catalog_and_pricing_are_asked_on_behalf_of_the_member(company, neighbour_fake):
    member = await company.member().fill(("71053", 1))
    neighbour_fake.calls.clear()
    assert (await member.place()).status_code == 201
    for call in neighbour_fake.calls:
        claims = read_claims(call.headers["authorization"])
        is_for = str(member.profile.member_id) if call.neighbour in ("catalog", "pricing") else None
        assert claims.get("on_behalf_of") == is_for, call.neighbour
        assert claims["sub"] == "orders"


def read_claims(header):
    return orjson.loads(jws.extract_compact(header.removeprefix("Bearer ").encode()).payload)
