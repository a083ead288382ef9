"""GraphQL over HTTP: what is taken, with which status it is answered, and the query page."""

import re

import orjson
import pytest

STORE = "{ store { key } }"
MUTATION = "mutation { openCart(input: {}) { secret } }"


async def post(gateway, content, **headers):
    given = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return await gateway.client.post("/d2c/graphql", content=content, headers=given)


async def test_answer_is_of_the_graphql_type(gateway):
    response = await gateway.send(STORE)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert response.json() == {"data": {"store": {"key": "d2c-uk"}}}


@pytest.mark.parametrize(
    ("accept", "answered", "status"),
    [
        ("*/*", "application/graphql-response+json", 422),
        ("application/json", "application/json", 200),
        ("application/graphql-response+json, application/json", "application/graphql-resp", 422),
        ("text/html", "application/graphql-response+json", 422),
    ],
)
async def test_accept_chooses_the_manner(gateway, accept, answered, status):
    response = await gateway.send("{ nothing }", Accept=accept)
    assert response.headers["content-type"].startswith(answered)
    assert response.status_code == status
    error = response.json()["errors"][0]
    assert error["extensions"]["code"] == "graphql-invalid"
    assert "data" not in response.json()


@pytest.mark.parametrize(
    ("query", "variables", "status", "code"),
    [
        ("{ store {", None, 400, "query-not-readable"),
        ("", None, 400, "query-not-readable"),
        ('{ search(query: "\\ud800") { nodes { key } } }', None, 400, "query-not-readable"),
        ("{ store { nothing } }", None, 422, "graphql-invalid"),
        ("{ store { } }", None, 422, "graphql-invalid"),
        ("{ store }", None, 422, "graphql-invalid"),
        ("{ products(first: 1.5) { nodes { key } } }", None, 422, "graphql-invalid"),
        ("{ products(first: null) { nodes { key } } }", None, 422, "graphql-invalid"),
        ("{ products(last: 5) { nodes { key } } }", None, 422, "graphql-invalid"),
        ("query ($n: Int!) { products(first: $n) { nodes { key } } }", {}, 422, "graphql-invalid"),
        (
            "query ($n: Int!) { products(first: $n) { nodes { key } } }",
            {"n": "5"},
            422,
            "graphql-invalid",
        ),
        (
            "query ($n: Int!) { products(first: $n) { nodes { key } } }",
            {"n": 2**40},
            422,
            "graphql-invalid",
        ),
        ("{ product(by: {}) { key } }", None, 422, "graphql-invalid"),
        ('{ product(by: {key: "a", slug: "b"}) { key } }', None, 422, "graphql-invalid"),
        ("{ product(by: {key: null}) { key } }", None, 422, "graphql-invalid"),
        ("subscription { x }", None, 422, "graphql-invalid"),
        ("query A { store { key } } query B { store { key } }", None, 422, "operation-unknown"),
        ("fragment F on Store { key }", None, 422, "graphql-invalid"),
    ],
)
async def test_bad_documents_are_told_as_such(gateway, shop, query, variables, status, code):
    response = await gateway.send(query, variables)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (
        status,
        code,
    ), response.json()
    assert response.json()["errors"][0]["extensions"]["requestId"]
    assert shop.calls == []


@pytest.mark.parametrize("by", [{}, {"key": "P00001", "slug": "x"}, {"key": None}, {"nope": "x"}])
async def test_one_of_holds_for_variables_too(gateway, shop, by):
    query = "query ($by: ProductBy!) { product(by: $by) { key } }"
    answer = await gateway.ask(query, {"by": by})
    assert answer["errors"][0]["extensions"]["code"] == "graphql-invalid", answer
    assert shop.called("catalog") == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "request-not-readable"),
        (b"{", 400, "request-not-readable"),
        (b"[]", 400, "request-not-readable"),
        (b'[{"query": "{ store { key } }"}]', 400, "request-not-readable"),
        (b"{}", 400, "request-not-readable"),
        (b'{"query": 5}', 400, "request-not-readable"),
        (b'{"query": "{ store { key } }", "variables": []}', 400, "request-not-readable"),
        (b'{"query": "{ store { key } }", "operationName": 1}', 400, "request-not-readable"),
        (b'{"query": "\xff\xfe"}', 400, "body-not-json"),
        (b'{"query": "' + b" " * 100_001 + b'"}', 413, "body-too-large"),
        (b'{"query": "' + b" " * 10_000_000 + b'"}', 413, "body-too-large"),
    ],
)
async def test_bodies_that_are_no_request(gateway, body, status, code):
    response = await post(gateway, body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
async def test_only_json_is_taken_so_that_no_form_can_send_it(gateway, shop, content_type):
    response = await post(gateway, orjson.dumps({"query": MUTATION}), Content_Type=content_type)
    assert response.status_code == 415
    assert shop.calls == []


async def test_get_answers_queries(gateway):
    query = "query ($first: Int!) { products(first: $first) { nodes { key } } }"
    params = {"query": query, "variables": '{"first": 1}'}
    response = await gateway.client.get("/d2c/graphql", params=params)
    assert response.json()["data"]["products"]["nodes"] == [{"key": "P00001"}]


async def test_get_changes_nothing(gateway, shop):
    response = await gateway.client.get("/d2c/graphql", params={"query": MUTATION})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["errors"][0]["extensions"]["code"] == "mutation-by-get"
    assert shop.calls == []


@pytest.mark.parametrize("params", [{}, {"query": STORE, "variables": "{"}])
async def test_get_without_a_readable_request(gateway, params):
    response = await gateway.client.get("/d2c/graphql", params=params)
    assert response.status_code == 400


async def test_named_operation_is_the_one_that_runs(gateway):
    body = {
        "query": "query A { store { key } } query B { store { name } }",
        "operationName": "B",
    }
    response = await gateway.client.post("/d2c/graphql", json=body)
    assert response.json() == {"data": {"store": {"name": "Tandem Gifts"}}}


async def test_mistakes_of_ours_are_masked_and_logged(gateway, monkeypatch):
    async def broken(context):
        raise ZeroDivisionError("the secret is 42")

    monkeypatch.setattr("gateway.catalog.clients.get_store", broken)
    response = await gateway.send("{ store { key } }", X_Request_Id="ask-me-1")
    error = response.json()["errors"][0]
    assert response.json()["data"] == {"store": None}
    assert error["extensions"] == {"code": "internal-error", "requestId": "ask-me-1"}
    assert error["path"] == ["store"]
    assert "42" not in response.text


async def test_page_for_people_is_whole_without_the_network(gateway):
    page = await gateway.client.get("/d2c/graphql", headers={"Accept": "text/html,*/*"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 7
    for file in files:
        if file.startswith("data:"):
            continue
        asset = await gateway.client.get(f"/d2c/{file}")
        assert asset.status_code == 200, file
        assert len(asset.content) > 10
        if file.endswith(".css"):
            assert not re.search(r"(@import|url\()(?!data:)[^;]*", asset.text.replace("'", ""))
    own = page.text + (await gateway.client.get("/d2c/graphql/page.js")).text
    assert "http:" not in own
    assert "https:" not in own
    assert "//" not in own.replace("</", "").replace("/>", "")


async def test_examples_of_the_page_run(gateway):
    script = (await gateway.client.get("/d2c/graphql/page.js")).text
    example = script.split("`")[1].replace("\\`", "`")
    for name in ("Products", "Search", "OpenCart"):
        body = {"query": example, "operationName": name}
        answer = (await gateway.client.post("/d2c/graphql", json=body)).json()
        assert "errors" not in answer, answer


async def test_examples_of_the_page_of_b2b_run(open_gateway, shop):
    gateway = await open_gateway(schema="b2b")
    script = (await gateway.client.get("/b2b/graphql/page.js")).text
    example = script.split("`")[3]
    session = {"email": "ada@brighton.example", "password": "the-right-password"}
    for name, told in (("SignIn", "signIn"), ("Products", "products")):
        answer = await gateway.client.post(
            gateway.path,
            json={"query": example, "operationName": name, "variables": session},
            headers={"Authorization": f"Bearer {shop.token()}"} if name == "Products" else None,
        )
        assert answer.json()["data"][told], answer.json()
        assert "errors" not in answer.json()
    answer = await gateway.client.post(
        gateway.path, json={"query": example, "operationName": "Placements"}
    )
    assert answer.json()["errors"][0]["extensions"]["code"] == "subscription-by-request"


@pytest.mark.parametrize("file", ["nope.js", "..%2F..%2Fschema.py", "LICENSES.txt"])
async def test_nothing_but_the_page_s_own_files_is_served(gateway, file):
    assert (await gateway.client.get(f"/d2c/graphql/{file}")).status_code == 404


async def test_page_can_be_switched_off(open_gateway):
    gateway = await open_gateway(graphiql=False)
    for path in ("/d2c/graphql", "/d2c/graphql/page.js"):
        assert (await gateway.client.get(path, headers={"Accept": "text/html"})).status_code == 404


async def test_health(gateway):
    assert (await gateway.client.get("/livez")).status_code == 200
    assert (await gateway.client.get("/readyz")).status_code == 200


ORIGIN = "https://shop.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type, tandem-store",
}


async def test_named_origins_may_call_from_a_browser(open_gateway):
    gateway = await open_gateway(cors_origins={ORIGIN})
    preflight = await gateway.client.options("/d2c/graphql", headers=PREFLIGHT)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    answer = await gateway.send(STORE, Origin=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    other = await gateway.send(STORE, Origin="https://evil.example")
    assert "access-control-allow-origin" not in other.headers


async def test_no_origin_may_unless_named(gateway):
    preflight = await gateway.client.options("/d2c/graphql", headers=PREFLIGHT)
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize("header", ["Bearer rubbish", "Bearer", "Basic abc", "Bearer a.b.c"])
async def test_a_token_that_does_not_hold_is_told(gateway, shop, header):
    answer = await gateway.send(STORE, Authorization=header)
    assert answer.status_code == 401
    assert answer.json()["code"] == "token-invalid"
    assert not shop.called("catalog")
