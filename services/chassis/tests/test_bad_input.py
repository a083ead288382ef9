"""Whatever is sent, the answer is a problem that says what was wrong, and never a 500."""

import httpx
import pytest

from chassis.problems import pointer_of

JSON = {"Content-Type": "application/json"}
GOOD = {"key": "a", "title": "A"}


@pytest.mark.parametrize(
    ("body", "status", "code", "pointers"),
    [
        (b'{"key": "a", "title": "A", "sku": 1}', 422, "invalid-input", {"/sku"}),
        (b'{"key": "a"}', 422, "invalid-input", {"/title"}),
        (b'{"key": "A/b", "title": 7}', 422, "invalid-input", {"/key", "/title"}),
        (b'{"key": "a", "title": "A", "pages": "many"}', 422, "invalid-input", {"/pages"}),
        (
            b'{"key": "a", "title": "A", "authors": [{"name": "x"}, {"nam": "y"}]}',
            422,
            "invalid-input",
            {"/authors/1/name", "/authors/1/nam"},
        ),
        (b"[]", 422, "invalid-input", {""}),
        (b"null", 422, "invalid-input", {""}),
        (b"", 422, "invalid-input", {""}),
        (b"{", 400, "body-not-json", set()),
        (b"\xff\xfe{", 400, "body-not-json", set()),
        (b'{"key": "\xff"}', 400, "body-not-json", set()),
        ('{"key": "a"}'.encode("utf-16"), 400, "body-not-json", set()),
        (b'{"key": "a", "title": "A", "pages": NaN}', 400, "body-not-json", set()),
        (b'{"key": "a", "title": "A\\u0000"}', 422, "value-not-allowed", {"/title"}),
        (b'{"key": "a", "title": "\\ud83d"}', 422, "value-not-allowed", {"/title"}),
        (b'{"key": "a", "title": "\\udc00\\ud800"}', 422, "value-not-allowed", {"/title"}),
        (b'{"key": "a", "ti\\u0000tle": "A"}', 422, "value-not-allowed", {""}),
        (
            b'{"key": "a", "title": "A", "pages": 9223372036854775808}',
            422,
            "value-not-allowed",
            {"/pages"},
        ),
        (b'{"key": "a", "title": "A", "pages": 1e400}', 422, "value-not-allowed", {"/pages"}),
        (b'{"key": "a", "title": "A", "pages": ' + b"9" * 5000 + b"}", 400, "body-not-json", set()),
        (b"[" * 100_000, 400, "body-not-json", set()),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "body-not-json", set()),
    ],
)
async def test_bodies(app_client, body, status, code, pointers):
    answer = await app_client.post("/v1/books", content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == code
    assert told["status"] == status
    assert told["request_id"] == answer.headers["x-request-id"]
    assert {error["pointer"] for error in told.get("errors", [])} == pointers


@pytest.mark.parametrize(
    "title", ["\U0001f600", "\\ud83d\\ude00", "\\\\u0000", "99999999999999999999", "NaN 1e999"]
)
async def test_what_only_looks_suspicious_passes(app_client, title):
    body = f'{{"key": "a", "title": "{title}", "pages": 9223372036854775807}}'
    answer = await app_client.post("/v1/books", content=body.encode(), headers=JSON)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/x-ndjson"},
        {"Content-Type": "not a type"},
        {"Content-Type": ""},
        {},
    ],
)
async def test_other_media_types_are_not_read(app_client, headers):
    answer = await app_client.post("/v1/books", content=b'{"key": "a"}', headers=headers)
    assert answer.status_code == 415
    assert answer.json()["code"] == "media-type-not-supported"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "route-not-found"),
        ("GET", "/v1/books/", 404, "route-not-found"),
        ("GET", "/v1/books/a/b", 404, "route-not-found"),
        ("GET", "/v1/books/missing", 404, "not-found"),
        ("DELETE", "/v1/books/a", 405, "method-not-allowed"),
        ("GET", "/v1/books?limit=0", 422, "invalid-input"),
        ("GET", "/v1/books?limit=many", 422, "invalid-input"),
        ("GET", "/v1/books?limit=99999999999999999999", 422, "invalid-input"),
        ("GET", "/v1/books?limit=1%00", 422, "value-not-allowed"),
        ("GET", "/v1/books/a%00b", 422, "value-not-allowed"),
        ("GET", "/v1/books/%ff%fe", 404, "not-found"),
        ("GET", "/v1/books/a%2Fb", 404, "route-not-found"),
        ("GET", "/v1/number?number=9223372036854775808", 422, "value-not-storable"),
        ("GET", "/v1/number?number=-99999999999999999999", 422, "value-not-storable"),
    ],
)
async def test_addresses(app_client, method, path, status, code):
    answer = await app_client.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == code
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert set(answer.headers["allow"].split(", ")) == {"GET"}
    if code == "invalid-input":
        assert answer.json()["errors"][0]["pointer"] == "limit"


async def test_our_own_mistake_is_a_plain_500(app_client, capsys):
    answer = await app_client.post("/v1/books", json={"key": "a", "title": "bug"})
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "https://tandem.example/problems/internal-error",
        "title": "Internal error",
        "status": 500,
        "code": "internal-error",
        "detail": "Something went wrong on our side; please quote the request id.",
        "instance": "/v1/books",
        "errors": [],
        "request_id": answer.headers["x-request-id"],
    }
    logged = capsys.readouterr().err
    assert "secret detail" in logged
    assert answer.headers["x-request-id"] in logged


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-ndjson"])
@pytest.mark.parametrize("size", [1024 * 1024 + 1, 10_000_000])
async def test_a_long_body_is_refused(served, content_type, size):
    async def chunks():
        for _ in range(size // 1000 + 1):
            yield b"x" * 1000

    async with httpx.AsyncClient() as client:
        for content in (b"x" * size, chunks()):
            answer = await client.post(
                f"{served}/v1/books", content=content, headers={"Content-Type": content_type}
            )
            assert answer.status_code == 413
            assert answer.json()["code"] == "body-too-large"
            assert "connection" not in answer.headers
            own_end = answer.extensions["network_stream"].get_extra_info("client_addr")
            after = await client.get(f"{served}/livez")
            assert after.extensions["network_stream"].get_extra_info("client_addr") == own_end


async def test_a_body_up_to_the_limit_is_read(served):
    body = b'{"key": "a", "title": "A", "x": "' + b"y" * (1024 * 1024 - 35) + b'"}'
    assert len(body) == 1024 * 1024
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{served}/v1/books", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/x"


@pytest.mark.parametrize(
    ("location", "body", "pointer"),
    [
        (("body", "pay", "card", "token"), {"pay": {"method": "card", "token": 1}}, "/pay/token"),
        (("body", "pay", "card", "token"), {"pay": {"method": "card"}}, "/pay/token"),
        (("body", "pay"), {}, "/pay"),
        (("body", "ways", 1, "card", "a~b"), {"ways": [{}, {}]}, "/ways/1/a~0b"),
        (("body", "ways", 3, "token"), {"ways": []}, "/ways/3/token"),
        (("body", "pay", "card", "token"), None, "/pay/card/token"),
        (("query", "limit"), {}, "limit"),
    ],
)
def test_a_pointer_leaves_out_the_tag_of_a_union(location, body, pointer):
    assert pointer_of(location, body) == pointer
