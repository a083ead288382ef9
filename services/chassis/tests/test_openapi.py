"""The OpenAPI document says what is really answered."""

import json

from chassis.run import openapi


def operation(document, method, path):
    return document["paths"][path][method]


def statuses(document, method, path):
    return set(operation(document, method, path)["responses"])


async def test_every_operation_tells_its_problems(app):
    document = app.openapi()
    read = statuses(document, "get", "/v1/books")
    assert read == {"200", "404", "422", "503"}
    add = statuses(document, "post", "/v1/books")
    assert add == {"201", "400", "401", "403", "404", "409", "413", "415", "422", "503"}
    put = statuses(document, "put", "/v1/books/{key}")
    assert {"401", "403", "412"} <= put
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            for status, answer in one["responses"].items():
                if status >= "400":
                    assert answer == {"$ref": f"#/components/responses/Problem{status}"}, path
            assert "HTTPValidationError" not in json.dumps(one), (path, method)
    shared = document["components"]["responses"]["Problem409"]
    schema = shared["content"]["application/problem+json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ProblemDetail"}
    assert {"ProblemDetail", "FieldError"} <= set(document["components"]["schemas"])


async def test_tokens_and_keys_are_documented(app):
    document = app.openapi()
    assert operation(document, "get", "/v1/secret")["security"] == [{"token": ["shelf:secret"]}]
    assert operation(document, "get", "/v1/me")["security"] == [{}, {"token": []}]
    assert "security" not in operation(document, "get", "/v1/books")

    def key_of(path):
        parameters = operation(document, "post", path).get("parameters", [])
        return next((one for one in parameters if one["name"] == "Idempotency-Key"), None)

    assert key_of("/v1/books")["required"] is False
    assert key_of("/v1/books/strict")["required"] is True
    assert key_of("/v1/books/process")["required"] is True
    assert key_of("/v1/books/free") is None
    assert key_of("/v1/books/bulk") is None


async def test_names_for_generated_clients_are_the_handlers(app):
    document = app.openapi()
    assert operation(document, "post", "/v1/books")["operationId"] == "add_book"
    assert "/livez" not in document["paths"]
    assert "/docs" not in document["paths"]


async def test_the_command_prints_the_same(app, service):
    assert json.loads(openapi(service)) == app.openapi()


async def test_the_docs_open_offline(app_client):
    page = await app_client.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("https://www.w3.org", "")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "start.js", "LICENSE", "NOTICE"):
        assert (await app_client.get(f"/docs/assets/{name}")).status_code == 200
    assert (await app_client.get("/docs/assets/missing.js")).json()["code"] == "route-not-found"


async def test_no_undocumented_answer(call_every_operation, make_token):
    headers = {"Authorization": f"Bearer {make_token(scopes=('shelf:write', 'changes:read'))}"}
    seen = await call_every_operation(headers=headers, skip=("GET /v1/sleep",))
    assert {"200", "201", "400", "404", "422"} <= seen
