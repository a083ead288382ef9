"""Agreements over HTTP, and who is told of them."""

import pytest


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def test_an_agreement_is_made_changed_and_read(trade):
    await trade.company()
    made = await trade.agreement(valid_from="2026-01-01T01:00:00+01:00")
    assert (made["version"], made["valid_from"]) == (1, "2026-01-01T00:00:00Z")
    assert await trade.agreement(valid_from="2026-01-01T00:00:00Z") == made
    changed = await trade.agreement(payment_days=60)
    assert (changed["version"], changed["valid_from"]) == (2, None)
    answer = await trade.client.get("/v1/agreements/acme-1", headers=trade.partner)
    assert (answer.json(), answer.headers["ETag"]) == (changed, '"2"')
    listed = await trade.get("/v1/agreements", company="acme")
    assert listed["items"] == [changed]
    credit = await trade.get("/v1/companies/acme/credit")
    assert (credit["agreement"], credit["payment_days"]) == ("acme-1", 60)


async def test_without_an_agreement_there_is_no_credit(trade):
    await trade.company()
    credit = await trade.get("/v1/companies/acme/credit")
    assert (credit["agreement"], credit["balance"]["limit"]) == (None, eur("0.00"))


async def test_profiles_are_told_of_agreements_that_did_not_end(trade):
    await trade.ready()
    before = len(await trade.told("buyer_profile"))
    await trade.agreement("next", priority=3, valid_from="2099-01-01T00:00:00Z")
    profiles = (await trade.told("buyer_profile"))[before:]
    assert [one["key"] for one in profiles[0]["items"][0]["agreements"]] == ["next", "acme-1"]
    await trade.agreement("next", priority=3, valid_to="2020-01-01T00:00:00Z")
    profiles = (await trade.told("buyer_profile"))[before + 1 :]
    assert [one["key"] for one in profiles[0]["items"][0]["agreements"]] == ["acme-1"]
    await trade.agreement("next", priority=3, valid_to="2020-01-01T00:00:00Z")
    assert len(await trade.told("buyer_profile")) == before + 2


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"company": "nobody"}, 422, "company-not-known", "/company"),
        ({"company": "rival"}, 409, "agreement-fixed", "/company"),
        (
            {"credit_limit": {"amount": "1.00", "currency": "GBP"}},
            422,
            "currency-not-of-company",
            "/credit_limit/currency",
        ),
        ({"credit_limit": eur("-0.01")}, 422, "invalid-input", "/credit_limit"),
        ({"payment_days": 366}, 422, "invalid-input", "/payment_days"),
        ({"payment_days": "30"}, 422, "invalid-input", "/payment_days"),
        ({"priority": 1_000_001}, 422, "invalid-input", "/priority"),
        ({"over_credit": "ask"}, 422, "invalid-input", "/over_credit"),
        (
            {"valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"},
            422,
            "window-empty",
            "/valid_to",
        ),
    ],
)
async def test_what_an_agreement_cannot_be(trade, change, status, code, pointer):
    await trade.company()
    await trade.company("rival")
    await trade.agreement()
    body = {"company": "acme", "payment_days": 30, "credit_limit": eur("1.00"), **change}
    problem = await trade.put("/v1/agreements/acme-1", body, status=(status,))
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer)


async def test_agreements_are_for_their_company_and_for_partners(trade):
    buyer = await trade.ready()
    await trade.company("rival")
    await trade.unit("rival-head", company="rival")
    rival = await trade.member("rita", company="rival", unit="rival-head")
    theirs = trade.member_headers(rival, company="rival")
    await trade.get("/v1/agreements/acme-1", headers=trade.member_headers(buyer))
    for key, headers in (("acme-1", theirs), ("none", trade.partner)):
        hidden = await trade.get(f"/v1/agreements/{key}", headers=headers, status=404)
        assert hidden["code"] == "agreement-unknown"
    assert (await trade.get("/v1/agreements", headers=theirs, company="acme"))["items"] == []
    await trade.get("/v1/agreements", headers={"X-Nothing": "1"}, status=401)
    answer = await trade.client.put(
        "/v1/agreements/acme-1",
        json={"company": "acme", "payment_days": 30, "credit_limit": eur("9.00")},
        headers=trade.member_headers(buyer),
    )
    assert answer.status_code == 403
