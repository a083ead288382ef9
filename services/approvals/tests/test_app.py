"""Approvals runs, migrates and tells how it is."""

from chassis.migrate import differences


async def test_it_lives_and_is_ready(app_client):
    assert (await app_client.get("/livez")).status_code == 200
    assert (await app_client.get("/readyz")).status_code == 200


async def test_migrations_make_the_tables_that_the_code_maps(service, settings):
    assert await differences(service, settings) == []


async def test_it_publishes_its_key(app_client):
    keys = (await app_client.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["crv"] for key in keys] == ["Ed25519"]


async def test_what_is_not_there_is_a_problem(app_client):
    answer = await app_client.get("/v1/policies")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
