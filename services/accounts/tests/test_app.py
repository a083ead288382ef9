"""The application as a whole: health, migrations, and the OpenAPI that others build on."""

import httpx

from chassis.migrate import differences
from contracts.accounts import PARTNER_SCOPES

SECRET = "correct-horse-battery-staple-2010-12-01"


async def test_it_lives(app_client):
    assert (await app_client.get("/livez")).status_code == 200


async def test_migrations_make_the_tables_that_the_code_maps(service, settings):
    assert await differences(service, settings) == []


async def test_every_operation_is_described(app_client):
    document = (await app_client.get("/openapi.json")).json()
    operation = document["paths"]["/v1/tokens"]["post"]
    assert operation["operationId"] == "request_token"
    assert operation["description"]
    assert {"200", "400", "401", "413", "415", "429", "503"} <= operation["responses"].keys()
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
    for field in form["schema"]["properties"].values():
        assert field["description"]
        assert field["examples"]


async def test_whatever_is_sent_is_answered_as_documented(call_every_operation):
    seen = await call_every_operation(examples=30)
    assert {"200", "400", "401", "415"} & seen
    assert not {status for status in seen if status >= "500"}


async def test_whatever_a_known_client_sends_is_answered_as_documented(
    call_every_operation, put_application
):
    await put_application(scopes=list(PARTNER_SCOPES))
    basic = httpx.BasicAuth("erp", SECRET)._auth_header
    seen = await call_every_operation(
        headers={"Authorization": basic}, skip=("GET /v1/changes",), examples=30
    )
    assert {"200", "400"} <= seen
