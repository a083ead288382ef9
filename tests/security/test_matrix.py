"""Every operation by every role."""

import pytest
from fastapi.routing import iter_route_contexts

from gateway.schema import SCHEMAS
from tests.security.graph_table import GRAPHS
from tests.security.matrix import (
    differences,
    fields_of,
    graph_ask,
    operations_of,
    report,
    rest_ask,
    try_row,
)
from tests.security.rest_table import REST
from tests.security.world import World

HIDDEN = {"/livez", "/readyz", "/openapi.json", "/docs", "/docs/assets/{path}"}
"""What is no operation: health, and the service's own documentation."""


@pytest.mark.parametrize("service", REST)
def test_every_operation_of_a_service_answers_every_role_as_it_should(world: World, service: str):
    document = world.shop.do(world.shop.call(service, "GET", "/openapi.json"))
    operations = {one.name: one for one in operations_of(service, document)}
    assert not differences(operations, REST[service])
    cells = []
    for row in REST[service]:
        cells += world.shop.do(try_row(world, service, row, rest_ask(operations[row.operation])))
    assert not (told := report(cells)), told


@pytest.mark.parametrize("schema", GRAPHS)
def test_every_field_of_a_schema_answers_every_role_as_it_should(world: World, schema: str):
    assert not differences(fields_of(SCHEMAS[schema]()._schema), GRAPHS[schema])
    cells = []
    for row in GRAPHS[schema]:
        cells += world.shop.do(try_row(world, "gateway", row, graph_ask(schema)))
    assert not (told := report(cells)), told


@pytest.mark.parametrize("service", REST)
def test_a_service_has_no_door_that_it_does_not_document(world: World, service: str):
    app = world.shop.apps[service]
    paths = {getattr(one, "path_format", None) for one in iter_route_contexts(app.routes)}
    assert paths - set(app.openapi()["paths"]) == HIDDEN
