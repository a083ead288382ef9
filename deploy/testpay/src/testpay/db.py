"""The declarative base of the test provider's tables."""

from sqlalchemy.orm import DeclarativeBase

from chassis.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """The test provider's own tables."""

    metadata = new_metadata()
    type_annotation_map = TYPES
