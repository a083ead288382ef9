"""The declarative base of the tables that orders owns, and lists as single parameters.

A list given as one array keeps a statement the same however long the list is, so that both
SQLAlchemy and PostgreSQL prepare it once.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, Uuid, literal
from sqlalchemy.orm import DeclarativeBase

from chassis.db import TYPES, new_metadata

# One instance of each: a type's part of a statement's cache key is worked out once for it.
_TEXTS = ARRAY(Text())
_NUMBERS = ARRAY(BigInteger())
_UUIDS = ARRAY(Uuid())


class Base(DeclarativeBase):
    """A table of orders; nobody else reads it."""

    metadata = new_metadata()
    type_annotation_map = TYPES


def texts(values: Collection[str]) -> Any:
    """Strings as one array."""
    return literal(list(values), _TEXTS)


def numbers(values: Collection[int]) -> Any:
    """Integers as one array."""
    return literal(list(values), _NUMBERS)


def uuids(values: Collection[UUID]) -> Any:
    """UUIDs as one array."""
    return literal(list(values), _UUIDS)
