"""The copy of buyers' profiles: kept by events, never staler than a token says."""

import json
from pathlib import Path

import pytest

from chassis import buyers, inbox
from chassis.auth import AccessRevoked, Actor
from chassis.buyers import BuyerUnknown
from chassis.http import NeighbourUnavailable
from contracts.buyers import BuyerProfile, TokenBuyer
from contracts.ids import new_id

SAMPLE = (
    Path(__file__).parents[4] / "contracts/samples/tandem.accounts.buyer_profile.changed.v1.json"
)
EVENT = json.loads(SAMPLE.read_text())
PROFILE = BuyerProfile.model_validate(EVENT["data"]["items"][0])
CONSUMER = buyers.consumer("catalog.buyers")


@pytest.fixture
def keep(runtime):
    async def write(*profiles):
        async with runtime.sessions() as session:
            await buyers.keep(session, profiles)
            await session.commit()

    return write


def changed(profile, **values):
    return profile.model_copy(update=values)


def member(profile, *, version):
    claim = TokenBuyer(
        member_id=profile.member_id, company="acme", unit="u", roles=[], version=version
    )
    return Actor(kind="member", subject=str(profile.member_id), buyer=claim)


async def receive(runtime, event):
    await inbox.receive(runtime, CONSUMER, json.dumps(event).encode())


async def test_an_event_keeps_the_copy_and_comes_twice(runtime):
    await receive(runtime, EVENT)
    await receive(runtime, EVENT)
    assert await buyers.get_profile(runtime, PROFILE.member_id) == PROFILE
    async with runtime.reader.connect() as connection:
        kept = await buyers.list_company(connection, "brighton-gifts")
    assert kept == [BuyerProfile.model_validate(item) for item in EVENT["data"]["items"]]


async def test_a_late_older_profile_changes_nothing(runtime, keep):
    await keep(changed(PROFILE, sequence=4, groups=["new"]))
    await receive(runtime, EVENT)
    assert (await buyers.get_profile(runtime, PROFILE.member_id)).groups == ["new"]


async def test_a_copy_as_new_as_the_token_asks_nobody(runtime, keep, neighbour_fake):
    await keep(PROFILE)
    assert await buyers.get_buyer(runtime, member(PROFILE, version=3)) == PROFILE
    assert neighbour_fake.calls_of("accounts") == []


@pytest.mark.parametrize("is_known", [True, False])
async def test_an_older_copy_fetches_once(runtime, keep, neighbour_fake, is_known):
    if is_known:
        await keep(PROFILE)
    newer = changed(PROFILE, sequence=4, roles=[])
    path = f"/v1/buyer-profiles/{PROFILE.member_id}"
    neighbour_fake.on("accounts", "GET", path, newer.model_dump(mode="json"))
    for _ in range(2):
        assert await buyers.get_buyer(runtime, member(PROFILE, version=4)) == newer
    assert len(neighbour_fake.calls_of("accounts", path)) == 1


async def test_stale_rights_are_never_used(runtime, keep, neighbour_fake):
    await keep(PROFILE)
    neighbour_fake.down.add("accounts")
    with pytest.raises(NeighbourUnavailable):
        await buyers.get_buyer(runtime, member(PROFILE, version=4))
    neighbour_fake.down.clear()
    path = f"/v1/buyer-profiles/{PROFILE.member_id}"
    neighbour_fake.on("accounts", "GET", path, PROFILE.model_dump(mode="json"))
    with pytest.raises(NeighbourUnavailable):
        await buyers.get_buyer(runtime, member(PROFILE, version=4))
    neighbour_fake.on("accounts", "GET", path, {"member_id": "rubbish"})
    with pytest.raises(NeighbourUnavailable):
        await buyers.get_buyer(runtime, member(PROFILE, version=4))


async def test_a_member_without_access_is_nobody(runtime, keep, neighbour_fake):
    await keep(changed(PROFILE, is_active=False))
    with pytest.raises(AccessRevoked):
        await buyers.get_buyer(runtime, member(PROFILE, version=3))
    with pytest.raises(BuyerUnknown):
        await buyers.get_profile(runtime, PROFILE.member_id)
    with pytest.raises(BuyerUnknown):
        await buyers.get_profile(runtime, new_id())
    async with runtime.reader.connect() as connection:
        assert await buyers.list_company(connection, "brighton-gifts") == []


async def test_others_have_no_profile(runtime, keep):
    await keep(PROFILE)
    for kind in ("guest", "partner", "staff", "service"):
        assert await buyers.get_buyer(runtime, Actor(kind=kind, subject="x")) is None
    orders = Actor(kind="service", subject="orders", on_behalf_of=str(PROFILE.member_id))
    assert await buyers.get_buyer(runtime, orders) == PROFILE


async def test_a_removed_member_gets_a_401(app_client, keep, runtime, make_token):
    await keep(changed(PROFILE, is_active=False))
    claim = member(PROFILE, version=3).buyer.model_dump(mode="json")
    token = make_token(kind="member", subject=str(PROFILE.member_id), buyer=claim)
    answer = await app_client.get("/v1/buyer", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "access-revoked")
