"""Asking and deciding over HTTP: by whom, how often, and at the same time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from approvals.errors import RequestTimedOut
from approvals.request import commands, queries
from chassis import buyers
from chassis.clock import Clock
from contracts.approvals import ApprovalStatus
from contracts.buyers import Role
from contracts.ids import new_id

UNKNOWN = f"{new_id()}:approve"


def said(answer):
    body = answer.json()
    return answer.status_code, body.get("code") or body["status"]


async def test_over_the_limit_somebody_must_decide(door, people, events):
    answer = await door("orders").put("p:approve")
    request = answer.json()
    assert (answer.status_code, request["status"]) == (200, "pending")
    assert request["reasons"] == ["over_order_limit"]
    assert (request["company"], request["unit"]) == ("acme", "shop")
    assert request["is_escalated"] is False
    assert request["purchase_order_number"] == "PO-4711"
    lifetime = datetime.fromisoformat(request["expires_at"]) - datetime.fromisoformat(
        request["created_at"]
    )
    assert lifetime == timedelta(hours=72)
    assert await events() == [("opened", "pending", 1)]


async def test_within_all_limits_nobody_is_asked(door, events):
    order_limit = {"amount": "480.00", "currency": "EUR"}
    for _ in range(2):
        answer = await door("orders").put("p:approve", order_limit=order_limit)
        assert answer.json()["status"] == "not_needed"
    assert await events() == []


async def test_the_same_again_changes_nothing_and_another_is_refused(door, events):
    first = (await door("orders").put("p:approve")).json()
    assert (await door("orders").put("p:approve")).json() == first
    other = await door("orders").put("p:approve", amount={"amount": "481.00", "currency": "EUR"})
    assert said(other) == (409, "request-differs")
    assert await events() == [("opened", "pending", 1)]


@pytest.mark.parametrize(("verb", "status"), [("approve", "approved"), ("reject", "rejected")])
@pytest.mark.parametrize("who", ["shop_approver", "head_approver", "admin"])
async def test_an_approver_decides(door, asked, events, people, verb, status, who):
    request_id = await asked()
    answer = await door(who).post(request_id, verb, comment="So be it.")
    request = answer.json()
    assert (answer.status_code, request["status"]) == (200, status)
    assert request["decided_by"] == str(people[who].member_id)
    assert request["comment"] == "So be it."
    assert answer.headers["etag"] == '"2"'
    again = await door("orders").put(request_id)
    assert again.json() == request
    assert await events() == [("opened", "pending", 1), ("decided", status, 2)]


async def test_what_people_say_is_not_told_in_events(door, asked, runtime):
    request_id = await asked()
    await door("admin").post(request_id, "reject", comment="secret-comment")
    async with runtime.sessions() as session:
        found = (await session.execute(text("SELECT event FROM outbox"))).scalars().all()
    assert len(found) == 2
    assert not any("secret-comment" in event or "PO-4711" in event for event in found)


async def test_nobody_decides_on_their_own_request(door, asked, people):
    request_id = await asked(member_id=str(people["shop_approver"].member_id))
    for verb in ("approve", "reject"):
        assert said(await door("shop_approver").post(request_id, verb)) == (403, "own-request")
    own_of_admin = await asked(member_id=str(people["admin"].member_id))
    assert said(await door("admin").post(own_of_admin, "approve")) == (403, "own-request")
    assert said(await door("head_approver").post(request_id, "approve")) == (200, "approved")


@pytest.mark.parametrize("who", ["colleague", "other_approver", "stranger", "strange_buyer"])
async def test_who_has_nothing_to_do_with_it_learns_nothing(door, asked, who):
    request_id = await asked()
    unknown = await door(who).get(UNKNOWN)
    hidden = await door(who).get(request_id)
    assert said(hidden) == said(unknown) == (404, "request-unknown")
    assert hidden.json()["detail"] == unknown.json()["detail"].replace(UNKNOWN, request_id)
    for verb in ("approve", "reject"):
        assert said(await door(who).post(request_id, verb)) == (404, "request-unknown")
    assert (await door(who).get()).json() == {"items": [], "next": None}


async def test_who_asks_sees_the_request_but_does_not_decide(door, asked):
    request_id = await asked()
    assert (await door("buyer").get(request_id)).json()["status"] == "pending"
    assert said(await door("buyer").post(request_id, "approve")) == (403, "own-request")


async def test_others_than_members_do_not_decide(door, asked):
    request_id = await asked()
    for caller, expected in [
        (door(), (401, "token-missing")),
        (door(scopes=("approvals:read",)), (403, "members-only")),
        (door(kind="staff", subject="sam", scopes=("approvals:read",)), (403, "members-only")),
        (door("orders"), (403, "members-only")),
    ]:
        assert said(await caller.post(request_id, "approve")) == expected


async def test_only_orders_asks_and_withdraws(door, asked):
    request_id = await asked()
    for words in ({"scopes": ("approvals:read",)}, {"kind": "service", "subject": "accounts"}):
        assert said(await door(**words).put("x:approve")) == (403, "service-only")
        assert said(await door(**words).post(request_id, "withdraw")) == (403, "service-only")
    assert said(await door("admin").put("x:approve")) == (403, "service-only")
    assert said(await door().put("x:approve")) == (401, "token-missing")


async def test_reading_all_of_them_needs_the_scope(door, asked):
    request_id = await asked()
    reader = door(scopes=("approvals:read",))
    assert (await reader.get(request_id)).json()["id"] == request_id
    assert len((await reader.get()).json()["items"]) == 1
    assert said(await door(scopes=("orders:read",)).get(request_id)) == (403, "missing-scope")
    assert said(await door().get(request_id)) == (401, "token-missing")
    assert (await door("orders").get(request_id)).json()["id"] == request_id
    other = door(kind="service", subject="pricing")
    assert said(await other.get(request_id)) == (403, "missing-scope")


@pytest.mark.parametrize(
    "words",
    [
        {"issuer": "tandem:orders"},
        {"issuer": "https://elsewhere.example"},
        {"audience": "tandem:pricing"},
        {"lifetime": timedelta(seconds=-10)},
    ],
    ids=["another issuer", "a stranger", "another audience", "expired"],
)
async def test_a_token_that_does_not_hold_decides_nothing(door, asked, words):
    request_id = await asked()
    answer = await door("admin", **words).post(request_id, "approve")
    assert answer.status_code == 401
    assert (await door("orders").get(request_id)).json()["status"] == "pending"


async def test_a_removed_approver_is_out(door, asked, keep, people):
    request_id = await asked()
    gone = people["shop_approver"].model_copy(update={"sequence": 2, "is_active": False})
    await keep(gone)
    answer = await door("shop_approver").post(request_id, "approve")
    assert said(answer) == (401, "access-revoked")


async def test_the_profile_counts_not_the_token(door, asked, keep, people):
    request_id = await asked()
    plain = people["shop_approver"].model_copy(update={"sequence": 2, "roles": [Role.BUYER]})
    await keep(plain)
    answer = await door("shop_approver").post(request_id, "approve")  # its token says approver
    assert said(answer) == (404, "request-unknown")


async def test_without_an_approver_it_goes_to_the_admins(door, keep, people, asked):
    for name in ("shop_approver", "head_approver"):
        await keep(people[name].model_copy(update={"sequence": 2, "is_active": False}))
    request_id = await asked()
    request = (await door("orders").get(request_id)).json()
    assert request["is_escalated"] is True
    assert said(await door("admin").post(request_id, "approve")) == (200, "approved")


async def test_without_anybody_it_waits_for_an_admin_who_comes_later(door, keep, people, asked):
    for name in ("shop_approver", "head_approver", "admin"):
        await keep(people[name].model_copy(update={"sequence": 2, "is_active": False}))
    request_id = await asked()
    request = (await door("orders").get(request_id)).json()
    assert (request["status"], request["is_escalated"]) == ("pending", True)
    newcomer = people["admin"].model_copy(update={"member_id": new_id()})
    await keep(newcomer)
    assert said(await door(newcomer).post(request_id, "approve")) == (200, "approved")


async def test_a_member_without_a_profile_sees_nothing(door, asked, monkeypatch):
    request_id = await asked()

    async def nobody(*_):
        return None

    monkeypatch.setattr(buyers, "get_buyer", nobody)
    assert said(await door("admin").get(request_id)) == (403, "members-only")
    assert said(await door("admin").get()) == (403, "members-only")


async def test_deciding_twice(door, asked, events):
    request_id = await asked()
    first = await door("shop_approver").post(request_id, "approve", comment="Yes.")
    again = await door("shop_approver").post(request_id, "approve", comment="Yes!")
    assert again.json() == first.json()
    for who, verb in [("shop_approver", "reject"), ("admin", "approve"), ("admin", "reject")]:
        answer = await door(who).post(request_id, verb)
        assert said(answer) == (409, "already-decided")
        assert answer.json()["outcome"] == "approved"
    assert await events() == [("opened", "pending", 1), ("decided", "approved", 2)]


async def test_withdrawn_before_it_came_is_refused_for_good(door, events, people):
    for _ in range(2):
        assert (await door("orders").post("p:approve", "withdraw")).status_code == 204
    assert said(await door("orders").get("p:approve")) == (404, "request-unknown")
    assert said(await door("admin").post("p:approve", "approve")) == (404, "request-unknown")
    assert (await door("orders").put("p:approve")).json()["status"] == "withdrawn"
    assert (await door("orders").put("p:approve")).json()["status"] == "withdrawn"
    assert said(await door("admin").post("p:approve", "approve")) == (409, "already-decided")
    assert await events() == []


async def test_withdrawn_while_pending_and_after_the_end(door, asked, events):
    pending, ended = await asked(), await asked()
    await door("admin").post(ended, "reject")
    for request_id in (pending, ended):
        assert (await door("orders").post(request_id, "withdraw")).status_code == 204
    assert (await door("orders").get(pending)).json()["status"] == "withdrawn"
    assert (await door("orders").get(ended)).json()["status"] == "rejected"
    told = sorted(await events())
    assert [one[:2] for one in told] == [
        ("decided", "rejected"),
        ("decided", "withdrawn"),
        ("opened", "pending"),
        ("opened", "pending"),
    ]


class Later(Clock):
    """A clock that can be turned on."""

    by = timedelta()

    def now(self):
        return datetime.now(UTC) + self.by


@pytest.fixture
def clock():
    return Later()


async def test_nobody_decides_after_the_time_is_over(clock, runtime, door, asked, events):
    runtime.clock = clock
    request_id, decided = await asked(), await asked()
    await door("admin").post(decided, "approve")
    assert await commands.time_out(runtime) == 0
    clock.by = timedelta(hours=73)
    assert await commands.time_out(runtime) == 1
    assert await commands.time_out(runtime) == 0
    clock.by = timedelta()
    request = (await door("orders").get(request_id)).json()
    assert (request["status"], request["decided_by"]) == ("timed_out", None)
    assert said(await door("admin").post(request_id, "approve")) == (409, "request-timed-out")
    assert ("decided", "timed_out", 2) in await events()


async def test_an_overdue_request_is_not_decided_before_the_sweep(runtime, people, asked):
    request_id = await asked()
    late = runtime.clock.now() + timedelta(hours=73)
    async with runtime.sessions() as session:
        with pytest.raises(RequestTimedOut):
            await commands.decide(
                session,
                request_id,
                ApprovalStatus.APPROVED,
                member=people["admin"],
                comment=None,
                now=late,
            )


async def test_many_sweepers_end_each_once(clock, runtime, asked, events, together):
    runtime.clock = clock
    for _ in range(5):
        await asked()
    clock.by = timedelta(hours=73)
    counts = await together(*(commands.time_out(runtime) for _ in range(4)))
    assert sum(counts) == 5
    assert [one[1] for one in await events()].count("timed_out") == 5


async def approve(runtime, request_id, member, *, at):
    """Approve at that moment; whether it was in time."""
    async with runtime.sessions() as session:
        try:
            await commands.decide(
                session,
                request_id,
                ApprovalStatus.APPROVED,
                member=member,
                comment=None,
                now=at,
            )
        except RequestTimedOut:
            return False
        await session.commit()
    return True


@pytest.mark.parametrize("round_", range(5))
async def test_an_approval_against_the_time_out(
    clock, runtime, people, door, asked, events, together, round_
):
    runtime.clock = clock
    request_id = await asked()
    in_time = clock.now()
    clock.by = timedelta(hours=73)
    is_approved, swept = await together(
        approve(runtime, request_id, people["admin"], at=in_time), commands.time_out(runtime)
    )
    clock.by = timedelta()
    status = (await door("orders").get(request_id)).json()["status"]
    assert (is_approved, swept, status) in [(True, 0, "approved"), (False, 1, "timed_out")]
    assert await events() == [("opened", "pending", 1), ("decided", status, 2)]


async def test_the_sweep_leaves_what_is_being_decided(clock, runtime, people, asked, events):
    runtime.clock = clock
    request_id = await asked()
    async with runtime.sessions() as session:
        await commands.decide(
            session,
            request_id,
            ApprovalStatus.APPROVED,
            member=people["admin"],
            comment=None,
            now=clock.now(),
        )
        clock.by = timedelta(hours=73)
        assert await commands.time_out(runtime) == 0  # skips the locked row, waits for nobody
        await session.commit()
    assert await commands.time_out(runtime) == 0
    assert await events() == [("opened", "pending", 1), ("decided", "approved", 2)]


async def test_who_approves_while_it_is_swept_is_late(
    clock, runtime, people, asked, events, monkeypatch
):
    runtime.clock = clock
    request_id = await asked()
    in_time = clock.now()
    clock.by = timedelta(hours=73)
    list_overdue, approving = queries.list_overdue, []

    async def start_approving(session, **words):
        rows = await list_overdue(session, **words)  # these rows are locked from here on
        if rows:
            late = approve(runtime, request_id, people["admin"], at=in_time)
            approving.append(asyncio.create_task(late))
            await waits_for_lock(runtime)
        return rows

    monkeypatch.setattr(queries, "list_overdue", start_approving)
    assert await commands.time_out(runtime) == 1
    assert [await task for task in approving] == [False]
    assert await events() == [("opened", "pending", 1), ("decided", "timed_out", 2)]


async def waits_for_lock(runtime):
    """Return as soon as somebody waits for a lock in this database."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with runtime.sessions() as session:
                if (await session.execute(waiting)).scalar_one():
                    return


@pytest.mark.parametrize("round_", range(3))
async def test_two_approvers_at_once(door, asked, events, together, round_):
    request_id = await asked()
    answers = await together(
        door("shop_approver").post(request_id, "approve"),
        door("admin").post(request_id, "reject"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await events()) == 2


@pytest.mark.parametrize("round_", range(3))
async def test_an_approval_against_a_withdrawal(door, asked, events, together, round_):
    request_id = await asked()
    decided, withdrawn = await together(
        door("admin").post(request_id, "approve"), door("orders").post(request_id, "withdraw")
    )
    assert withdrawn.status_code == 204
    status = (await door("orders").get(request_id)).json()["status"]
    assert (decided.status_code, status) in [(200, "approved"), (409, "withdrawn")]
    assert len(await events()) == 2


@pytest.mark.parametrize("round_", range(3))
async def test_asking_against_withdrawing(door, events, together, round_):
    asked, withdrawn = await together(
        door("orders").put("p:approve"), door("orders").post("p:approve", "withdraw")
    )
    assert (asked.status_code, withdrawn.status_code) == (200, 204)
    assert (await door("orders").get("p:approve")).json()["status"] == "withdrawn"


@pytest.mark.parametrize("round_", range(3))
async def test_the_same_asked_twice_at_once(door, events, together, round_):
    answers = await together(*(door("orders").put("p:approve") for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.text for answer in answers}) == 1
    assert await events() == [("opened", "pending", 1)]


async def test_lists_are_paged_and_filtered(door, asked):
    ids = [await asked() for _ in range(3)]
    await door("admin").post(ids[0], "approve")
    seen, after = [], None
    while True:
        params = {"limit": 2} | ({"after": after} if after else {})
        page = (await door("head_approver").get(**params)).json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ids[::-1]
    pending = (await door("admin").get(status="pending")).json()["items"]
    assert [one["id"] for one in pending] == ids[:0:-1]
    assert [one["id"] for one in (await door("buyer").get(limit=1)).json()["items"]] == ids[-1:]
    assert said(await door("admin").get(status="maybe"))[0] == 422
    assert said(await door("admin").get(after="rubbish")) == (422, "cursor-not-readable")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount": {"amount": "0.00", "currency": "EUR"}}, "/amount"),
        ({"amount": {"amount": "-1.00", "currency": "EUR"}}, "/amount"),
        ({"amount": {"amount": "1.001", "currency": "EUR"}}, "/amount"),
        ({"amount": 480}, "/amount"),
        ({"order_limit": {"amount": "-1.00", "currency": "EUR"}}, "/order_limit"),
        ({"over": ["overdraft"]}, "/over/0"),
        ({"member_id": "ada"}, "/member_id"),
        ({"subject_type": "Order!"}, "/subject_type"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_what_cannot_be_asked(door, events, changes, pointer):
    answer = await door("orders").put("p:approve", **changes)
    assert answer.status_code == 422
    assert pointer in {one["pointer"] for one in answer.json()["errors"]}
    assert await events() == []


async def test_a_requester_that_there_is_not(door, neighbour_fake):
    answer = await door("orders").put("p:approve", member_id=str(new_id()))
    assert said(answer) == (404, "requester-unknown")


async def test_a_repeat_is_answered_though_the_requester_is_gone(door, asked, keep, people):
    request_id = await asked()
    await keep(people["buyer"].model_copy(update={"sequence": 2, "is_active": False}))
    assert (await door("orders").put(request_id)).json()["status"] == "pending"


@pytest.mark.parametrize("request_id", ["a b", "x" * 129, "ä"])
async def test_an_id_that_cannot_be(door, request_id):
    assert (await door("orders").put(request_id)).status_code == 422


async def test_a_comment_that_cannot_be_kept(door, asked):
    request_id = await asked()
    for comment in ("x" * 20_001, "nul\0", 5):
        answer = await door("admin").post(request_id, "approve", comment=comment)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/comment")
    assert (await door("orders").get(request_id)).json()["status"] == "pending"
