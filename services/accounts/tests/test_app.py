"""The application as a whole: health, migrations, and the OpenAPI that others build on."""

from chassis.migrate import differences


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
