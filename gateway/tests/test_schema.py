"""The schema: as it was agreed, everything in it described, and nothing that needs a database."""

import subprocess
import sys
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    is_introspection_type,
    is_specified_scalar_type,
)

from gateway.schema import SCHEMAS, sdl

SNAPSHOTS = Path(__file__).parents[2] / "contracts" / "graphql"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_the_agreed_one(name):
    agreed = (SNAPSHOTS / f"{name}.graphql").read_text(encoding="utf-8")
    assert sdl(name) == agreed, "write it anew: make contracts"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_everything_is_described(schema):
    silent = []
    for name, kind in SCHEMAS[schema]()._schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        silent += [] if kind.description else [name]
        if isinstance(kind, GraphQLEnumType):
            silent += [
                f"{name}.{key}" for key, value in kind.values.items() if not value.description
            ]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for key, field in kind.fields.items():
                silent += [] if field.description else [f"{name}.{key}"]
                arguments = getattr(field, "args", {})
                silent += [
                    f"{name}.{key}({a})" for a, one in arguments.items() if not one.description
                ]
    assert silent == []


def test_gateway_loads_no_database():
    code = (
        "import sys, gateway.__main__; "
        "print([m for m in sys.modules if m.split('.')[0] in {'sqlalchemy', 'asyncpg', 'alembic'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_command_line_prints_the_schema():
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "sdl", "d2c"], capture_output=True, text=True, check=True
    )
    assert done.stdout == (SNAPSHOTS / "d2c.graphql").read_text(encoding="utf-8")
