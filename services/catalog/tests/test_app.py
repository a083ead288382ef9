"""Catalog as a whole: its schema, its snapshots, and what its API document says."""

import json

from catalog.app import SERVICE
from chassis.migrate import differences, migrate
from contracts.catalog import Category, ProductFacts, Store
from contracts.topology import SNAPSHOTS


async def test_migrations_make_the_mapped_tables(settings):
    await migrate(SERVICE, settings)
    assert await differences(SERVICE, settings) == []


async def test_snapshots_have_everything(partner, put_category, put_product, store, guest):
    await put_category("a-last", parent=None)
    await put_category("z-first")
    await put_category("a-last", parent="z-first")
    await put_product("71053", skus=["71053", "71053L"], categories=["a-last"])
    await put_product("hidden", is_published=False)
    assert tuple(snapshot.type for snapshot in SERVICE.snapshots) == SNAPSHOTS["catalog"]
    lines = {}
    for kind in SNAPSHOTS["catalog"]:
        answer = await partner.get(f"/v1/snapshots/{kind}")
        first, *rest = [json.loads(line) for line in answer.text.splitlines()]
        assert first["cursor"]
        lines[kind] = rest
        assert (await guest.get(f"/v1/snapshots/{kind}")).status_code == 401
    assert [Store.model_validate(line).key for line in lines["stores"]] == [store]
    categories = [Category.model_validate(line) for line in lines["categories"]]
    assert [category.key for category in categories] == ["z-first", "a-last"]
    products = [ProductFacts.model_validate(line) for line in lines["products"]]
    assert [(one.key, one.skus, one.categories, one.is_published) for one in products] == [
        ("71053", ["71053", "71053L"], ["a-last", "z-first"], True),
        ("hidden", ["hidden"], [], False),
    ]


OWN = [["stores"], ["categories"], ["products"], ["assortments"], ["entitlements"]]
"""What is not the chassis'."""


async def test_every_operation_is_explained_with_examples(app):
    document = app.openapi()
    ids = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            ids.append(operation["operationId"])
            if path.split("/")[2:3] in OWN:
                assert operation["summary"], where
                assert operation["description"], where
                _parameters_are_explained(operation, where)
    assert len(set(ids)) == len(ids)
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"


def _parameters_are_explained(operation, where):
    for parameter in operation.get("parameters", []):
        assert parameter.get("description"), f"{where} {parameter['name']}"
        shown = parameter.get("examples") or parameter.get("example") or "default" in str(parameter)
        assert shown or parameter["schema"].get("examples"), f"{where} {parameter['name']}"
