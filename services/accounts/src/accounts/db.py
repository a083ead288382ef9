"""The declarative base of all tables of accounts."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Text, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase

from chassis.db import TYPES, new_metadata

CODE = Text(collation="C")
"""Keys and codes: compared byte by byte, so that pages and locks have one order on every server."""


class Base(DeclarativeBase):
    """Accounts' own tables."""

    metadata = new_metadata()
    type_annotation_map = TYPES


def texts(values: Collection[str]) -> Any:
    """Strings as one array."""
    return literal(list(values), ARRAY(CODE))
