"""Signing in while access changes: no token outlives the password or access it was given for."""

import asyncio

import pytest
from sqlalchemy import Engine, event

from accounts.gate import get_gate
from accounts.partner.hashing import HashingGate
from accounts.session import commands
from accounts.staff.commands import put_staff
from accounts.staff.domain import Staff
from chassis.auth import AccessRevoked

PASSWORD = "correct horse battery staple"


class SlowGate(HashingGate):
    """Checks a secret, then keeps the answer back until it is let go."""

    def __init__(self):
        super().__init__(threads=2, queue=8)
        self.checked = asyncio.Event()
        self.let_go = asyncio.Event()

    async def is_secret_of(self, secret_hash, secret, **words):
        holds = await super().is_secret_of(secret_hash, secret, **words)
        if secret == PASSWORD:
            self.checked.set()
            await self.let_go.wait()
        return holds


async def sign_in(trade, email="ada@acme.example", password=PASSWORD):
    body = {"email": email, "password": password}
    return await trade.client.post("/v1/sessions", json=body)


TAKEN = pytest.mark.parametrize(
    "taken",
    [
        lambda trade: trade.member(password="another long password"),
        lambda trade: trade.member(is_active=False),
        lambda trade: trade.company(is_active=False),
    ],
    ids=["another password", "member", "company"],
)


@TAKEN
async def test_access_taken_while_the_password_is_checked_gives_no_token(trade, app, taken):
    await trade.ready()
    await trade.member(password=PASSWORD)
    gate = SlowGate()
    app.dependency_overrides[get_gate] = lambda: gate
    waiting = asyncio.create_task(sign_in(trade))
    await gate.checked.wait()
    await taken(trade)
    gate.let_go.set()
    answer = await waiting
    assert (answer.status_code, answer.json().get("code")) == (401, "sign-in-refused")


@TAKEN
async def test_access_taken_while_a_token_is_signed_refuses_it(
    trade, monkeypatch, eventually, taken
):
    """Who takes the access away waits for the sign-in that saw it, then revokes its token too."""
    await trade.ready()
    ada = await trade.member(password=PASSWORD)
    is_locked, let_go = asyncio.Event(), asyncio.Event()

    async def wait(*_):
        is_locked.set()
        await let_go.wait()

    monkeypatch.setattr(commands, "_pass", wait)
    signing_in = asyncio.create_task(sign_in(trade))
    await is_locked.wait()
    taking = asyncio.create_task(taken(trade))

    async def waits_or_is_done():
        waiting = await trade.rows(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return taking.done() or waiting

    try:
        await eventually(waits_or_is_done)
        was_early = taking.done()
    finally:
        let_go.set()
    token = (await signing_in).json()["access_token"]
    await taking
    assert not was_early
    (revocation,) = await trade.rows("SELECT valid_after FROM revocations")
    trade.runtime.verifier.revoke(str(ada), revocation.valid_after)
    with pytest.raises(AccessRevoked):
        await trade.runtime.verifier.verify(token)


async def test_whoever_comes_first_no_token_of_the_old_password_holds(trade):
    """Sign-ins all along while the password changes: each token is refused, or was never given."""
    await trade.ready()
    ada = await trade.member(password=PASSWORD)
    tokens, is_given = [], asyncio.Event()

    async def keep_signing_in():
        while (answer := await sign_in(trade)).status_code == 200:
            tokens.append(answer.json()["access_token"])
            is_given.set()
        assert answer.status_code == 401

    trying = [asyncio.create_task(keep_signing_in()) for _ in range(4)]
    await is_given.wait()
    await trade.member(password="another long password")
    await asyncio.gather(*trying)
    (revocation,) = await trade.rows("SELECT valid_after FROM revocations")
    trade.runtime.verifier.revoke(str(ada), revocation.valid_after)
    for token in tokens:
        with pytest.raises(AccessRevoked):
            await trade.runtime.verifier.verify(token)


async def test_staff_whose_password_changes_meanwhile_get_no_token(trade, app):
    async def put(password):
        stated = {"email": "sam@shop.example", "name": "Sam", "scopes": ["orders:read"]}
        staff = Staff.model_validate({**stated, "password": password})
        async with trade.runtime.sessions.begin() as session:
            await put_staff(session, staff, now=trade.runtime.clock.now())

    await put(PASSWORD)
    gate = SlowGate()
    app.dependency_overrides[get_gate] = lambda: gate
    waiting = asyncio.create_task(sign_in(trade, "sam@shop.example"))
    await gate.checked.wait()
    await put("another long password")
    gate.let_go.set()
    assert (await waiting).status_code == 401


async def test_whoever_is_refused_costs_the_same_work(trade, app):
    """Wrong password, unknown, without a password, without access though the password is right."""
    await trade.ready()
    await trade.member(password=PASSWORD)
    await trade.member("bob")
    await trade.member("off", password=PASSWORD, is_active=False)
    await trade.company("closed", is_active=False)
    await trade.unit("closed-head", company="closed")
    await trade.member("cy", company="closed", unit="closed-head", password=PASSWORD)
    work = []

    class Counted(HashingGate):
        async def is_secret_of(self, secret_hash, secret, **words):
            work.append("check")
            return await super().is_secret_of(secret_hash, secret, **words)

    def note(connection, cursor, statement, *rest):
        work.append(statement)

    app.dependency_overrides[get_gate] = lambda: Counted(threads=1, queue=8)
    event.listen(Engine, "before_cursor_execute", note)  # on whatever connection
    seen = []
    try:
        for email, password in (
            ("ada@acme.example", "wrong one"),
            ("no@acme.example", PASSWORD),
            ("bob@acme.example", PASSWORD),
            ("off@acme.example", PASSWORD),
            ("cy@closed.example", PASSWORD),
        ):
            work.clear()
            answer = await sign_in(trade, email, password)
            assert answer.status_code == 401
            seen.append(list(work))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert seen == [seen[0]] * 5
    assert seen[0].count("check") == 1


async def test_being_turned_away_tells_nothing_of_who_there_is(trade, app, eventually):
    """A queue full of guesses is as full for an address that somebody has as for any other."""
    await trade.ready()
    await trade.member(password=PASSWORD)
    gate = HashingGate(threads=1, queue=15)
    app.dependency_overrides[get_gate] = lambda: gate
    async with gate._threads:  # nothing is checked meanwhile
        flood = [asyncio.create_task(sign_in(trade, f"{n}@nowhere.example")) for n in range(12)]
        await eventually(lambda: sum(one.done() for one in flood) == 4)  # 8 are people's share
        for email in ("ada@acme.example", "no@acme.example"):
            answer = await sign_in(trade, email)
            assert (answer.status_code, answer.json()["code"]) == (429, "too-many-token-requests")
    assert {answer.status_code for answer in await asyncio.gather(*flood)} == {401, 429}
    assert (await sign_in(trade)).status_code == 200


async def test_staff_get_the_rights_that_they_have_when_it_is_signed(trade, app):
    async def put(*scopes):
        stated = {"email": "sam@shop.example", "name": "Sam", "password": PASSWORD}
        staff = Staff.model_validate({**stated, "scopes": scopes})
        async with trade.runtime.sessions.begin() as session:
            await put_staff(session, staff, now=trade.runtime.clock.now())

    await put("orders:read", "companies:write")
    gate = SlowGate()
    app.dependency_overrides[get_gate] = lambda: gate
    waiting = asyncio.create_task(sign_in(trade, "sam@shop.example"))
    await gate.checked.wait()
    await put("orders:read")
    gate.let_go.set()
    actor = await trade.runtime.verifier.verify((await waiting).json()["access_token"])
    assert actor.scopes == {"orders:read"}
