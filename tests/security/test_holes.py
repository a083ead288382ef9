"""The matrix sees a hole: each is made in one service, and the run is red where it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi.routing import APIRoute

from accounts.errors import CompanyUnknown
from accounts.hold.routes import router as holds
from approvals.request.domain import Viewer as RequestViewer
from catalog.viewer.domain import EVERYTHING
from chassis.auth import Actor, check_scopes, identify
from contracts.problems import NotFound
from gateway.schema import SCHEMAS
from orders.cart.domain import Opener
from orders.order.domain import Viewer as OrderViewer
from tests.security.graph_table import GRAPHS
from tests.security.matrix import (
    Cell,
    differences,
    fields_of,
    graph_ask,
    operations_of,
    rest_ask,
    try_row,
)
from tests.security.rest_table import REST
from tests.security.world import World


@dataclass(frozen=True)
class Hole:
    """What is taken away, where that shows, and the roles at which it does."""

    name: str
    make: Callable[[World, pytest.MonkeyPatch], None]
    service: str
    operation: str
    roles: frozenset[str]


def nothing(*_: Any, **__: Any) -> None:
    """A check that checks nothing."""


async def nothing_later(*_: Any, **__: Any) -> None:
    """A check that checks nothing, when it is waited for."""


def without(service: str, *dependencies: Any, instead: Any = nothing) -> Any:
    """A service whose routes have lost dependencies."""

    def make(world: World, patch: pytest.MonkeyPatch) -> None:
        for one in dependencies:
            patch.setitem(world.shop.apps[service].dependency_overrides, one, instead)

    return make


def instead_of(target: str, value: Any) -> Any:
    """A service in which something else stands at a name."""
    return lambda world, patch: patch.setattr(target, value)


async def everybody(*_: Any, **__: Any) -> RequestViewer:
    return RequestViewer()


def show_the_partners_token(world: World, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("gateway.endpoint._token", lambda http: world.people.tokens["partner"])


def tell_company(self: CompanyUnknown, key: str) -> None:
    NotFound.__init__(self, f"Aurora Gifts {key} is not your company.")


STRANGERS = frozenset({"their buyer", "their approver", "their admin"})
NOBODIES = frozenset({"guest", "consumer", "bare"})
CHECKED = [
    route.dependencies[0].dependency
    for route in holds.routes
    if isinstance(route, APIRoute) and route.dependencies
]
HOLES = [
    Hole(
        "a service that asks for no scope",
        without("pricing", check_scopes, instead=identify),
        "pricing",
        "put_tax_rate",
        NOBODIES | STRANGERS | {"buyer", "admin", "wrong"},
    ),
    Hole(
        "a route that was for services",
        without("accounts", *CHECKED),
        "accounts",
        "put_hold",
        NOBODIES | STRANGERS | {"partner", "wrong"},
    ),
    Hole(
        "a scope that nobody needs",
        lambda world, patch: patch.setattr(Actor, "require", nothing),
        "orders",
        "put_warehouse",
        NOBODIES | STRANGERS,
    ),
    Hole(
        "a company that everybody may read",
        instead_of("accounts.roster.routes.find_reach", nothing_later),
        "accounts",
        "list_members",
        NOBODIES | STRANGERS,
    ),
    Hole(
        "members that every colleague writes",
        instead_of("accounts.roster.routes._require_write", nothing_later),
        "accounts",
        "put_member",
        STRANGERS | {"buyer", "approver"},
    ),
    Hole(
        "a refusal that tells whom it protects",
        lambda world, patch: patch.setattr(CompanyUnknown, "__init__", tell_company),
        "accounts",
        "get_company",
        STRANGERS,
    ),
    Hole(
        "carts that open to every member",
        lambda world, patch: patch.setattr(
            Opener, "is_owner", lambda self, **_: self.profile is not None
        ),
        "orders",
        "get_cart",
        STRANGERS | {"approver", "admin"},
    ),
    Hole(
        "orders that everybody sees",
        instead_of("orders.order.routes._view", lambda *_: OrderViewer(sees_all=True)),
        "orders",
        "get_order",
        STRANGERS | {"guest"},
    ),
    Hole(
        "a list that is not narrowed to the caller's",
        instead_of("orders.order.routes._view_list", lambda *_: OrderViewer(sees_all=True)),
        "orders",
        "list_orders",
        STRANGERS | {"buyer", "approver", "admin"},
    ),
    Hole(
        "requests that everybody sees",
        instead_of("approvals.request.routes._find_viewer", everybody),
        "approvals",
        "get_approval_request",
        NOBODIES | STRANGERS,
    ),
    Hole(
        "requests that everybody finds to decide on",
        instead_of("approvals.request.queries.is_seen_by", lambda *_, **__: True),
        "approvals",
        "approve_request",
        STRANGERS,
    ),
    Hole(
        "an assortment that narrows nothing",
        instead_of("catalog.viewer.queries.plan_of", lambda *_, **__: EVERYTHING),
        "catalog",
        "get_product",
        STRANGERS,
    ),
    Hole(
        "a gateway that asks the services as somebody else",
        show_the_partners_token,
        "b2b",
        "Query.orders",
        STRANGERS | {"guest", "consumer"},
    ),
]


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_the_matrix_sees_a_hole(world: World, hole: Hole, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        hole.make(world, patch)
        seen = {cell.role for cell in try_operation(world, hole) if not cell.is_right}
    assert hole.roles <= seen


def try_operation(world: World, hole: Hole) -> list[Cell]:
    """All rows of the operation."""
    if hole.service in GRAPHS:
        rows, service, ask_of = GRAPHS[hole.service], "gateway", graph_ask(hole.service)
    else:
        document = world.shop.do(world.shop.call(hole.service, "GET", "/openapi.json"))
        (operation,) = (
            one for one in operations_of(hole.service, document) if one.name == hole.operation
        )
        rows, service, ask_of = REST[hole.service], hole.service, rest_ask(operation)
    cells = []
    for row in rows:
        if row.operation == hole.operation:
            cells += world.shop.do(try_row(world, service, row, ask_of))
    return cells


def test_an_operation_that_is_missing_or_gone_fails_the_run():
    names = [row.operation for row in REST["orders"]]
    without_one = [row for row in REST["orders"] if row.operation != "ship_order"]
    assert differences(names, without_one) == ["ship_order is not in the matrix"]
    fewer = [name for name in names if name != "ship_order"]
    (told,) = differences(fewer, REST["orders"])
    assert told == "ship_order is in the matrix, but there is no such operation"
    fields = [*fields_of(SCHEMAS["b2b"]()._schema), "Query.everything"]
    assert differences(fields, GRAPHS["b2b"]) == ["Query.everything is not in the matrix"]


def test_an_operation_that_lets_nobody_in_fails_the_run():
    (row,) = (row for row in REST["orders"] if row.operation == "ship_order")
    closed = replace(row, expected=row.expected.replace("ok", "403"))
    assert differences(["ship_order"], [closed]) == ["ship_order lets nobody in"]
