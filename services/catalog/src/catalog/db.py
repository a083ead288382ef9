"""The service's declarative base, and how many rows reach the database in one statement."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson
from sqlalchemy import BindParameter, FromClause, Table, Text, bindparam, column, func
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeEngine

from chassis.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """Every table of catalog."""

    metadata = new_metadata()
    type_annotation_map = TYPES


def table_of(row: type[Base]) -> Table:
    """The table of a mapped class, for statements that the ORM should not look into."""
    return cast(Table, row.__table__)


ROWS: BindParameter[str] = bindparam("rows", type_=Text)
"""The one parameter of a statement that reads from `recordset`; give it `as_rows(...)`."""


def recordset(**columns: TypeEngine[Any]) -> FromClause:
    """Rows of these columns, handed in as one JSON parameter.

    However many rows there are, the statement stays the same and so does its plan; a VALUES list
    would be compiled and parsed anew for every length.
    """
    return (
        func.json_to_recordset(sql_cast(ROWS, JSON))
        .table_valued(*(column(name, kind) for name, kind in columns.items()))
        .render_derived(name="given", with_types=True)
    )


def as_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter for `recordset`."""
    # asyncpg has a UUID class of its own, which only `default` can tell.
    return {"rows": orjson.dumps(list(rows), default=str).decode()}
