"""Signing in: who gets a token, what it says, and that nobody learns who there is."""

import asyncio
from datetime import UTC, datetime

import pytest

from accounts.gate import get_gate
from accounts.partner.hashing import HashingGate
from accounts.staff.commands import put_staff
from accounts.staff.domain import Staff
from chassis.auth import AccessRevoked

PASSWORD = "correct horse battery staple"


@pytest.fixture
async def ada(trade):
    """A buyer of acme who can sign in."""
    await trade.ready()
    return await trade.member(password=PASSWORD)


async def sign_in(trade, email="ada@acme.example", password=PASSWORD):
    body = {"email": email, "password": password}
    return await trade.client.post("/v1/sessions", json=body)


async def test_a_member_gets_a_token_that_says_whom_they_act_for(trade, ada):
    answer = await sign_in(trade)
    body = answer.json()
    assert (answer.status_code, body["kind"], body["name"]) == (200, "member", "Ada")
    assert body["expires_in"] == 600
    assert answer.headers["cache-control"] == "no-store"
    version = body["buyer"].pop("version")
    assert body["buyer"] == {
        "member_id": str(ada),
        "company": "acme",
        "unit": "head",
        "roles": ["buyer"],
    }
    actor = await trade.runtime.verifier.verify(body["access_token"])
    assert (actor.kind, actor.subject, actor.scopes) == ("member", str(ada), frozenset())
    assert actor.member_id == ada
    profile = await trade.get(f"/v1/buyer-profiles/{ada}", headers=trade.orders)
    assert profile["sequence"] == version


async def test_case_and_space_of_the_address_do_not_count(trade, ada):
    assert (await sign_in(trade, email=" ADA@Acme.Example ")).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@acme.example", "correct horse battery stapl"),
        ("ada@acme.example", PASSWORD.upper()),
        ("nobody@acme.example", PASSWORD),
        ("bob@acme.example", PASSWORD),
        ("off@acme.example", PASSWORD),
    ],
    ids=["wrong", "case", "unknown", "no password", "inactive"],
)
async def test_everybody_else_gets_the_same_answer(trade, ada, email, password):
    await trade.member("bob")
    await trade.member("off", password=PASSWORD, is_active=False)
    answer = await sign_in(trade, email, password)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (401, "sign-in-refused")
    assert body["detail"] == "Nobody can sign in with this address and password."
    assert answer.headers["cache-control"] == "no-store"


async def test_a_member_of_a_closed_company_is_out(trade, ada):
    await trade.company(is_active=False)
    assert (await sign_in(trade)).status_code == 401
    await trade.company(is_active=True)
    assert (await sign_in(trade)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@acme.example"},
        {"email": "a", "password": PASSWORD},
        {"email": "a" * 255, "password": PASSWORD},
        {"email": "ada@acme.example", "password": "x" * 257},
        {"email": "ada@acme.example", "password": 5},
        {"email": ["ada@acme.example"], "password": PASSWORD},
        {"email": "ada@acme.example", "password": PASSWORD, "remember": True},
    ],
)
async def test_a_body_that_says_nothing(trade, body):
    answer = await trade.client.post("/v1/sessions", json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@acme.example' OR 'a'='a", PASSWORD),
        ("%@acme.example", PASSWORD),
        ("\N{FULLWIDTH LATIN SMALL LETTER A}da@acme.example", PASSWORD),
        ("ada@acme.example", ""),
    ],
)
async def test_odd_signs_are_no_way_in(trade, ada, email, password):
    answer = await sign_in(trade, email, password)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-refused")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada\0@acme.example", PASSWORD),
        ("nobody\0@acme.example", PASSWORD),
        ("ada@acme.example", f"{PASSWORD}\0"),
        ("nobody@acme.example", f"{PASSWORD}\0"),
    ],
)
async def test_nul_is_refused_whoever_there_is(trade, ada, email, password):
    answer = await sign_in(trade, email, password)
    assert (answer.status_code, answer.json()["code"]) == (422, "value-not-allowed")


@pytest.mark.parametrize("field", ["email", "password"])
async def test_half_a_sign_is_no_text(trade, ada, field):
    body = '{"email": "ada@acme.example", "password": "a-long-password"}'
    content = body.replace("ada@" if field == "email" else "a-long", "\\ud800@x")
    answer = await trade.client.post(
        "/v1/sessions", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 401, 422)


async def test_an_idempotency_key_gives_no_stored_token(trade, ada):
    tokens = set()
    for _ in range(2):
        answer = await trade.client.post(
            "/v1/sessions",
            json={"email": "ada@acme.example", "password": PASSWORD},
            headers={"Idempotency-Key": "same"},
        )
        tokens.add(answer.json()["access_token"])
    assert len(tokens) == 2


async def test_a_flood_of_guesses_is_turned_away(trade, app, ada):
    gate = HashingGate(threads=1, queue=1)
    app.dependency_overrides[get_gate] = lambda: gate
    answers = await asyncio.gather(
        *(sign_in(trade, password=f"guess number {n}") for n in range(8))
    )
    assert {answer.status_code for answer in answers} == {401, 429}
    assert all(
        answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 429
    )
    assert (await sign_in(trade)).status_code == 200


async def test_a_sign_in_right_after_a_revocation_holds(trade, ada):
    old = (await sign_in(trade)).json()["access_token"]
    await trade.member(is_active=False)
    await trade.member()
    new = (await sign_in(trade)).json()["access_token"]
    listed = (await trade.get("/v1/revocations", headers=trade.orders))["items"]
    assert [one["subject"] for one in listed] == [str(ada)]
    moment = datetime.fromisoformat(listed[0]["valid_after"])
    assert moment <= datetime.now(UTC)
    trade.runtime.verifier.revoke(str(ada), moment)
    with pytest.raises(AccessRevoked):
        await trade.runtime.verifier.verify(old)
    await trade.runtime.verifier.verify(new)


async def test_staff_get_their_scopes(trade):
    staff = Staff.model_validate(
        {
            "email": "Sam@shop.example",
            "password": PASSWORD,
            "name": "Sam",
            "scopes": ["orders:read", "companies:read"],
        }
    )
    async with trade.runtime.sessions.begin() as session:
        await put_staff(session, staff, now=trade.runtime.clock.now())
    answer = await sign_in(trade, email="sam@shop.example")
    body = answer.json()
    assert (body["kind"], body["name"], body["buyer"]) == ("staff", "Sam", None)
    actor = await trade.runtime.verifier.verify(body["access_token"])
    assert (actor.kind, actor.scopes) == ("staff", {"orders:read", "companies:read"})
    assert actor.member_id is None
