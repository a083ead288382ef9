"""One key, one effect: replays, twins side by side, crashes, other bodies, other callers."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from chassis.idempotency import PURGE, IdempotencyRow, read_key
from contracts.problems import BadRequest

BOOK = {"key": "a", "title": "A"}


async def count(session, table="books"):
    connection = await session.connection()
    return (await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one()


async def test_a_repeat_gets_the_same_answer(app_client, session):
    headers = {"Idempotency-Key": '"key-1"'}
    first = await app_client.post("/v1/books", json=BOOK, headers=headers)
    again = await app_client.post(
        "/v1/books",
        content=b'{"title": "A",   "key": "a"}',
        headers={"Idempotency-Key": "key-1", "Content-Type": "application/json"},
    )
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for name in ("location", "etag", "content-type", "content-length"):
        assert first.headers[name] == again.headers[name]
    assert await count(session) == 1


async def test_another_body_under_the_same_key_is_refused(app_client, session):
    headers = {"Idempotency-Key": "key-1"}
    await app_client.post("/v1/books", json=BOOK, headers=headers)
    other = await app_client.post("/v1/books", json={**BOOK, "title": "B"}, headers=headers)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency-key-reused"
    assert await count(session) == 1


async def test_twins_side_by_side_have_one_effect(app_client, session):
    slow = {"key": "a", "title": "slow"}
    answers = await asyncio.gather(
        *(
            app_client.post("/v1/books", json=slow, headers={"Idempotency-Key": "key-1"})
            for _ in range(5)
        )
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201, 409, 409, 409, 409]
    busy = next(answer for answer in answers if answer.status_code == 409)
    assert busy.json()["code"] == "idempotency-key-in-use"
    assert busy.headers["retry-after"] == "1"
    assert await count(session) == 1
    again = await app_client.post("/v1/books", json=slow, headers={"Idempotency-Key": "key-1"})
    assert again.status_code == 201


async def test_late_twins_call_with_nothing_open_and_have_one_effect(
    app_client, session, neighbour_fake
):
    both_are_here = asyncio.Barrier(2)
    looking = asyncio.Lock()
    open_transactions: list[int] = []

    async def pause(call):
        await both_are_here.wait()
        async with looking:
            connection = await session.connection()
            found = await connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
            )
            open_transactions.append(found.scalar_one())
            return {}

    neighbour_fake.on("catalog", "GET", "/v1/pause", pause)
    headers = {"Idempotency-Key": "key-1"}
    answers = await asyncio.gather(
        *(app_client.post("/v1/books/late", json=BOOK, headers=headers) for _ in range(2))
    )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert set(open_transactions) == {0}
    assert await count(session) == 1
    again = await app_client.post("/v1/books/late", json=BOOK, headers=headers)
    assert again.content == answers[0].content
    other = await app_client.post("/v1/books/late", json=BOOK | {"title": "B"}, headers=headers)
    assert other.json()["code"] == "idempotency-key-reused"


async def test_many_quick_twins_have_one_effect(app_client, session):
    for round_ in range(25):
        book = {"key": f"k-{round_}", "title": "A"}
        headers = {"Idempotency-Key": f"key-{round_}"}
        answers = await asyncio.gather(
            *(app_client.post("/v1/books", json=book, headers=headers) for _ in range(4))
        )
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert any(answer.status_code == 201 for answer in answers)
        codes = {a.json()["code"] for a in answers if a.status_code == 409}
        assert codes <= {"idempotency-key-in-use"}
    assert await count(session) == 25


async def test_failures_leave_the_key_free(app_client, session):
    headers = {"Idempotency-Key": "key-1"}
    for title, status in (("full", 409), ("bug", 500), ("full", 409)):
        answer = await app_client.post(
            "/v1/books", json={"key": "a", "title": title}, headers=headers
        )
        assert answer.status_code == status
    assert (
        await app_client.post("/v1/books", json={"key": "A"}, headers=headers)
    ).status_code == 422
    assert await count(session) == 0
    assert await count(session, "idempotency_keys") == 0
    done = await app_client.post("/v1/books", json=BOOK, headers=headers)
    assert done.status_code == 201


async def test_a_crash_before_the_commit_leaves_nothing(app_client, session, end_sleeper):
    slow = {"key": "a", "title": "slow"}
    headers = {"Idempotency-Key": "key-1"}
    dying = asyncio.create_task(app_client.post("/v1/books", json=slow, headers=headers))
    await end_sleeper()
    assert (await dying).status_code == 503
    assert await count(session) == await count(session, "idempotency_keys") == 0
    again = await app_client.post("/v1/books", json=slow, headers=headers)
    assert again.status_code == 201
    assert await count(session) == await count(session, "idempotency_keys") == 1


async def test_a_cancelled_request_leaves_nothing(
    app_client, session, sleeper_is_asleep, eventually
):
    slow = {"key": "a", "title": "slow"}
    headers = {"Idempotency-Key": "key-1"}
    leaving = asyncio.create_task(app_client.post("/v1/books", json=slow, headers=headers))
    await sleeper_is_asleep()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    async def key_is_free():
        again = await app_client.post("/v1/books", json=slow, headers=headers)
        return again.status_code == 201

    await eventually(key_is_free)
    assert await count(session) == 1


async def test_keys_of_others_are_other_keys(app_client, make_token, session):
    callers = [
        {},
        {"Tandem-Cart-Secret": "one"},
        {"Tandem-Cart-Secret": "two"},
        {"Authorization": f"Bearer {make_token(subject='p1')}"},
        {"Authorization": f"Bearer {make_token(subject='p2')}"},
        {"Authorization": f"Bearer {make_token(subject='p1', kind='customer')}"},
    ]
    for number, caller in enumerate(callers):
        answer = await app_client.post(
            "/v1/books",
            json={"key": f"k{number}", "title": "A"},
            headers={"Idempotency-Key": "same", **caller},
        )
        assert answer.status_code == 201, answer.text
    assert await count(session) == len(callers)
    forged = {"Idempotency-Key": "same", "Authorization": "Bearer forged"}
    assert (await app_client.post("/v1/books", json=BOOK, headers=forged)).status_code == 401


async def test_a_key_may_be_required_or_ignored(app_client, session):
    missing = await app_client.post("/v1/books/strict", json=BOOK)
    assert missing.status_code == 400
    assert missing.json()["code"] == "idempotency-key-missing"
    headers = {"Idempotency-Key": "key-1"}
    assert (
        await app_client.post("/v1/books/strict", json=BOOK, headers=headers)
    ).status_code == 201
    for expected in (2, 3):
        free = await app_client.post("/v1/books/free", json=BOOK, headers=headers)
        assert free.json() == {"count": expected}


async def test_a_process_gets_the_claim_to_bind_itself(app_client, session):
    headers = {"Idempotency-Key": "key-1"}
    first = (await app_client.post("/v1/books/process", json=BOOK, headers=headers)).json()
    again = (await app_client.post("/v1/books/process", json=BOOK, headers=headers)).json()
    other = (
        await app_client.post("/v1/books/process", json={**BOOK, "title": "B"}, headers=headers)
    ).json()
    assert first == again
    assert first["scope"] == other["scope"]
    assert first["fingerprint"] != other["fingerprint"]
    assert await count(session, "idempotency_keys") == 0


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "tab\there", "a b", "ä"])
async def test_malformed_keys_are_refused(app_client, key):
    raw = key.encode("latin-1")
    answer = await app_client.post("/v1/books", json=BOOK, headers=[(b"Idempotency-Key", raw)])
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency-key-malformed"


def test_a_key_is_quoted_or_bare():
    assert read_key(None) is None
    assert read_key("abc") == read_key('"abc"') == "abc"
    assert read_key('"a\\"b"') == 'a"b'
    assert read_key("x" * 255) == "x" * 255
    with pytest.raises(BadRequest):
        read_key('"' + "x" * 256 + '"')


async def test_old_answers_are_forgotten_after_the_promise(app_client, runtime, session):
    for number in range(3):
        await app_client.post(
            "/v1/books",
            json={"key": f"k{number}", "title": "A"},
            headers={"Idempotency-Key": f"key-{number}"},
        )
    rows = (await session.scalars(select(IdempotencyRow.scope))).all()
    old = func.now() - func.make_interval(0, 0, 0, 0, 26)
    young = func.now() - func.make_interval(0, 0, 0, 0, 24)
    for scope, moment in zip(rows, (old, old, young), strict=True):
        await session.execute(
            update(IdempotencyRow).where(IdempotencyRow.scope == scope).values(created_at=moment)
        )
    await session.commit()
    await PURGE.run(runtime)
    assert (await session.scalars(select(IdempotencyRow.scope))).all() == [rows[2]]
