"""One table, enough to see what is committed."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.db import TYPES, new_metadata


class Base(DeclarativeBase):
    metadata = new_metadata()
    type_annotation_map = TYPES


class BookRow(Base):
    """A book; `title` is unique only at commit, so that a commit can fail."""

    __tablename__ = "books"

    key: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    pages: Mapped[int] = mapped_column(default=0, server_default="0")
