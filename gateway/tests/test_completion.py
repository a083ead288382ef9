"""The quick executor answers exactly as graphql-core does, in the usual case and in any other."""

from typing import Any

import pytest
from graphql import execute, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis_graphql import queries

from gateway.catalog.types import CategoryTree, Product, ProductConnection, Store
from gateway.completion import Plans, QuickExecutor
from gateway.connections import Place
from gateway.orders.types import Cart, DeliveryMethod, Order, Placement
from gateway.pricing.types import Price
from gateway.schema import create_d2c, sdl


@pytest.fixture(scope="module")
def world(make_wire):
    """The schema, its roots answering from one made-up shop."""
    schema = create_d2c()._schema
    tree = CategoryTree.from_wire(make_wire.categories())
    price = Price.from_wire(
        {"unit_price": {"amount": "1", "currency": "GBP"}, "is_tax_included": True}
    )
    products = [
        Product.from_wire(wire, locale="en", prices={f"{wire['key']}-A": price}, tree=tree)
        for wire in make_wire.products(3)
    ]
    categories = tree.below(None, "en")
    store = Store.from_wire(make_wire.store(), locale="en")
    connection = ProductConnection.of(products, Place(None, 0, 3), "x")
    roots: dict[str, Any] = {
        "store": store,
        "categories": categories,
        "category": categories[0],
        "products": connection,
        "search": connection,
        "product": products[0],
        "node": products[1],
        "deliveryMethods": [DeliveryMethod.from_wire(make_wire.method(), locale="en")],
        "cart": Cart.from_wire(make_wire.cart()),
        "order": Order.from_wire(make_wire.order()),
        "placement": Placement.from_wire(make_wire.placement()),
    }
    assert schema.query_type is not None
    assert roots.keys() == schema.query_type.fields.keys()
    for name, field in schema.query_type.fields.items():
        field.resolve = lambda source, info, name=name, **arguments: roots[name]
    return schema, roots


def told(result):
    errors = [
        (error.message, tuple(error.path or ()), tuple(error.locations or ()))
        for error in result.errors or ()
    ]
    return result.data, errors


def both(schema, query, variables=None):
    """What graphql-core says, and what the quick one says at first and from a known plan."""
    document = parse(query)
    assert validate(schema, document) == []
    plans = Plans()
    plain = told(execute(schema, document, variable_values=variables))
    quick = [
        told(
            execute(
                schema,
                document,
                variable_values=variables,
                executor_class=QuickExecutor,
                plans=plans,
            )
        )
        for _ in range(2)
    ]
    assert quick[0] == plain
    assert quick[1] == plain
    if plain[0] is not None:
        assert list(quick[0][0]) == list(plain[0])
        assert repr(quick[0][0]) == repr(plain[0]), "the order of fields"
    return plain


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=queries(sdl("d2c").replace("directive @oneOf on INPUT_OBJECT\n\n", "")))
def test_any_query_is_answered_alike(world, query):
    schema, _ = world
    if not validate(schema, parse(query)):
        both(schema, query)


ALL = """
query ($yes: Boolean = true, $no: Boolean = false) {
  products { __typename edges { cursor node { ...P __typename } } nodes { other: key ...P }
    pageInfo { __typename hasNextPage endCursor } }
  categories { key children { name parent { key } path { key __typename } } }
  store { audience taxDisplay locales ... on Node { id } ... @include(if: $no) { name } }
  cart(id: 1, secret: "x") { status email lines { total { gross { amount } } } }
  node(id: 1) { id ... on Product { name } ... on Category { name } }
}
fragment P on Product {
  id name description @skip(if: $yes) slug @include(if: $yes)
  variants { sku price { taxRate unitPrice { amount } } availability { available } }
  categories { name } media { alt }
}
"""


@pytest.mark.parametrize("variables", [None, {"yes": False}, {"no": True}, {"yes": None}])
def test_fragments_aliases_names_and_switches(world, variables):
    both(world[0], ALL, variables)


def test_plan_of_one_switch_is_not_used_for_the_other(world):
    schema, _ = world
    document = parse("query ($no: Boolean!) { store { key name @include(if: $no) } }")
    plans = Plans()
    for value, keys in ((True, ["key", "name"]), (False, ["key"]), (True, ["key", "name"])):
        result: Any = execute(
            schema,
            document,
            variable_values={"no": value},
            executor_class=QuickExecutor,
            plans=plans,
        )
        assert list(result.data["store"]) == keys


SPOILS = [
    ("name", None),
    ("name", 5),
    ("name", object()),
    ("id", None),
    ("variants", None),
    ("variants", 7),
    ("variants", (1, 2)),
    ("variants", [None]),
    ("price", None),
    ("price", 3),
    ("updated_at", 5),
]


@pytest.mark.parametrize(("name", "value"), SPOILS)
def test_values_that_must_not_be_are_told_alike(world, name, value):
    schema, roots = world
    product = roots["products"].nodes[1]
    kept = getattr(product, name)
    setattr(product, name, value)
    try:
        both(
            schema,
            "{ products { nodes { id name updatedAt price { taxRate } variants { sku } } } }",
        )
        both(
            schema,
            "{ products { edges { node { name } } } node(id: 1) { ... on Product { name } } }",
        )
    finally:
        setattr(product, name, kept)


def test_numbers_beyond_an_int_and_strange_enums_are_told_alike(world):
    schema, roots = world
    cart, store = roots["cart"], roots["store"]
    kept = cart.version, store.audience
    try:
        for version in (2**31, 1.5, "7", True, None):
            cart.version = version
            both(schema, '{ cart(id: 1, secret: "x") { version } }')
        for audience in ("d2c", "nothing", None):
            store.audience = audience
            both(schema, "{ store { audience key } }")
    finally:
        cart.version, store.audience = kept


def test_raising_attribute_is_told_alike(world):
    schema, roots = world
    product = roots["product"]
    kept = product.name
    del product.name
    try:
        data, errors = both(schema, '{ product(by: {key: "x"}) { key name } }')
        assert data == {"product": None}
        assert errors[0][1] == ("product", "name"), errors
    finally:
        product.name = kept
