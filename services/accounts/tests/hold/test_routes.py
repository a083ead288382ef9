"""Holds and credit over HTTP: told, repeated, refused, given back, used, and raced for."""

import asyncio
from random import Random
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def test_a_hold_takes_credit_and_budgets_and_settling_uses_them(trade):
    buyer = await trade.ready()
    await trade.budget("q4")
    held = await trade.hold("p:credit", trade.ask(buyer))
    assert held == {
        "id": "p:credit",
        "outcome": "granted",
        "amount": eur("100.00"),
        "agreement": "acme-1",
        "payment_days": 30,
        "over": [],
        "problem": None,
    }
    credit = await trade.get("/v1/companies/acme/credit")
    assert credit["balance"] == {
        "limit": eur("1000.00"),
        "held": eur("100.00"),
        "used": eur("0.00"),
        "available": eur("900.00"),
    }
    assert (await trade.get("/v1/budgets/q4"))["balance"]["available"] == eur("400.00")
    assert (await trade.settle("p:credit"))["outcome"] == "settled"
    assert (await trade.settle("p:credit"))["outcome"] == "settled"
    credit = await trade.get("/v1/companies/acme/credit")
    assert (credit["balance"]["held"], credit["balance"]["used"]) == (eur("0.00"), eur("100.00"))
    entries = (await trade.get("/v1/companies/acme/credit/entries"))["items"]
    assert [(one["kind"], one["held"]["amount"], one["order_number"]) for one in entries] == [
        ("settled", "-100.00", "T-1"),
        ("held", "100.00", None),
    ]
    assert len((await trade.get("/v1/budgets/q4/entries"))["items"]) == 2
    await trade.check_ledgers()


async def test_the_same_again_changes_nothing_and_another_body_is_a_conflict(trade):
    buyer = await trade.ready()
    first = await trade.hold("h", trade.ask(buyer))
    assert await trade.hold("h", trade.ask(buyer)) == first
    assert await trade.get("/v1/holds/h", headers=trade.orders) == first
    problem = await trade.hold("h", trade.ask(buyer, "100.01"), status=409)
    assert problem["code"] == "hold-differs"
    credit = await trade.get("/v1/companies/acme/credit")
    assert credit["balance"]["held"] == eur("100.00")


async def test_release_gives_all_back_once(trade):
    buyer = await trade.ready()
    await trade.budget()
    await trade.hold("h", trade.ask(buyer))
    assert (await trade.release("h"))["outcome"] == "released"
    assert (await trade.release("h"))["outcome"] == "released"
    assert (await trade.hold("h", trade.ask(buyer)))["outcome"] == "released"
    assert (await trade.settle("h", status=409))["code"] == "hold-not-open"
    credit = await trade.get("/v1/companies/acme/credit")
    assert credit["balance"]["available"] == eur("1000.00")
    assert (await trade.get("/v1/budgets/q4"))["balance"]["available"] == eur("500.00")
    await trade.check_ledgers()


async def test_a_hold_that_comes_after_its_release_takes_nothing(trade):
    buyer = await trade.ready()
    assert (await trade.release("late"))["outcome"] == "released"
    late = await trade.hold("late", trade.ask(buyer))
    assert (late["outcome"], late["amount"]) == ("released", None)
    assert (await trade.settle("late", status=409))["code"] == "hold-not-open"
    assert await trade.rows("SELECT 1 FROM ledger_entries") == []


async def test_a_settled_hold_is_not_released_and_not_settled_by_another_order(trade):
    buyer = await trade.ready()
    await trade.hold("h", trade.ask(buyer))
    await trade.settle("h", "T-1")
    problem = await trade.release("h", status=409)
    assert (problem["code"], problem["outcome"]) == ("hold-not-open", "settled")
    assert (await trade.settle("h", "T-2", status=409))["code"] == "hold-not-open"
    assert (await trade.hold("h", trade.ask(buyer)))["outcome"] == "settled"
    await trade.check_ledgers()


async def test_a_refusal_stays_though_there_is_credit_again(trade):
    buyer = await trade.ready()
    await trade.hold("first", trade.ask(buyer, "1000.00"))
    refused = await trade.hold("second", trade.ask(buyer, "0.01"))
    assert (refused["outcome"], refused["problem"]["code"]) == ("refused", "credit-exceeded")
    assert "0.01 EUR of credit, and 0.00 EUR are left" in refused["problem"]["detail"]
    await trade.release("first")
    assert await trade.hold("second", trade.ask(buyer, "0.01")) == refused
    assert (await trade.release("second"))["outcome"] == "refused"
    assert (await trade.settle("second", status=409))["code"] == "hold-not-open"
    assert (await trade.hold("third", trade.ask(buyer, "0.01")))["outcome"] == "granted"


async def test_over_a_limit_that_may_be_topped_it_is_held_and_needs_approval(trade):
    buyer = await trade.ready()
    await trade.agreement(over_credit="approve")
    await trade.budget(amount="50.00")
    held = await trade.hold("h", trade.ask(buyer, "1200.00"))
    assert (held["outcome"], held["over"]) == ("needs_approval", ["credit", "budget"])
    credit = await trade.get("/v1/companies/acme/credit")
    assert credit["balance"]["available"] == eur("-200.00")
    await trade.check_ledgers()
    assert (await trade.settle("h"))["outcome"] == "settled"


@pytest.mark.parametrize(
    ("agreement", "asked", "code"),
    [
        (None, {}, "no-agreement"),
        ({"valid_to": "2020-01-01T00:00:00Z"}, {}, "no-agreement"),
        ({"valid_from": "2099-01-01T00:00:00Z"}, {}, "no-agreement"),
        ({}, {"currency": "GBP"}, "currency-not-agreed"),
        ({"requires_purchase_order": True}, {}, "purchase-order-number-required"),
        ({"requires_purchase_order": True}, {"purchase_order_number": "PO-1"}, None),
        ({"credit_limit": eur("99.99")}, {}, "credit-exceeded"),
        (None, {"takes_credit": False}, None),
    ],
)
async def test_what_the_agreement_asks(trade, agreement, asked, code):
    await trade.company()
    await trade.unit("head")
    buyer = await trade.member()
    if agreement is not None:
        await trade.agreement(**agreement)
    held = await trade.hold("h", trade.ask(buyer, **asked))
    assert (held["problem"] and held["problem"]["code"]) == code
    assert held["outcome"] == ("granted" if code is None else "refused")
    if code == "purchase-order-number-required":
        assert held["problem"]["errors"][0]["pointer"] == "/purchase_order_number"


async def test_of_several_agreements_the_highest_priority_holds_then_the_key(trade):
    buyer = await trade.ready()
    await trade.agreement("b", priority=5, payment_days=7)
    await trade.agreement("a", priority=5, payment_days=14)
    await trade.agreement("z", priority=9, payment_days=1, valid_to="2020-01-01T00:00:00Z")
    assert (await trade.hold("h", trade.ask(buyer)))["agreement"] == "a"
    assert (await trade.get("/v1/companies/acme/credit"))["payment_days"] == 14


async def test_budgets_of_the_unit_and_of_those_above_it_count(trade):
    await trade.ready()
    await trade.unit("shop", parent="head")
    await trade.unit("other", parent="head")
    clerk = await trade.member("carl", unit="shop")
    await trade.budget("top", amount="150.00", over_budget="refuse")
    await trade.budget("shop", amount="80.00", unit="shop")
    await trade.budget("else", amount="1.00", unit="other", over_budget="refuse")
    await trade.budget("past", amount="1.00", over_budget="refuse", valid_to="2020-01-01T00:00:00Z")
    held = await trade.hold("one", trade.ask(clerk, "100.00"))
    assert (held["outcome"], held["over"]) == ("needs_approval", ["budget"])
    refused = await trade.hold("two", trade.ask(clerk, "60.00"))
    assert (refused["outcome"], refused["problem"]["code"]) == ("refused", "budget-exceeded")
    assert (await trade.get("/v1/budgets/top"))["balance"]["held"] == eur("100.00")
    assert (await trade.get("/v1/budgets/else"))["balance"]["held"] == eur("0.00")
    await trade.check_ledgers()


async def test_what_is_paid_at_once_takes_budget_but_no_credit(trade):
    buyer = await trade.ready()
    await trade.budget()
    held = await trade.hold("h", trade.ask(buyer, takes_credit=False))
    assert (held["outcome"], held["agreement"], held["payment_days"]) == ("granted", None, None)
    assert (await trade.get("/v1/budgets/q4"))["balance"]["held"] == eur("100.00")
    credit = await trade.get("/v1/companies/acme/credit")
    assert credit["balance"]["held"] == eur("0.00")


async def test_who_has_no_access_gets_nothing(trade):
    await trade.ready()
    gone = await trade.member("bob", is_active=False)
    for member in (gone, uuid4()):
        held = await trade.hold(f"h:{member}", trade.ask(member))
        assert (held["outcome"], held["problem"]["code"]) == ("refused", "member-inactive")


async def test_fifty_orders_at_once_never_top_a_limit(trade):
    buyer = await trade.ready()
    await trade.budget(amount="690.00", over_budget="refuse")
    asked = trade.ask(buyer, "100.00")
    held = await asyncio.gather(*(trade.hold(f"h{number}", asked) for number in range(50)))
    outcomes = [one["outcome"] for one in held]
    assert sorted(outcomes) == ["granted"] * 6 + ["refused"] * 44
    assert {one["problem"]["code"] for one in held if one["problem"]} == {"budget-exceeded"}
    credit = await trade.get("/v1/companies/acme/credit")
    assert credit["balance"]["held"] == eur("600.00")
    await trade.check_ledgers()


async def test_all_at_once_on_one_hold_take_and_give_it_once(trade):
    buyer = await trade.ready()
    asked = trade.ask(buyer)
    await asyncio.gather(*(trade.hold("h", asked) for _ in range(10)))
    assert len(await trade.rows("SELECT 1 FROM ledger_entries")) == 1

    async def end(number):
        path, body = ("release", None) if number % 2 else ("settle", {"order_number": "T-1"})
        answer = await trade.client.post(f"/v1/holds/h/{path}", json=body, headers=trade.orders)
        return answer.status_code

    statuses = await asyncio.gather(*(end(number) for number in range(20)))
    assert sorted(statuses) == [200] * 10 + [409] * 10
    assert len(await trade.rows("SELECT 1 FROM ledger_entries")) == 2
    await trade.check_ledgers()


async def test_a_hold_against_its_release_ends_with_nothing_held(trade):
    buyer = await trade.ready()
    asked = trade.ask(buyer)
    await asyncio.gather(
        *(trade.hold(f"h{number}", asked) for number in range(10)),
        *(trade.release(f"h{number}") for number in range(10)),
    )
    credit = await trade.get("/v1/companies/acme/credit")
    assert credit["balance"]["held"] == eur("0.00")
    await trade.check_ledgers()


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_entries SET held_minor = 1", "DELETE FROM ledger_entries"]
)
async def test_the_database_refuses_to_change_a_ledger(trade, statement):
    buyer = await trade.ready()
    await trade.hold("h", trade.ask(buyer))
    async with trade.runtime.sessions() as session:
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(text(statement))


async def test_entries_come_in_pages_newest_first(trade):
    buyer = await trade.ready()
    for number in range(5):
        await trade.hold(f"h{number}", trade.ask(buyer, "1.00"))
    path, seen = "/v1/companies/acme/credit/entries", []
    after: dict[str, str] = {}
    while True:
        page = await trade.get(path, limit=2, **after)
        seen += [one["hold_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == ["h4", "h3", "h2", "h1", "h0"]
    assert (await trade.get(path, status=422, after="x"))["code"] == "cursor-not-readable"


async def test_credit_is_for_its_company_and_for_partners(trade):
    buyer = await trade.ready()
    await trade.company("rival")
    await trade.unit("rival-head", company="rival")
    rival = await trade.member("rita", company="rival", unit="rival-head")
    for path in ("/v1/companies/acme/credit", "/v1/companies/acme/credit/entries"):
        await trade.get(path, headers=trade.member_headers(buyer))
        hidden = await trade.get(
            path, headers=trade.member_headers(rival, company="rival"), status=404
        )
        unknown = await trade.get("/v1/companies/nobody/credit", status=404)
        assert hidden["code"] == unknown["code"] == "company-unknown"
        await trade.get(path, headers={"X-Nothing": "1"}, status=401)
        weak = {"Authorization": f"Bearer {trade.make_token(scopes=('orders:read',))}"}
        assert (await trade.get(path, headers=weak, status=403))["code"] == "missing-scope"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/holds/h", {"member_id": str(uuid4()), "amount": eur("1.00")}),
        ("GET", "/v1/holds/h", None),
        ("POST", "/v1/holds/h/release", None),
        ("POST", "/v1/holds/h/settle", {"order_number": "T-1"}),
    ],
)
async def test_holds_are_for_orders_alone(trade, method, path, body):
    async def status(headers):
        answer = await trade.client.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json().get("code")

    assert await status({}) == (401, "token-missing")
    assert await status(trade.partner) == (403, "service-only")
    other = trade.make_token(kind="service", subject="approvals")
    assert await status({"Authorization": f"Bearer {other}"}) == (403, "service-only")
    buyer = await trade.ready()
    assert await status(trade.member_headers(buyer)) == (403, "service-only")
    assert (await status(trade.orders))[0] in (200, 404)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": eur("0.00")}, "/amount"),
        ({"amount": eur("-1.00")}, "/amount"),
        ({"amount": eur("1.001")}, "/amount"),
        ({"amount": "1.00"}, "/amount"),
        ({"amount": {"amount": "1.00", "currency": "XXX"}}, "/amount/currency"),
        ({"member_id": "ada"}, "/member_id"),
        ({"takes_credit": "yes"}, "/takes_credit"),
        ({"purchase_order_number": ""}, "/purchase_order_number"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_bad_input_is_told_by_field(trade, change, pointer):
    problem = await trade.hold("h", {**trade.ask(uuid4()), **change}, status=422)
    assert problem["errors"][0]["pointer"] == pointer
    assert (await trade.settle("nothing", status=404))["code"] == "hold-unknown"
    assert await trade.rows("SELECT 1 FROM holds") == []


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_comes_side_by_side_the_ledgers_add_up(trade, seed):
    """Holds, repeats, releases and settlements of a dozen ids by chance, eight at once."""
    chance = Random(seed)
    buyer = await trade.ready()
    await trade.agreement(credit_limit=eur("300.00"))
    await trade.budget("soft", "90.00")
    await trade.budget("hard", "250.00", over_budget="refuse")
    limit = asyncio.Semaphore(8)

    async def act(number: int, action: str) -> None:
        async with limit:
            path, body = f"/v1/holds/h{number}", trade.ask(buyer, f"{number + 10}.00")
            if action == "put":
                answer = await trade.client.put(path, json=body, headers=trade.orders)
            else:
                content = {"order_number": f"T-{number}"} if action == "settle" else None
                answer = await trade.client.post(
                    f"{path}/{action}", json=content, headers=trade.orders
                )
            assert answer.status_code in (200, 404, 409), answer.text

    actions = [
        act(chance.randrange(24), chance.choice(["put", "put", "release", "settle"]))
        for _ in range(150)
    ]
    await asyncio.gather(*actions)
    await trade.check_ledgers()
    credit = (await trade.get("/v1/companies/acme/credit"))["balance"]
    hard = (await trade.get("/v1/budgets/hard"))["balance"]
    assert not credit["available"]["amount"].startswith("-")
    assert not hard["available"]["amount"].startswith("-")
    open_holds = await trade.rows(
        "SELECT coalesce(sum(amount_minor) FILTER (WHERE outcome = 'settled'), 0) AS used,"
        " coalesce(sum(amount_minor) FILTER (WHERE outcome IN ('granted', 'needs_approval')), 0)"
        " AS held FROM holds"
    )
    ledgers = await trade.rows("SELECT held_minor, used_minor FROM ledgers")
    assert {(row.held_minor, row.used_minor) for row in ledgers} == {
        (open_holds[0].held, open_holds[0].used)
    }
