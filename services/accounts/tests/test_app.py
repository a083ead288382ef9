"""The application as a whole: health, migrations, and the OpenAPI that others build on."""

import httpx

from accounts.app import SERVICE
from chassis.migrate import differences
from contracts.accounts import PARTNER_SCOPES
from contracts.topology import QUEUES, SNAPSHOTS

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


def test_service_takes_and_streams_what_the_topology_says():
    queues = {queue for queue in QUEUES if queue.startswith("accounts.")}
    assert {one.queue for one in SERVICE.consumers} == queues
    assert tuple(one.type for one in SERVICE.snapshots) == SNAPSHOTS["accounts"]


async def test_every_parameter_is_described_with_an_example(app_client):
    document = (await app_client.get("/openapi.json")).json()
    ids = []
    for path, item in document["paths"].items():
        for operation in item.values():
            ids.append(operation["operationId"])
            if not path.startswith("/v1/"):
                continue
            assert operation["summary"], path
            assert operation["description"], path
            for parameter in operation.get("parameters", []):
                assert parameter["description"], (path, parameter["name"])
                schema = parameter["schema"]
                shown = [parameter, schema, *schema.get("anyOf", [])]
                has_example = any("example" in one or "examples" in one for one in shown)
                assert has_example or "default" in schema, (path, parameter["name"])
    assert len(ids) == len(set(ids))


async def test_whatever_orders_and_partners_send_is_answered_as_documented(
    app_client, call_every_operation, trade
):
    await trade.ready()
    await trade.budget()
    document = (await app_client.get("/openapi.json")).json()
    operations = {
        f"{method.upper()} {path}": path
        for path, item in document["paths"].items()
        for method in item
    }
    for headers, served in (
        (trade.partner, ("/v1/agreements", "/v1/budgets", "/v1/customer-groups", "/v1/companies")),
        (trade.orders, ("/v1/holds",)),
    ):
        others = tuple(name for name, path in operations.items() if not path.startswith(served))
        seen = await call_every_operation(headers=headers, skip=others, examples=8)
        assert {"200", "404", "422"} <= seen
