"""The declarative base of pricing's own tables."""

from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase

from chassis.db import TYPES, new_metadata

CODE = Text(collation="C")
"""Keys, SKUs and codes: compared byte by byte, so that pages are in one order on every server."""


class Base(DeclarativeBase):
    """Every table that pricing owns."""

    metadata = new_metadata()
    type_annotation_map = TYPES
