"""The declarative base of all tables of approvals."""

from sqlalchemy.orm import DeclarativeBase

from chassis.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """Approvals' own tables."""

    metadata = new_metadata()
    type_annotation_map = TYPES
