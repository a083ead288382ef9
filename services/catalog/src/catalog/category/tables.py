"""The table of categories."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.db import Base


class CategoryRow(Base):
    """A node of the tree. `path` holds the keys from the root down to itself."""

    __tablename__ = "categories"
    __table_args__ = (Index("ix_categories_path", "path", postgresql_using="gin"),)

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    parent: Mapped[str | None] = mapped_column(
        Text(collation="C"), ForeignKey("categories.key"), index=True
    )
    name: Mapped[dict[str, str]] = mapped_column(JSONB)
    position: Mapped[int]
    path: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")))
    version: Mapped[int]
    updated_at: Mapped[datetime]
