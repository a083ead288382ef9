"""Commit before the answer; what a failing database means to the caller."""

import asyncio

import asyncpg
import httpx
import pytest

from chassis.service import create_app


async def test_a_commit_precedes_the_answer(app_client, database):
    answer = await app_client.post("/v1/books", json={"key": "a", "title": "A"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/books/a"
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT title FROM books WHERE key = 'a'") == "A"
    finally:
        await connection.close()


async def test_a_failing_commit_is_not_an_answer_of_success(app_client):
    await app_client.post("/v1/books", json={"key": "a", "title": "only-one"})
    for headers in ({}, {"Idempotency-Key": "k1"}):
        twin = await app_client.post(
            "/v1/books", json={"key": "b", "title": "only-one"}, headers=headers
        )
        assert twin.status_code == 409
        assert twin.json()["code"] == "concurrent-change"
        broken = await app_client.post(
            "/v1/books",
            json={"key": "c", "title": "never"},
            headers=headers and {"Idempotency-Key": "k2"},
        )
        assert broken.status_code == 500
        assert broken.json()["code"] == "internal-error"
        assert "purpose" not in broken.text
    assert [book["key"] for book in (await app_client.get("/v1/books")).json()] == ["a"]


async def test_a_raised_problem_rolls_back(app_client):
    answer = await app_client.post("/v1/books", json={"key": "a", "title": "full"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "shelf-full"
    assert answer.json()["room"] == 0
    assert (await app_client.get("/v1/books/a")).status_code == 404


async def test_a_pooled_connection_that_the_server_closed_is_replaced(app_client, database):
    assert (await app_client.get("/v1/books")).status_code == 200
    admin = await asyncpg.connect(database)
    try:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND usename = current_user"
        )
    finally:
        await admin.close()
    await asyncio.sleep(0.05)
    assert (await app_client.get("/v1/books")).status_code == 200


async def test_a_connection_lost_at_work_is_unavailable(app_client, end_sleeper):
    sleeping = asyncio.create_task(app_client.get("/v1/sleep?seconds=5"))
    await end_sleeper()
    answer = await sleeping
    assert answer.status_code == 503
    assert answer.json()["code"] == "database-unavailable"


async def test_a_slow_statement_is_cut_off(service, settings):
    quick = settings.model_copy(update={"statement_timeout_ms": 100})
    app = create_app(service, quick)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shelf") as client,
    ):
        answer = await client.get("/v1/sleep?seconds=5")
    assert answer.status_code == 503
    assert answer.json()["code"] == "database-busy"


@pytest.mark.parametrize("url", ["postgresql://nobody:x@127.0.0.1:1/none", None])
async def test_without_a_database_everything_is_unavailable(service, settings, url):
    wrong = (
        url or settings.database_url.replace("tandem_test:tandem_test@", "tandem_test:no@") + "x"
    )
    app = create_app(service, settings.model_copy(update={"database_url": wrong}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shelf") as client,
    ):
        for answer in (
            await client.get("/v1/books"),
            await client.get("/v1/books/a"),
            await client.post(
                "/v1/books", json={"key": "a", "title": "A"}, headers={"Idempotency-Key": "k"}
            ),
        ):
            assert answer.status_code == 503
            assert answer.json()["code"] == "database-unavailable"
            assert answer.headers["retry-after"] == "1"
        assert (await client.get("/livez")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["database"] == "failed"


async def test_pgbouncer_mode_prepares_nothing_by_a_shared_name(service, settings):
    app = create_app(service, settings.model_copy(update={"pgbouncer": True}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shelf") as client,
    ):
        for _ in range(3):
            assert (await client.get("/v1/books")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 200
