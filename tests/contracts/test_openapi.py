"""Every service is as its committed OpenAPI document says, and the document says enough."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.service import Service
from contracts.accounts import PARTNER_SCOPES

DOCUMENTS = Path(__file__).parents[2] / "contracts" / "openapi"


def read_document(service: Service) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DOCUMENTS / f"{service.name}.json").read_text())
    return document


async def test_whatever_is_sent_is_answered_as_documented(call_every_operation, make_token):
    partner = {"Authorization": f"Bearer {make_token(scopes=tuple(PARTNER_SCOPES))}"}
    assert "200" in await call_every_operation(headers=partner, examples=15)
    assert "401" in await call_every_operation(examples=3)


def described(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, parameter and property of a document, by where it stands."""
    if isinstance(value, dict):
        for name, child in value.items():
            here = f"{path}/{name}"
            if path.endswith("/properties") and isinstance(child, dict):
                yield here, child
            yield from described(child, here)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            here = f"{path}/{index}"
            if path.endswith("/parameters") and isinstance(child, dict):
                yield here, child
            yield from described(child, here)


def has_example(node: dict[str, Any], document: dict[str, Any]) -> bool:
    """An example of its own, or one in what it refers to; objects show theirs by their fields."""
    schema = node.get("schema", node)
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if any(key in part for part in (node, schema) for key in ("example", "examples", "const")):
        return True
    inner = schema.get("items", schema)
    return (
        "$ref" in inner
        or "properties" in schema
        or any("$ref" in option for option in schema.get("anyOf", ()))
    )


def test_every_field_is_described_and_has_an_example(service):
    document = read_document(service)
    bare = [
        where
        for where, node in described(document)
        if not (node.get("description") or "$ref" in node) or not has_example(node, document)
    ]
    assert bare == []


def test_every_operation_is_described_and_has_a_plain_id(service):
    document = read_document(service)
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in {"get", "put", "post", "patch", "delete"}
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for operation in operations:
        assert operation["operationId"].isidentifier()
        assert operation["summary"]
        assert operation["description"]


@pytest.mark.parametrize("name", ["openapi", "graphql"])
def test_documents_name_no_address_of_a_machine(name):
    for file in (DOCUMENTS.parent / name).iterdir():
        text = file.read_text()
        for word in ("127.0.0.1", "localhost"):
            assert word not in text, (file.name, word)
