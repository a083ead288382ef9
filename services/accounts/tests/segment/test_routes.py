"""Customer groups over HTTP: kept by rule or by hand, told to who is concerned."""

import asyncio

import pytest

from accounts.segment import jobs
from chassis.jobs import run_job

RULE = "orders >= 3 && lifetime_spend_minor >= 100000"


async def test_a_group_by_rule_has_those_it_holds_for(trade):
    await trade.company("acme", tier="gold", tags=["gifts"])
    await trade.company("basic", tier="silver")
    made = await trade.group("vip", rule="tier == 'gold' && 'gifts' in tags")
    assert (made["size"], made["is_settled"], made["version"]) == (1, True, 1)
    assert (await trade.get("/v1/companies/acme"))["groups"] == ["vip"]
    assert await trade.told("group_membership") == [
        {"company": "acme", "group": "vip", "is_member": True, "reason": "rule_changed"}
    ]
    assert (await trade.told("company"))[-1]["company"]["groups"] == ["vip"]
    assert await trade.group("vip", rule="tier == 'gold' && 'gifts' in tags") == made
    changed = await trade.group("vip", rule="tier == 'silver'")
    assert (changed["size"], changed["version"]) == (1, 2)
    assert (await trade.get("/v1/companies/acme"))["groups"] == []
    assert (await trade.get("/v1/companies/basic"))["groups"] == ["vip"]


async def test_a_group_by_hand_has_those_it_names(trade):
    for key in ("acme", "basic", "corp"):
        await trade.company(key)
    made = await trade.group("friends", companies=["corp", "acme", "acme"])
    assert (made["companies"], made["size"]) == (["acme", "corp"], 2)
    await trade.group("friends", companies=["basic", "corp"])
    assert [(one["company"], one["is_member"]) for one in await trade.told("group_membership")] == [
        ("acme", True),
        ("corp", True),
        ("acme", False),
        ("basic", True),
    ]
    assert {one["reason"] for one in await trade.told("group_membership")} == {"by_hand"}
    assert (await trade.group("friends", rule="false"))["size"] == 0


async def test_a_members_profile_has_the_groups_of_their_company(trade):
    await trade.ready()
    await trade.group("all", rule="has_agreement && payment_days == 30")
    profiles = await trade.told("buyer_profile")
    assert profiles[-1]["items"][0]["groups"] == ["all"]
    await trade.agreement(payment_days=7)
    profiles = await trade.told("buyer_profile")
    assert profiles[-1]["items"][0]["groups"] == []
    assert (await trade.told("group_membership"))[-1]["reason"] == "facts_changed"


async def test_a_changed_company_enters_and_leaves_at_once(trade):
    await trade.group("german", rule="country == 'DE'")
    made = await trade.company("acme", country="DE")
    assert made["groups"] == ["german"]
    moved = await trade.company("acme", country="AT")
    assert moved["groups"] == []
    assert (await trade.get("/v1/customer-groups/german"))["size"] == 0
    told = [(one["is_member"], one["reason"]) for one in await trade.told("group_membership")]
    assert told == [(True, "facts_changed"), (False, "facts_changed")]


async def test_preview_says_who_would_move_and_changes_nothing(trade):
    await trade.company("acme")
    await trade.company("basic", country="DE")
    await trade.group("british", rule="country == 'GB'")
    answer = await trade.client.post(
        "/v1/customer-groups/british/preview",
        json={"name": "Germans", "rule": "country == 'DE'"},
        headers=trade.partner,
    )
    assert answer.json() == {"entering": ["basic"], "leaving": ["acme"]}
    assert (await trade.get("/v1/customer-groups/british"))["rule"] == "country == 'GB'"
    assert len(await trade.told("group_membership")) == 1
    fresh = await trade.client.post(
        "/v1/customer-groups/new/preview",
        json={"name": "Hand", "companies": ["basic"]},
        headers=trade.partner,
    )
    assert fresh.json() == {"entering": ["basic"], "leaving": []}
    await trade.get("/v1/customer-groups/new", status=404)


@pytest.mark.parametrize(
    ("body", "code", "pointer", "why"),
    [
        ({"rule": "orders >= 'three'"}, "rule-unsound", "/rule", "no matching overload"),
        ({"rule": "orders"}, "rule-unsound", "/rule", "bool is needed"),
        ({"rule": "turnover > 1"}, "rule-unsound", "/rule", "undeclared reference"),
        (
            {"rule": "tags.all(a, tags.all(b, tags.all(c, a + b + c != '')))"},
            "rule-unsound",
            "/rule",
            "budget",
        ),
        ({"rule": ""}, "invalid-input", "/rule", ""),
        ({"rule": "true", "companies": ["acme"]}, "rule-and-companies", "/companies", "rule"),
        ({"companies": ["acme", "nobody"]}, "company-not-known", "/companies/1", "nobody"),
        ({"companies": "acme"}, "invalid-input", "/companies", ""),
        ({"name": ""}, "invalid-input", "/name", ""),
    ],
)
async def test_what_a_group_cannot_be(trade, body, code, pointer, why):
    await trade.company()
    body = {"name": "Group", **body}
    problem = await trade.put("/v1/customer-groups/g", body, status=(422,))
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer)
    assert why in problem["errors"][0]["message"]
    answer = await trade.client.post(
        "/v1/customer-groups/g/preview", json=body, headers=trade.partner
    )
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    await trade.get("/v1/customer-groups/g", status=404)


async def test_groups_are_for_those_who_may(trade):
    buyer = await trade.ready()
    await trade.group("vip", rule="true")
    for path in ("/v1/customer-groups", "/v1/customer-groups/vip"):
        await trade.get(path, headers={"X-Nothing": "1"}, status=401)
        await trade.get(path, headers=trade.member_headers(buyer), status=403)
    listed = await trade.get("/v1/customer-groups")
    assert [(one["key"], one["size"]) for one in listed["items"]] == [("vip", 1)]
    missing = await trade.get("/v1/customer-groups/none", status=404)
    assert missing["code"] == "group-unknown"
    reader = {"Authorization": f"Bearer {trade.make_token(scopes=('companies:read',))}"}
    answer = await trade.client.put(
        "/v1/customer-groups/vip", json={"name": "V", "rule": "false"}, headers=reader
    )
    assert answer.status_code == 403
    stale = await trade.client.put(
        "/v1/customer-groups/vip",
        json={"name": "V", "rule": "false"},
        headers={**trade.partner, "If-Match": '"7"'},
    )
    assert stale.status_code == 412
    assert (await trade.get("/v1/customer-groups/vip"))["size"] == 1


async def test_groups_come_in_pages(trade):
    for key in "abc":
        await trade.group(key, rule="true")
    page = await trade.get("/v1/customer-groups", limit=2)
    assert [one["key"] for one in page["items"]] == ["a", "b"]
    rest = await trade.get("/v1/customer-groups", limit=2, after=page["next"])
    assert ([one["key"] for one in rest["items"]], rest["next"]) == (["c"], None)


async def test_many_companies_are_moved_in_the_background_batch_by_batch(trade, monkeypatch):
    monkeypatch.setattr("accounts.segment.commands.MANY", 2)
    monkeypatch.setattr("accounts.segment.jobs.BATCH", 2)
    for number in range(5):
        await trade.company(f"c{number}")
    made = await trade.group("all", rule="country == 'GB'")
    assert (made["size"], made["is_settled"]) == (0, False)
    assert await run_job(trade.runtime, jobs.SETTLE)
    settled = await trade.get("/v1/customer-groups/all")
    assert (settled["size"], settled["is_settled"], settled["version"]) == (5, True, 1)
    assert {one["reason"] for one in await trade.told("group_membership")} == {"rule_changed"}
    assert await run_job(trade.runtime, jobs.SETTLE)
    assert len(await trade.told("group_membership")) == 5


async def test_changed_companies_and_a_changed_rule_meet_in_one_truth(trade):
    """Whatever the order in which they come, everybody is where the last rule says."""
    for number in range(8):
        await trade.company(f"c{number}", tier="silver")
    await trade.group("g", rule="tier == 'silver'")
    await asyncio.gather(
        *(trade.company(f"c{number}", tier="gold") for number in range(8)),
        *(trade.company(f"n{number}", tier="gold") for number in range(4)),
        trade.group("g", rule="tier == 'gold'"),
    )
    assert await run_job(trade.runtime, jobs.SETTLE)
    rows = await trade.rows(
        "SELECT company FROM group_memberships WHERE group_key = 'g' AND is_member"
    )
    companies = await trade.rows("SELECT key FROM companies WHERE tier = 'gold'")
    assert sorted(row.company for row in rows) == sorted(row.key for row in companies)
    assert len(rows) == 12
