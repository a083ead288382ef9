"""The declarative base of all tables of accounts."""

from sqlalchemy.orm import DeclarativeBase

from chassis.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """Accounts' own tables."""

    metadata = new_metadata()
    type_annotation_map = TYPES
