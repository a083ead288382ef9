"""Budgets over HTTP."""

import pytest


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def test_a_budget_is_made_changed_and_read(trade):
    await trade.ready()
    made = await trade.budget("q4", valid_to="2099-01-01T00:00:00Z")
    assert (made["company"], made["version"], made["over_budget"]) == ("acme", 1, "approve")
    assert made["balance"]["available"] == eur("500.00")
    assert await trade.budget("q4", valid_to="2099-01-01T00:00:00Z") == made
    assert (await trade.budget("q4", "50.00"))["version"] == 2
    answer = await trade.client.get("/v1/budgets/q4", headers=trade.partner)
    assert answer.headers["ETag"] == '"2"'
    listed = await trade.get("/v1/budgets", company="acme")
    assert [one["key"] for one in listed["items"]] == ["q4"]
    assert (await trade.get("/v1/budgets", company="nobody"))["items"] == []


async def test_less_than_is_held_leaves_nothing_available(trade):
    buyer = await trade.ready()
    await trade.budget("q4")
    await trade.hold("h", trade.ask(buyer))
    assert (await trade.budget("q4", "40.00"))["balance"]["available"] == eur("-60.00")


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"unit": "nowhere"}, 422, "unit-not-known", "/unit"),
        ({"unit": "shop"}, 409, "budget-fixed", "/unit"),
        (
            {"amount": {"amount": "1.00", "currency": "GBP"}},
            422,
            "currency-not-of-company",
            "/amount/currency",
        ),
        ({"amount": eur("-1.00")}, 422, "invalid-input", "/amount"),
        (
            {"valid_from": "2026-01-01T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"},
            422,
            "window-empty",
            "/valid_to",
        ),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, 422, "moment-out-of-range", "/valid_from"),
        ({"valid_from": "2026-01-01T00:00:00"}, 422, "invalid-input", "/valid_from"),
    ],
)
async def test_what_a_budget_cannot_be(trade, change, status, code, pointer):
    await trade.ready()
    await trade.unit("shop", parent="head")
    await trade.budget("q4")
    body = {"unit": "head", "amount": eur("1.00"), **change}
    problem = await trade.put("/v1/budgets/q4", body, status=(status,))
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer)


async def test_a_lost_race_is_no_overwrite(trade):
    await trade.ready()
    await trade.budget("q4")
    answer = await trade.client.put(
        "/v1/budgets/q4",
        json={"unit": "head", "amount": eur("1.00")},
        headers={**trade.partner, "If-Match": '"7"'},
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "version-not-current")


async def test_budgets_are_for_their_company_and_for_partners(trade):
    buyer = await trade.ready()
    await trade.budget("q4")
    await trade.company("rival")
    await trade.unit("rival-head", company="rival")
    rival = await trade.member("rita", company="rival", unit="rival-head")
    theirs = trade.member_headers(rival, company="rival")
    for path in ("/v1/budgets/q4", "/v1/budgets/q4/entries"):
        await trade.get(path, headers=trade.member_headers(buyer))
        hidden = await trade.get(path, headers=theirs, status=404)
        assert hidden["code"] == "budget-unknown"
    mine = await trade.get("/v1/budgets", headers=trade.member_headers(buyer))
    assert [one["key"] for one in mine["items"]] == ["q4"]
    assert (await trade.get("/v1/budgets", headers=theirs))["items"] == []
    assert (await trade.get("/v1/budgets", headers=theirs, company="acme"))["items"] == []
    assert (await trade.get("/v1/budgets/none", status=404))["code"] == "budget-unknown"
    await trade.get("/v1/budgets", headers={"X-Nothing": "1"}, status=401)
    answer = await trade.client.put(
        "/v1/budgets/q4",
        json={"unit": "head", "amount": eur("9.00")},
        headers=trade.member_headers(buyer),
    )
    assert answer.status_code == 403
