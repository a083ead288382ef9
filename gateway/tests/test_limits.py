"""How much a query may ask for; refusing takes no longer than reading."""

import pytest
from graphql import get_introspection_query, parse

from gateway import executor


def never(*_):
    """Stands for the validation that a costly query must not reach."""
    pytest.fail("the query was validated")


async def refusal(gateway, query):
    response = await gateway.send(query)
    error = response.json()["errors"][0]
    return response.status_code, error["extensions"]["code"], error["message"]


def nested(depth):
    return "{ categories " + "{ children " * depth + "{ key }" + " }" * (depth + 1)


async def test_depth(gateway):
    answer = await gateway.ask(nested(8))
    assert "errors" not in answer
    status, code, message = await refusal(gateway, nested(10))
    assert (status, code) == (422, "query-too-costly")
    assert message == "The query has 11 levels; 10 at most are allowed."


async def test_depth_through_fragments(gateway):
    query = "{ categories { ...A } }"
    for name, inner in zip("ABCDEFGHIJK", "BCDEFGHIJKL", strict=True):
        query += f" fragment {name} on Category {{ children {{ ...{inner} }} }}"
    status, code, _ = await refusal(gateway, query + " fragment L on Category { key }")
    assert (status, code) == (422, "query-too-costly")


@pytest.mark.parametrize("depth", [500, 5_000])
async def test_nesting_beyond_what_python_recurses(gateway, depth):
    status, code, _ = await refusal(gateway, nested(depth))
    assert (status, code) == (422, "query-too-costly")


async def test_deeply_nested_values_and_types(gateway):
    for query in (
        "query ($a: " + "[" * 900 + "Int" + "]" * 900 + ") { store { key } }",
        "{ product(by: {key: " + "[" * 900 + "]" * 900 + "}) { key } }",
    ):
        response = await gateway.send(query)
        assert response.status_code in (400, 422)


async def test_aliases(gateway, shop):
    query = "{ " + " ".join(f"a{n}: store {{ key }}" for n in range(16)) + " }"
    status, code, message = await refusal(gateway, query)
    assert (status, code) == (422, "query-too-costly")
    assert "16 aliases; 15" in message
    assert shop.calls == []


async def test_tokens(gateway):
    status, code, _ = await refusal(gateway, "{ store { " + "key " * 3000 + "} }")
    assert (status, code) == (422, "query-too-costly")


async def test_directives(gateway):
    query = "{ store { " + "key @skip(if: false) " * 51 + "} }"
    assert (await refusal(gateway, query))[:2] == (422, "query-too-costly")


async def test_fragments_that_double_are_refused_at_once(gateway, monkeypatch):
    query = "{ store { ...F0 } }"
    for n in range(150):
        query += f" fragment F{n} on Store {{ ...F{n + 1} ...F{n + 1} }}"
    monkeypatch.setattr(executor, "validate", never)
    status, code, message = await refusal(gateway, query + " fragment F150 on Store { key a: key }")
    assert (status, code) == (422, "query-too-costly")
    assert "too many" in message


@pytest.mark.parametrize(
    "query",
    [
        "{ store { " + "name " * 400 + "} }",
        "{ products { nodes { " + "media { url } " * 200 + "} } }",
        "{ products { nodes { " + "... on Product { key } " * 150 + "} } }",
        "{ " + "products { nodes { variants { sku } } } " * 60 + "}",
    ],
)
async def test_fields_over_and_over_again_are_refused_before_they_are_compared(
    gateway, monkeypatch, query
):
    monkeypatch.setattr(executor, "validate", never)
    status, code, message = await refusal(gateway, query)
    assert (status, code) == (422, "query-too-costly")
    assert "pairs of equal fields" in message


async def test_fragments_of_many_components_may_share_fields(gateway):
    query = "{ products(first: 1) { nodes { " + " ".join(f"...F{n}" for n in range(20)) + " } } }"
    for n in range(20):
        query += f" fragment F{n} on Product {{ id key name price {{ taxRate }} }}"
    assert "errors" not in await gateway.ask(query)


async def test_fragments_that_go_round_in_circles(gateway):
    query = "{ store { ...A } } fragment A on Store { ...B } fragment B on Store { ...A }"
    assert (await refusal(gateway, query))[:2] == (422, "graphql-invalid")


async def test_introspection_is_open_but_bounded(gateway, open_gateway):
    answer = await gateway.ask(get_introspection_query(input_value_deprecation=False))
    assert "errors" not in answer, answer["errors"]
    circle = "{ __schema { types { " + "fields { type { " * 3 + "name" + " } }" * 3 + " } } }"
    assert (await refusal(gateway, circle))[:2] == (422, "graphql-invalid")
    closed = await open_gateway(introspection=False)
    assert (await refusal(closed, "{ __schema { types { name } } }"))[1] == "graphql-invalid"
    assert (await closed.ask("{ __typename }"))["data"] == {"__typename": "Query"}


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
async def test_page_size(gateway, shop, first):
    answer = await gateway.ask(f"{{ products(first: {first}) {{ nodes {{ key }} }} }}")
    assert answer["data"] == {"products": None}
    assert answer["errors"][0]["extensions"]["code"] == "page-size-out-of-range"
    assert shop.called("catalog") == []


async def test_documents_are_kept_within_bounds(open_gateway, monkeypatch):
    parsed = []

    def counted(query, **options):
        parsed.append(query)
        return parse(query, **options)

    monkeypatch.setattr("gateway.executor.parse", counted)
    gateway = await open_gateway(documents=2)
    for query in ("{ store { key } }", "{ store { name } }", "{ store { key } }"):
        await gateway.ask(query)
    assert len(parsed) == 2
    await gateway.ask("{ store { id } }")  # takes the place of `name`, used least recently
    await gateway.ask("{ store { key } }")
    assert len(parsed) == 3
    await gateway.ask("{ store { name } }")
    assert len(parsed) == 4
