"""Profiles and revocations: for services only, streamed, and forgotten in time."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from accounts.profile.commands import KEPT
from accounts.profile.jobs import forget_revocations
from chassis import failpoints
from contracts.buyers import BuyerProfile
from contracts.companies import Company
from contracts.ids import new_id


def headers(trade, **words):
    return {"Authorization": f"Bearer {trade.make_token(**words)}"}


@pytest.mark.parametrize("name", ["catalog", "pricing", "orders", "approvals"])
async def test_services_read_a_profile(trade, name):
    ada = await trade.ready()
    await trade.group("volume", companies=["acme"])
    who = headers(trade, kind="service", subject=name)
    profile = BuyerProfile.model_validate(await trade.get(f"/v1/buyer-profiles/{ada}", headers=who))
    assert (profile.company, profile.units, profile.groups) == ("acme", ["head"], ["volume"])
    assert [one.key for one in profile.agreements] == ["acme-1"]
    assert (profile.country, profile.currency, profile.is_active) == ("GB", "EUR", True)
    told = [item for one in await trade.told("buyer_profile") for item in one["items"]]
    assert BuyerProfile.model_validate(told[-1]) == profile


@pytest.mark.parametrize("path", ["/v1/buyer-profiles/{id}", "/v1/revocations"])
async def test_nobody_else_does(trade, path):
    ada = await trade.ready()
    path = path.format(id=ada)
    guest = await trade.client.get(path)
    assert (guest.status_code, guest.json()["code"]) == (401, "token-missing")
    for who in (
        trade.partner,
        trade.member_headers(ada),
        headers(trade, kind="staff", subject="sam", scopes=("companies:read",)),
        headers(trade, kind="partner", subject="orders"),
    ):
        answer = await trade.client.get(path, headers=who)
        assert (answer.status_code, answer.json()["code"]) == (403, "service-only")


async def test_a_profile_that_there_is_not(trade):
    await trade.get(f"/v1/buyer-profiles/{new_id()}", headers=trade.orders, status=404)
    await trade.get("/v1/buyer-profiles/ada", headers=trade.orders, status=422)


async def test_who_has_no_access_is_told_as_such(trade):
    ada = await trade.ready()
    await trade.member(is_active=False)
    profile = await trade.get(f"/v1/buyer-profiles/{ada}", headers=trade.orders)
    assert profile["is_active"] is False


async def test_a_change_that_nobody_needs_to_know_is_not_told(trade):
    await trade.ready()
    before = len(await trade.told("buyer_profile"))
    await trade.company()
    await trade.unit("head")
    await trade.member()
    await trade.agreement()
    assert len(await trade.told("buyer_profile")) == before


async def test_whatever_it_tells_raises_its_version_and_nothing_else_does(trade):
    ada = await trade.ready()
    await trade.unit("north", parent="head")
    await trade.unit("shop", parent="north")

    async def tells(change):
        before = (await trade.get(f"/v1/buyer-profiles/{ada}", headers=trade.orders))["sequence"]
        count = len(await trade.told("buyer_profile"))
        await change
        after = await trade.get(f"/v1/buyer-profiles/{ada}", headers=trade.orders)
        told = (await trade.told("buyer_profile"))[count:]
        grown = after["sequence"] - before
        assert len(told) == grown
        assert [one["items"][-1] for one in told][-1:] == [after][:grown]
        return grown

    limit = {"amount": "9.00", "currency": "EUR"}
    facts = {"unit": "shop", "roles": ["admin", "buyer"], "order_limit": limit}
    assert await tells(trade.member(name="Countess")) == 0
    assert await tells(trade.member(email="countess@acme.example")) == 0
    assert await tells(trade.member(password="a-long-password")) == 0
    assert await tells(trade.member(unit="shop")) == 1
    assert await tells(trade.member(unit="shop", roles=["buyer", "admin"])) == 1
    assert await tells(trade.member(**facts)) == 1
    assert await tells(trade.unit("shop", parent="head")) == 1
    assert await tells(trade.unit("other", parent="head")) == 0
    assert await tells(trade.company(name="Acme & Sons", tier="gold")) == 0
    assert await tells(trade.company(country="IE")) == 1
    assert await tells(trade.group("friends", companies=["acme"])) == 1
    assert await tells(trade.agreement("acme-2", priority=7)) == 1
    assert await tells(trade.member(**facts, is_active=False)) == 1
    assert await tells(trade.member(**facts)) == 1
    assert await tells(trade.company(country="IE", is_active=False)) == 1
    assert await tells(trade.company(country="IE", is_active=False, tier="gold")) == 0
    assert await tells(trade.company(country="IE")) == 1


async def test_a_closed_company_is_revoked_once(trade):
    await trade.ready()
    await trade.company(is_active=False)
    await trade.company(is_active=False, tier="gold")
    assert len(await trade.told("access")) == 1


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"password": "another-long-password"}], ids=["off", "password"]
)
async def test_access_is_taken_away_and_told_together_or_not_at_all(trade, monkeypatch, change):
    """What changes, the revocation and its event are of one transaction."""
    ada = await trade.ready()
    order = "request:PUT:/v1/companies/acme/members/ada:committing=raise"
    armed = {"TANDEM_FAILPOINTS": order, "TANDEM_FAILPOINTS_ALLOWED": "1"}
    before = await trade.get("/v1/companies/acme/members/ada")
    body = {name: before[name] for name in ("email", "name", "unit", "roles")} | change
    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "_armed", failpoints.from_environment(armed))
        await trade.put("/v1/companies/acme/members/ada", body, status=(503,))
    assert await trade.told("access") == []
    assert await trade.rows("SELECT 1 FROM revocations") == []
    assert await trade.get("/v1/companies/acme/members/ada") == before
    await trade.put("/v1/companies/acme/members/ada", body)
    assert [row.subject for row in await trade.rows("SELECT subject FROM revocations")] == [
        str(ada)
    ]
    assert len(await trade.told("access")) == 1


async def test_snapshots_have_everybody(trade):
    ada = await trade.ready()
    bob = await trade.member("bob")
    reader = headers(trade, scopes=("changes:read",))

    async def lines(kind):
        answer = await trade.client.get(f"/v1/snapshots/{kind}", headers=reader)
        assert answer.status_code == 200
        first, *rest = map(orjson.loads, answer.content.splitlines())
        assert set(first) == {"cursor"}
        return rest

    profiles = [BuyerProfile.model_validate(line) for line in await lines("buyer_profiles")]
    assert [one.member_id for one in profiles] == sorted((ada, bob))
    (company,) = [Company.model_validate(line) for line in await lines("companies")]
    assert (company.key, company.version) == ("acme", 1)


async def test_old_revocations_are_not_told_and_then_forgotten(trade):
    ada = await trade.ready()
    await trade.member(is_active=False)

    async def age(by):
        async with trade.runtime.sessions.begin() as session:
            await session.execute(
                text("UPDATE revocations SET valid_after = valid_after - CAST(:by AS interval)"),
                {"by": by},
            )

    async def listed():
        found = await trade.get("/v1/revocations", headers=trade.orders)
        return [UUID(one["subject"]) for one in found["items"]]

    assert await listed() == [ada]
    await age(KEPT + timedelta(seconds=1))
    assert await listed() == []
    await forget_revocations(trade.runtime)
    assert len(await trade.rows("SELECT 1 FROM revocations")) == 1
    await age(KEPT)
    await forget_revocations(trade.runtime)
    assert await trade.rows("SELECT 1 FROM revocations") == []
