"""The declarative base of the tables that orders owns."""

from sqlalchemy.orm import DeclarativeBase

from chassis.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """A table of orders; nobody else reads it."""

    metadata = new_metadata()
    type_annotation_map = TYPES
